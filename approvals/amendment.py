"""Letting a weaker policy come into force: somebody asks for it, others approve it by the policy in force (A9).

Nobody knows who wrote a file, so it counts as nobody's wish until a person asks for it. Then it is like a request:
whoever asks approves nothing (A4), each person speaks once, a deny ends it (A5), and so does the time that the policy
in force gives a request by default (A6). Keys that were handed over and broken glasses open nothing here. Once it
ended it may be asked for again, from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue
from sqlalchemy import Connection, insert, select

from actions import durations
from approvals import quorum
from approvals.actor import Actor, Directory, same
from approvals.ballot import DecisionRefused
from approvals.charter import Charter, Draft
from approvals.ledger import Ledger, Recording
from approvals.request import Requirement
from approvals.tables import as_text, as_time, policy_voices

_ASK, _APPROVE, _DENY, _ADOPT = "ask", "approve", "deny", "adopt"
_KINDS = {_ASK: "policy.asked", _APPROVE: "policy.approved", _DENY: "policy.denied"}


@dataclass(frozen=True)
class Voice:
    """What one person said of a draft, and when."""

    kind: str
    actor: Actor
    at: datetime


@dataclass(frozen=True)
class Asked:
    """A draft that somebody asked for, and who has agreed so far."""

    by: Actor
    until: datetime
    approved: tuple[Actor, ...] = ()


@dataclass(frozen=True)
class Standing:
    """Where a draft is after somebody spoke: `left` is whose agreement is still missing; nothing once it is adopted."""

    draft: Draft
    adopted: bool
    left: tuple[Requirement, ...] = ()


def asked(voices: Iterable[Voice], now: datetime, window: timedelta) -> Asked | None:
    """Who asks for a draft now and who agreed, by everything that was ever said of it. Pure."""
    found: Asked | None = None
    for voice in voices:
        if voice.kind == _ASK:
            found = Asked(voice.actor, voice.at + window)
        elif voice.kind in {_DENY, _ADOPT}:  # what was agreed to once does not count a second time
            found = None
        elif found:
            found = Asked(found.by, found.until, (*found.approved, voice.actor))
    return found if found and now < found.until else None


class Amendment:
    """Every method may raise DecisionRefused, DirectoryDown or StoreDown; who is turned away leaves an entry."""

    def __init__(self, charter: Charter, directory: Directory, ledger: Ledger) -> None:
        self._charter, self._directory, self._ledger = charter, directory, ledger

    def ask(self, draft_id: str, actor: Actor) -> Standing:
        """Ask for a policy that is held back; from now on others may approve it."""
        return self._speak(_ASK, draft_id, actor)

    def approve(self, draft_id: str, actor: Actor) -> Standing:
        """Agree to exactly this draft. The last agreement that was missing puts it in force, in every process."""
        return self._speak(_APPROVE, draft_id, actor)

    def deny(self, draft_id: str, actor: Actor) -> Standing:
        """End what was asked; for those who might approve it, and for who asked."""
        return self._speak(_DENY, draft_id, actor)

    def asked(self, draft: Draft) -> Asked | None:
        """Who asks for a draft now, if anybody does."""
        now = self._ledger.now()
        with self._ledger.looking() as connection:
            return _asked(connection, draft, now)

    def _speak(self, kind: str, draft_id: str, actor: Actor) -> Standing:
        try:
            return self._spoken(kind, draft_id, actor)
        except DecisionRefused as error:
            data: dict[str, JsonValue] = {"what": f"{kind} policy", "why": error.say, "error": type(error).__name__}
            self._ledger.note("attempt.refused", data, actor)
            raise

    def _spoken(self, kind: str, draft_id: str, actor: Actor) -> Standing:
        # Looked up just before the transaction, and evaluated inside it (A3): Slack is not waited for in there.
        known = next((draft for draft in self._charter.drafts() if draft.id == draft_id), None)
        if known is None:
            raise DecisionRefused("No such policy is held back now. `policy` says which ones are.")
        groups = self._members(known)
        before = self.asked(known)
        concerned = {actor, *(before.approved if before else ())}
        people = frozenset(person for person in concerned if self._directory.is_person(person))
        with self._ledger.recording() as record:
            draft = self._charter.draft(record.connection, draft_id, record.now)
            if draft is None or draft.needs != known.needs:
                raise DecisionRefused("The policy in force changed in this moment. Look at it again with `policy`.")
            now = _asked(record.connection, draft, record.now)
            _require(kind, actor, now, draft, groups, people)
            record.add(_KINDS[kind], {"draft": draft.id, "version": draft.policy.version}, actor)
            _keep(record, kind, draft, actor)
            approved = (*(now.approved if now else ()), actor) if kind == _APPROVE else ()
            left = quorum.missing(draft.needs, [person for person in approved if person in people], groups)
            if kind == _APPROVE and not left:
                self._charter.adopt(record, draft.policy, draft.before, approved)
                _keep(record, _ADOPT, draft, actor)
            return Standing(draft, adopted=kind == _APPROVE and not left, left=left)

    def _members(self, draft: Draft) -> quorum.Groups:
        """Who is in the groups that have to agree, by the policy in force."""
        groups = draft.before.groups
        names = quorum.named(draft.needs)
        return self._directory.members({name: groups[name].source for name in names if name in groups})


def _require(
    kind: str, actor: Actor, now: Asked | None, draft: Draft, groups: quorum.Groups, people: frozenset[Actor]
) -> None:
    """Raises DecisionRefused where this person may not say this now."""
    if actor not in people:
        raise DecisionRefused("Only a full member of this workspace may do that, not an app and not a guest.")
    if kind == _ASK:
        if now:
            raise DecisionRefused("Somebody asked for it already, and it still waits.")
        return
    if now is None:
        raise DecisionRefused(f"Nobody asks for it now. `policy ask {draft.id}` does; others approve it then.")
    own = same(now.by, actor)
    if own and kind == _APPROVE:
        raise DecisionRefused("You asked for it, so somebody else has to approve it.")
    if not own and not quorum.eligible(draft.needs, actor, groups):
        raise DecisionRefused(f"That takes {quorum.say(draft.needs)}.")
    if any(same(person, actor) for person in now.approved):
        raise DecisionRefused("You have already decided on this one, and a decision stays.")


def _asked(connection: Connection, draft: Draft, now: datetime) -> Asked | None:
    query = select(policy_voices).where(policy_voices.c.draft_id == draft.id).order_by(policy_voices.c.id)
    voices = [
        Voice(row["kind"], Actor(team_id=row["team"], user_id=row["user"]), as_time(row["at"]))
        for row in connection.execute(query).mappings()
    ]
    return asked(voices, now, durations.parse(draft.before.defaults.approve_within))


def _keep(record: Recording, kind: str, draft: Draft, actor: Actor) -> None:
    row = {"draft_id": draft.id, "kind": kind, "team": actor.team_id, "user": actor.user_id, "at": as_text(record.now)}
    record.connection.execute(insert(policy_voices), row)
