"""Evals that a deploy may rest on, from the audit log itself: gateway and runner judge by the same record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue, ValidationError
from sqlalchemy import Connection, Engine, Row, bindparam, insert, select

from actions import readiness
from actions.clients.protocols import EvalRuns
from actions.outcome import EvalRun, Evidence
from actions.plan import Plan
from approvals import audit, rows
from approvals.store import reading
from approvals.tables import as_time, audit_events, eval_evidence, eval_runs

_VERSION = (
    eval_runs.c.service == bindparam("service"),
    eval_runs.c.suite == bindparam("suite"),
    eval_runs.c.version == bindparam("version"),
)
_ALL = select(audit_events.c.body, audit_events.c.prev, audit_events.c.hash).join(
    eval_runs, eval_runs.c.seq == audit_events.c.seq
)
_ALL = _ALL.where(*_VERSION).order_by(eval_runs.c.seq.desc())
_NEWEST = _ALL.limit(1)


@dataclass(frozen=True)
class Recorded:
    """A run as the audit log has it: when it was, and where it was asked for (opaque here)."""

    run: EvalRun
    at: datetime
    origin: dict[str, JsonValue]


class Proofs:
    """Implements `actions.clients.protocols.EvalRuns` over the store. Every method may raise StoreDown."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def latest(self, service: str, suite: str, version: str) -> EvalRun | None:
        found = self.recorded(service, suite, version)
        return found.run if found else None

    def recorded(self, service: str, suite: str, version: str) -> Recorded | None:
        """The newest run of exactly this version. None also where its entry is not as it was written."""
        wanted = {"service": service, "suite": suite, "version": version}
        with reading(self._engine) as connection:
            row = connection.execute(_NEWEST, wanted).first()
        return _recorded(row, wanted) if row is not None else None

    def tally(self, service: str, suite: str, version: str) -> tuple[int, int]:
        """How many runs of exactly this version the log has, and how many of these passed."""
        with reading(self._engine) as connection:
            wanted = {"service": service, "suite": suite, "version": version}
            found = [_recorded(row, wanted) for row in connection.execute(_ALL, wanted)]
        runs = [one.run for one in found if one]
        return len(runs), sum(run.passed for run in runs)

    def evidence(self, run_id: str) -> tuple[Evidence, ...]:
        """What a run came with, in its order."""
        query = select(eval_evidence.c.piece).where(eval_evidence.c.run_id == run_id)
        with reading(self._engine) as connection:
            found = connection.execute(query.order_by(eval_evidence.c.position)).scalars()
            return tuple(rows.to_evidence(piece) for piece in found)


def _recorded(row: Row[Any, Any, Any], wanted: Mapping[str, str]) -> Recorded | None:
    """What an entry says of a run; None where it is not as it was written, or about something else."""
    if audit.link(row.prev, row.body) != row.hash:
        return None
    entry = json.loads(row.body)
    try:
        run = EvalRun.model_validate(entry["data"]["run"])
    except (KeyError, ValidationError):
        return None
    if {"service": run.service, "suite": run.suite, "version": run.version} != wanted:
        return None
    return Recorded(run, as_time(entry["at"]), entry["data"].get("origin") or {})


def keep(connection: Connection, seq: int, run: EvalRun, pieces: Sequence[Evidence]) -> None:
    """Note where the entry of a run is, and what it came with; for the ledger, in the entry's own transaction."""
    connection.execute(insert(eval_runs).values(seq=seq, service=run.service, suite=run.suite, version=run.version))
    kept = [{"run_id": run.id, "position": n, "piece": rows.json_of(piece)} for n, piece in enumerate(pieces)]
    if kept:
        connection.execute(insert(eval_evidence), kept)


def lacking(plan: Plan, runs: EvalRuns) -> tuple[str, ...]:
    """Why this plan's version is not proven, a line for each suite that it has not passed; empty where it has.

    The newest run of exactly this version counts, so that a later failure takes an earlier pass back.
    """
    version = str(plan.action.get("version"))
    found = []
    for suite in plan.evals:
        run = runs.latest(plan.service, suite, version)
        if run is None or not run.passed:
            found.append(readiness.lack(plan.service, suite, version, run))
    return tuple(found)
