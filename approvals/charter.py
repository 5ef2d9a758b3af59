"""The policy in force, which the store holds and not the file (A9).

The first policy is adopted as it is. After that a file counts for what it says against the policy in force: what only
makes it stricter is adopted, what weakens anything is held back as a draft until people agree to it in a request
(`amendment`). Each step is an entry of the audit log, with the policy's whole text.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import Connection, insert, select

from actions import canonical
from actions.catalog import Catalog
from actions.errors import TwokeyError
from actions.registry import Registry
from approvals import comparison
from approvals.actor import Actor
from approvals.comparison import Shift
from approvals.ledger import Ledger, Recording
from approvals.policy_model import Policy
from approvals.request import Requirement
from approvals.tables import audit_events, policies, policy_drafts

A_MOMENT = 0.5  # seconds for which a policy that is only shown is not looked up again

# Made once: building a statement costs more than running it.
_NEWEST = select(policies.c.seq).order_by(policies.c.seq.desc()).limit(1)
_TEXT = select(policies.c.content, audit_events.c.body).outerjoin(audit_events, audit_events.c.seq == policies.c.seq)


class NoPolicy(TwokeyError):
    """No policy is in force yet, so nothing is asked, approved or run. Start a gateway first: it adopts its file."""


class ForgedPolicy(TwokeyError):
    """The store's policy is not the one that the audit log says was adopted, so nothing runs. Check the store."""


@dataclass(frozen=True)
class Draft:
    """A policy that is held back, what it would change, and whose agreement its weakening needs."""

    id: str
    policy: Policy
    before: Policy
    shifts: tuple[Shift, ...]
    needs: tuple[Requirement, ...]

    @property
    def weaker(self) -> bool:
        return any(shift.weaker for shift in self.shifts)

    @property
    def lines(self) -> tuple[str, ...]:
        """As `twokey policy diff` says it."""
        return tuple(shift.say for shift in self.shifts)


class Charter:
    """Of one process. Safe between threads; every method may raise StoreDown.

    `moment` is for how many seconds a glimpse holds.
    """

    def __init__(self, ledger: Ledger, catalog: Catalog, registry: Registry, moment: float = A_MOMENT) -> None:
        self._ledger, self._catalog, self._registry, self._moment = ledger, catalog, registry, moment
        self._known: tuple[int, Policy] | None = None
        self._glimpsed: tuple[Policy, float] | None = None
        self._lock = threading.Lock()

    def in_force(self) -> Policy:
        """The policy that holds now, whichever process adopted it. Raises NoPolicy, ForgedPolicy."""
        found = self.known()
        if found is None:
            raise NoPolicy
        return found

    def glimpse(self) -> Policy:
        """The policy that held a moment ago, for showing only: it decides nothing. Raises as `in_force`."""
        seen, now = self._glimpsed, time.monotonic()
        if seen is None or now - seen[1] >= self._moment:
            seen = self._glimpsed = (self.in_force(), now)
        return seen[0]

    def known(self) -> Policy | None:
        """The same; None before the first one. Raises ForgedPolicy."""
        with self._ledger.looking() as connection:
            return self.found(connection)

    def found(self, connection: Connection) -> Policy | None:
        """The same in a transaction under way; None before the first one."""
        seq = connection.execute(_NEWEST).scalar()
        if seq is None:
            return None
        with self._lock:
            if self._known is None or self._known[0] != seq:
                self._known = (seq, _read(connection, seq))
            return self._known[1]

    def put_forward(self, policy: Policy) -> Draft | None:
        """Have this file's policy adopted, if it may be. The draft as which it is held back otherwise.

        Of several processes that put the same one forward, one adopts it or holds it back.
        """
        with self._ledger.recording() as record:
            current = self.found(record.connection)
            if current is None:
                self.adopt(record, policy, None)
                return None
            if current.version == policy.version:
                return None
            draft = self.compared(current, policy, record.now)
            if not draft.weaker:
                self.adopt(record, policy, current)
                return None
            self._hold_back(record, draft)
        return draft

    def adopt(self, record: Recording, policy: Policy, before: Policy | None, by: tuple[Actor, ...] = ()) -> None:
        """Put it in force, in a transaction under way. `by` is who agreed to what it weakens; nobody where nothing."""
        content = _content(policy)
        entry = record.add(
            "policy.adopted",
            {
                "version": policy.version,
                "before": before.version if before else None,
                "by": [actor.user_id for actor in by],
                "policy": content,
            },
        )
        row = {"seq": entry.seq, "version": policy.version, "content": content}
        record.connection.execute(insert(policies), row)

    def adopt_draft(self, record: Recording, draft_id: str, version: str, by: tuple[Actor, ...]) -> None:
        """Put a draft in force to which `by` agreed, in a transaction under way. Raises ForgedPolicy.

        That is for a draft whose text is not the one of the `version` that they agreed to.
        """
        draft = self._draft(record.connection, draft_id, record.now)
        if draft is None or draft.policy.version != version:
            raise ForgedPolicy
        self.adopt(record, draft.policy, draft.before, by)

    def draft(self, draft_id: str) -> Draft | None:
        """A draft that is held back now, by its id."""
        now = self._ledger.now()
        with self._ledger.looking() as connection:
            return self._draft(connection, draft_id, now)

    def _draft(self, connection: Connection, draft_id: str, now: datetime) -> Draft | None:
        """A draft by its id, held against the policy in force. None where that is another one by now."""
        query = select(policy_drafts).where(policy_drafts.c.id == draft_id)
        row, current = connection.execute(query).mappings().first(), self.found(connection)
        if row is None or current is None or row["before"] != current.version:
            return None
        found = self.compared(current, Policy.model_validate(row["content"]), now)
        return found if found.id == draft_id else None

    def drafts(self) -> tuple[Draft, ...]:
        """Everything that is held back now."""
        now = self._ledger.now()
        with self._ledger.looking() as connection:
            current = self.found(connection)
            query = select(policy_drafts.c.id).where(policy_drafts.c.before == (current.version if current else ""))
            found = [self._draft(connection, draft_id, now) for draft_id in connection.execute(query).scalars().all()]
        return tuple(draft for draft in found if draft)

    def compared(self, current: Policy, policy: Policy, now: datetime) -> Draft:
        """What this policy would change, and whose agreement that needs: of one other person at the very least."""
        shifts = comparison.compare(current, policy, self._catalog, self._registry, now)
        needs = comparison.quorum_for(current, shifts) or (Requirement(group=None, count=1),)
        draft_id = canonical.digest([current.version, policy.version])[:12]
        return Draft(draft_id, policy, current, tuple(shifts), needs)

    def _hold_back(self, record: Recording, draft: Draft) -> None:
        known = select(policy_drafts.c.id).where(policy_drafts.c.id == draft.id)
        if record.connection.execute(known).first():
            return
        content, versions = _content(draft.policy), {"version": draft.policy.version, "before": draft.before.version}
        record.add("policy.held_back", {**versions, "draft": draft.id, "changes": list(draft.lines), "policy": content})
        record.connection.execute(insert(policy_drafts), {"id": draft.id, **versions, "content": content})


def _content(policy: Policy) -> dict[str, JsonValue]:
    content: dict[str, JsonValue] = policy.model_dump(mode="json", by_alias=True)
    return content


def _read(connection: Connection, seq: int) -> Policy:
    """The policy of a row, if the log says that it was adopted; an entry that is archived cannot say so any more."""
    content, body = connection.execute(_TEXT.where(policies.c.seq == seq)).one()
    policy = Policy.model_validate(content)
    if body is not None:
        said = json.loads(body)
        if said["kind"] != "policy.adopted" or said["data"]["version"] != policy.version:
            raise ForgedPolicy
    return policy
