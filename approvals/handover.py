"""Handing one's key to somebody for a time, and taking it back. Every step is an entry of the audit log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from actions import durations
from approvals.actor import Actor, same
from approvals.ballot import DecisionRefused
from approvals.ledger import Ledger, Recording
from approvals.lookup import Lookup
from approvals.policy_model import ANYONE
from approvals.request import Delegation
from approvals.store.direct import Direct, Found
from approvals.tables import as_text, as_time, delegations

# Made once: building a statement costs more than running it.
_FIELDS = ("giver_team", "giver_user", "taker_team", "taker_user", "since", "until")
_LIVE = delegations.c.until > bindparam("now"), delegations.c.ended_at.is_(None)
_ACTIVE = Direct(select(*(delegations.c[name] for name in _FIELDS)).where(*_LIVE).order_by(delegations.c.id))


def active(glance: Callable[..., Found], now: datetime) -> tuple[Delegation, ...]:
    """The keys that are in other hands at this moment, as far as time goes; `glance` is the store's, of one store."""
    return tuple(_delegation(*row) for row in glance(_ACTIVE, now=as_text(now)))


class Handover:
    """One key has one holder at a time: a new delegation of the same person ends the one before."""

    def __init__(self, ledger: Ledger, lookup: Lookup) -> None:
        self._ledger, self._lookup = ledger, lookup

    def give(self, giver: Actor, taker: Actor, until: datetime) -> Delegation:
        """Let `taker` turn the giver's key until then. Raises DecisionRefused, DirectoryDown."""
        self._check(giver, taker)
        with self._ledger.recording() as record:
            made = Delegation(giver=giver, taker=taker, since=record.now, until=until)
            self._check_time(made)
            self._end(record, giver)
            record.connection.execute(
                insert(delegations).values(
                    giver_team=giver.team_id,
                    giver_user=giver.user_id,
                    taker_team=taker.team_id,
                    taker_user=taker.user_id,
                    since=as_text(made.since),
                    until=as_text(until),
                )
            )
            record.add("delegation.given", {"to": taker.user_id, "until": as_text(until)}, giver)
        return made

    def end(self, giver: Actor) -> bool:
        """Take one's key back at once; whether somebody held it."""
        with self._ledger.recording() as record:
            return self._end(record, giver)

    def active(self, now: datetime) -> tuple[Delegation, ...]:
        """Those that count at this moment, as far as time goes."""
        return active(self._ledger.glance, now)

    def _check(self, giver: Actor, taker: Actor) -> None:
        policy = self._lookup.policy
        rule = policy.delegation
        if rule is None:
            raise DecisionRefused("The policy lets nobody hand over their key; it has no `delegation`.")
        if same(giver, taker):
            raise DecisionRefused("You hold your own key already.")
        named = () if rule.to == ANYONE else rule.to
        groups = self._lookup.members(policy, [*rule.groups, *named])
        people = self._lookup.people((giver, taker))
        if giver not in people or not any(giver in groups.get(name, frozenset()) for name in rule.groups):
            raise DecisionRefused(f"Only members of {' or '.join(rule.groups)} can hand over their key.")
        if taker not in people or (named and not any(taker in groups.get(name, frozenset()) for name in named)):
            to = f"members of {' or '.join(named)}" if named else "full members of this workspace"
            raise DecisionRefused(f"A key can be handed to {to} only.")

    def _check_time(self, made: Delegation) -> None:
        rule = self._lookup.policy.delegation
        if made.until <= made.since:
            raise DecisionRefused("That time is over already. Say until when, like 18:00, or for how long, like 2h.")
        if rule is None or made.length > durations.parse(rule.longest):
            longest = durations.spell(durations.parse(rule.longest).total_seconds()) if rule else "0"
            raise DecisionRefused(f"A key can be handed over for {longest} at most.")

    def _end(self, record: Recording, giver: Actor) -> bool:
        live = (
            delegations.c.giver_user == giver.user_id,
            delegations.c.until > as_text(record.now),
            delegations.c.ended_at.is_(None),
        )
        found = record.connection.execute(select(delegations.c.taker_user).where(*live)).scalars().all()
        if found:
            record.connection.execute(update(delegations).where(*live).values(ended_at=as_text(record.now)))
            record.add("delegation.ended", {"from": list(found)}, giver)
        return bool(found)


def _delegation(
    giver_team: str, giver_user: str, taker_team: str, taker_user: str, since: str, until: str
) -> Delegation:
    return Delegation(
        giver=Actor(team_id=giver_team, user_id=giver_user),
        taker=Actor(team_id=taker_team, user_id=taker_user),
        since=as_time(since),
        until=as_time(until),
    )
