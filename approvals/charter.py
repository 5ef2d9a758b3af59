"""What everything is judged by, which the store holds and not the files: the policy, and the catalogue (A9).

The first of each is adopted as it is. After that a file counts for what it says against the one in force: what weakens
nothing is adopted, what weakens anything is held back as a draft until people agree to it in a request (`amendment`).
Each step is an entry of the audit log, with the policy's whole text, and the catalogue's digest. A process that goes by
another catalogue than the one in force judges nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Connection, select

from actions import catalog as catalogs
from actions.catalog import Catalog
from actions.errors import TwokeyError
from actions.registry import Registry
from approvals import comparison, policy_model, relocation, tables
from approvals.actor import Actor
from approvals.ledger import Ledger, Recording
from approvals.moves import Outrun
from approvals.policy_model import Policy
from approvals.request import Requirement
from approvals.shelf import Foreign, Forged, Kind, Shelf, draft_id
from approvals.shift import Shift, in_lines
from approvals.store.direct import Direct

A_MOMENT = 0.5  # seconds for which a policy that is only shown is not looked up again


class NoPolicy(TwokeyError):
    """No policy is in force yet, so nothing is asked, approved or run. Start a gateway first: it adopts its file."""


class OtherCatalog(TwokeyError):
    """Another catalogue came into force, and this process goes over to it now. Try again in a moment."""


@dataclass(frozen=True)
class Draft:
    """A policy or catalogue that is held back, what it would change, and whose agreement its weakening needs."""

    id: str
    kind: Kind
    version: str
    before: str  # the version that it would take the place of
    policy: Policy  # the one in force, which says who has to agree
    shifts: tuple[Shift, ...]
    needs: tuple[Requirement, ...]

    @property
    def weaker(self) -> bool:
        return any(shift.weaker for shift in self.shifts)

    @property
    def lines(self) -> tuple[str, ...]:
        """As `twokey policy diff` says it."""
        return in_lines(self.shifts)


@dataclass(frozen=True)
class _Standing:
    """What is in force, as this process has read it."""

    seqs: tuple[int | None, int | None]
    policy: Policy | None
    catalog: str | None  # its version; None where none was ever adopted

    def version(self, kind: Kind) -> str | None:
        """Of the one of this kind."""
        if kind == "policy":
            return self.policy.version if self.policy else None
        return self.catalog


_NOTHING = _Standing((None, None), None, None)


@dataclass(frozen=True)
class _Basis:
    """What everything was judged by at one moment, as far as a paper is held against it."""

    standing: _Standing
    catalog: Catalog  # the one in force; before the first one our own

    def holds(self, paper: Policy | Catalog) -> bool:
        """Whether this is what is in force; also where another release wrote it in other words."""
        kind = kind_of(paper)
        if self.standing.version(kind) in {None, paper.version}:
            return self.standing.version(kind) is not None
        mine = self.standing.policy if kind == "policy" else self.catalog
        return mine is not None and mine.model_dump() == paper.model_dump()


@dataclass(frozen=True)
class Adoption:
    """A draft that is ready to take the place of what is in force, and what the log will have of it."""

    over: tuple[int | None, int | None]  # what is in force
    paper: Policy | Catalog
    say: dict[str, JsonValue]


class Charter:
    """Of one process, which goes by this catalogue. Safe between threads; every method may raise StoreDown.

    `moment` is for how many seconds a glimpse holds.
    """

    def __init__(self, ledger: Ledger, catalog: Catalog, registry: Registry, moment: float = A_MOMENT) -> None:
        self._ledger, self._catalog, self._registry, self._moment = ledger, catalog, registry, moment
        self._policies = Shelf("policy", tables.policies, tables.policy_drafts, policy_model.restored)
        self._catalogs = Shelf("catalog", tables.catalogs, tables.catalog_drafts, self._restored)
        self._shelves: Mapping[Kind, Shelf[Any]] = {"policy": self._policies, "catalog": self._catalogs}
        newest = (each.newest.scalar_subquery() for each in self._shelves.values())
        self._newest = Direct(select(*newest))
        self._known = _NOTHING
        self._read: tuple[str, Catalog] | None = None  # one value, so that no thread sees half of another's
        self._glimpsed: tuple[Policy, float] | None = None
        self._lock = threading.Lock()

    def in_force(self) -> Policy:
        """The policy that holds now, whichever process adopted it. Raises NoPolicy, OtherCatalog, Forged."""
        found = self._current()
        if found.policy is None:
            raise NoPolicy
        if found.catalog not in {None, self._catalog.version}:
            raise OtherCatalog
        return found.policy

    def glimpse(self) -> Policy:
        """The policy that held a moment ago, for showing only: it decides nothing. Raises as `in_force`."""
        seen, now = self._glimpsed, time.monotonic()
        if seen is None or now - seen[1] >= self._moment:
            seen = self._glimpsed = (self.in_force(), now)
        return seen[0]

    def known(self) -> Policy | None:
        """The same, whatever catalogue this process goes by; None before the first one. Raises Forged."""
        return self._current().policy

    def for_what_runs(self) -> Policy:
        """The same, for a run that began before another catalogue came into force. Raises NoPolicy, Forged."""
        policy = self.known()
        if policy is None:
            raise NoPolicy
        return policy

    def catalog(self) -> Catalog:
        """The catalogue in force; our own before the first one. Raises Forged."""
        with self._ledger.looking() as connection:
            return self._catalog_in_force(connection)

    def outgrown(self) -> bool:
        """Whether another catalogue is in force than the one that this process goes by. Raises Forged."""
        return self._current().catalog not in {None, self._catalog.version}

    def version(self, kind: Kind) -> str | None:
        """Which one is in force; None before the first one. Raises Forged."""
        return self._current().version(kind)

    def put_forward(self, paper: Policy | Catalog) -> Draft | None:
        """Have this file's policy or catalogue adopted, if it may be. The draft as which it is held back otherwise.

        Of several processes that put the same one forward, one adopts it or holds it back. It is compared before the
        transaction, so that nobody else's writing waits for that, and again where another one came into force since.
        """
        while True:
            basis = self._basis()
            if basis.holds(paper):
                return None
            draft, say = self._compared(basis, paper, self._ledger.now()), _said(basis, paper)
            with self._ledger.recording() as record:
                if self._standing(record.connection).seqs != basis.standing.seqs:
                    continue
                shelf = self._shelves[kind_of(paper)]
                if draft and draft.weaker:
                    shelf.hold_back(record, paper, draft.before, draft.lines, say)
                    return draft
                shelf.adopt(record, paper, basis.standing.version(shelf.kind), (), say)
                return None

    def adoption(self, found: str) -> Adoption | None:
        """What it takes to put a draft in force: read, and held against what it changes, before any transaction."""
        basis = self._basis()
        paper = self._paper(basis, found)
        return Adoption(basis.standing.seqs, paper, _said(basis, paper)) if paper else None

    def adopt(self, record: Recording, ready: Adoption, version: str, by: tuple[Actor, ...]) -> None:
        """Put a draft in force to whose `version` these people agreed, in a transaction under way.

        Raises Forged where its text is another one's, Outrun where something else came into force meanwhile.
        """
        now = self._standing(record.connection)
        if ready.paper.version != version:
            raise Forged
        if now.seqs != ready.over:
            raise Outrun
        shelf = self._shelves[kind_of(ready.paper)]
        shelf.adopt(record, ready.paper, now.version(shelf.kind), by, ready.say)

    def draft(self, found: str) -> Draft | None:
        """A draft that is held back now, by its id, held against what is in force. None where that is another one."""
        basis, now = self._basis(), self._ledger.now()
        paper = self._paper(basis, found)
        return self._compared(basis, paper, now) if paper else None

    def drafts(self) -> tuple[Draft, ...]:
        """Everything that is held back now, but what this release cannot read."""
        found = []
        for each in self._held_back():
            with suppress(Foreign):
                found.append(self.draft(each))
        return tuple(draft for draft in found if draft)

    def _held_back(self) -> list[str]:
        with self._ledger.looking() as connection:
            standing = self._standing(connection)
            return [
                each
                for kind, shelf in self._shelves.items()
                for each in shelf.drafts(connection, standing.version(kind) or "")
            ]

    def compared(self, paper: Policy | Catalog, now: datetime) -> Draft | None:
        """What this one would change over the one in force; None before the first one, and where it is that one."""
        basis = self._basis()
        return None if basis.holds(paper) else self._compared(basis, paper, now)

    def _basis(self) -> _Basis:
        with self._ledger.looking() as connection:
            return _Basis(self._standing(connection), self._catalog_in_force(connection))

    def _paper(self, basis: _Basis, found: str) -> Policy | Catalog | None:
        """The text of a draft over what is in force."""
        with self._ledger.looking() as connection:
            over = ((shelf, basis.standing.version(kind) or "") for kind, shelf in self._shelves.items())
            papers = (shelf.draft(connection, found, before) for shelf, before in over)
            return next((paper for paper in papers if paper), None)

    def _compared(self, basis: _Basis, paper: Policy | Catalog, now: datetime) -> Draft | None:
        """What this one would change, and whose agreement that needs: of one other person at the very least.

        None where there is nothing to compare it with: no policy, or none of its kind.
        """
        kind, policy = kind_of(paper), basis.standing.policy
        before = basis.standing.version(kind)
        if policy is None or before is None:
            return None
        if isinstance(paper, Policy):
            shifts = comparison.compare(policy, paper, basis.catalog, self._registry, now)
        else:
            shifts = relocation.compare(policy, basis.catalog, paper, self._registry, now)
        needs = comparison.quorum_for(policy, shifts) or (Requirement(group=None, count=1),)
        return Draft(draft_id(before, paper.version), kind, paper.version, before, policy, tuple(shifts), needs)

    def _current(self) -> _Standing:
        """What is in force. Mostly that is what was, and then one statement says so. Raises Forged."""
        known, (newest,) = self._known, self._ledger.glance(self._newest)
        if known.seqs == newest:
            return known
        with self._ledger.looking() as connection:
            return self._standing(connection)

    def _standing(self, connection: Connection) -> _Standing:
        """What is in force, in a transaction under way. Raises Forged."""
        policy, catalog = self._newest.all(connection)[0]
        with self._lock:
            if self._known.seqs != (policy, catalog):
                self._known = _Standing(
                    (policy, catalog),
                    None if policy is None else self._policies.get(connection, policy),
                    None if catalog is None else self._catalogs.version(connection, catalog),
                )
            return self._known

    def _catalog_in_force(self, connection: Connection) -> Catalog:
        found = self._standing(connection)
        if found.catalog in {None, self._catalog.version} or found.seqs[1] is None:
            return self._catalog
        read = self._read
        if read is None or read[0] != found.catalog:
            read = self._read = (str(found.catalog), self._catalogs.get(connection, found.seqs[1]))
        return read[1]

    def _restored(self, content: dict[str, JsonValue]) -> Catalog:
        return catalogs.restored(content, self._catalog.path_of(""))


def kind_of(paper: Policy | Catalog) -> Kind:
    """Which of both it is."""
    return "policy" if isinstance(paper, Policy) else "catalog"


def _said(basis: _Basis, paper: Policy | Catalog) -> dict[str, JsonValue]:
    """What the log has of it: a policy's text, of a catalogue only what it changes."""
    return {"policy": paper.content} if isinstance(paper, Policy) else relocation.summary(basis.catalog, paper)
