"""Evals that a deploy may rest on, from the audit log itself: gateway and runner judge by the same record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue, ValidationError
from sqlalchemy import Connection, Engine, Row, bindparam, insert, select

from actions import readiness
from actions.clients.protocols import EvalRuns, Exam
from actions.outcome import EvalRun, Evidence
from actions.plan import Plan
from approvals import audit, logbook, rows
from approvals.audit.proof import Nodes, included, inclusion
from approvals.store import reading
from approvals.tables import as_time, audit_events, audit_seals, eval_evidence, eval_keepsakes, eval_runs

_VERSION = (
    eval_runs.c.service == bindparam("service"),
    eval_runs.c.suite == bindparam("suite"),
    eval_runs.c.version == bindparam("version"),
)
_kept, _seal = eval_keepsakes.c, audit_seals.c
_ALL = (
    select(audit_events.c.body, audit_events.c.prev, audit_events.c.hash)
    .add_columns(eval_runs.c.seq, _kept.body.label("kept"), _kept.path, _seal.size, _seal.peaks)
    .select_from(eval_runs)
    .outerjoin(audit_events, audit_events.c.seq == eval_runs.c.seq)
    .outerjoin(eval_keepsakes, _kept.seq == eval_runs.c.seq)
    .outerjoin(audit_seals, _seal.size == _kept.size)
    .where(*_VERSION, eval_runs.c.seq > 0, eval_runs.c.seq <= logbook.END)  # no entry put any other there
    .order_by(eval_runs.c.seq.desc())
)
_HASH = 32  # bytes of a hash in a way


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

    def last(self, exam: Exam, standard: str | None, count: int) -> tuple[EvalRun, ...]:
        """Where the entry of one of them is not as it was written, that run is missing, and takes its place."""
        found = [one for one in self._found(exam) if one is None or standard in {None, one.run.standard}]
        return tuple(one.run for one in found[:count] if one)

    def recorded(self, exam: Exam) -> Recorded | None:
        """The newest run of exactly this version. None also where its entry is not as it was written."""
        return next(iter(self._found(exam)), None)

    def tally(self, exam: Exam, standard: str) -> tuple[int, int]:
        """How many runs of exactly this version under this standard the log has, and how many of these passed."""
        runs = [one.run for one in self._found(exam) if one and one.run.standard == standard]
        return len(runs), sum(run.passed for run in runs)

    def _found(self, exam: Exam) -> list[Recorded | None]:
        """The runs of a version, the newest first; None for each whose entry is not as it was written.

        A row whose entry is about something else was put there by somebody, and neither proves nor hides anything.
        """
        with reading(self._engine) as connection:
            bodies = [_proven(row) for row in connection.execute(_ALL, exam._asdict())]
        ours = [body for body in bodies if body is None or _is_of(body, exam)]
        return [None if body is None else _recorded(body) for body in ours]

    def evidence(self, run_id: str) -> tuple[Evidence, ...]:
        """What a run came with, in its order."""
        query = select(eval_evidence.c.piece).where(eval_evidence.c.run_id == run_id)
        with reading(self._engine) as connection:
            found = connection.execute(query.order_by(eval_evidence.c.position)).scalars()
            return tuple(rows.to_evidence(piece) for piece in found)


def _is_of(body: bytes, exam: Exam) -> bool:
    """Whether an entry is about a run of this exam."""
    run = json.loads(body)["data"].get("run")
    return isinstance(run, dict) and tuple(run.get(name) for name in Exam._fields) == exam


def _recorded(body: bytes) -> Recorded | None:
    """What an entry says of a run; None where that is not to be understood."""
    entry = json.loads(body)
    try:
        run = EvalRun.model_validate(entry["data"]["run"])
    except ValidationError:
        return None
    return Recorded(run, as_time(entry["at"]), entry["data"].get("origin") or {})


def _proven(row: Row[Any, Any, Any]) -> bytes | None:
    """The entry's body, as it is in the log or was when it was sealed; None where it is neither."""
    if row.body is not None:
        return bytes(row.body) if audit.link(row.prev, row.body) == row.hash else None
    if row.kept is None or row.peaks is None:
        return None
    path = [row.path[at : at + _HASH] for at in range(0, len(row.path), _HASH)]
    root = logbook.unpacked(row.size, row.peaks).root
    return bytes(row.kept) if included(row.kept, row.seq - 1, row.size, path, root) else None


def archive(connection: Connection, nodes: Nodes, size: int) -> None:
    """Keep what proves the runs among the entries that are sealed now, in the transaction that removes them."""
    query = select(audit_events.c.seq, audit_events.c.body).join(eval_runs, eval_runs.c.seq == audit_events.c.seq)
    for seq, body in connection.execute(query.where(audit_events.c.seq <= size)).all():
        path = b"".join(inclusion(nodes, seq - 1, size))
        connection.execute(insert(eval_keepsakes), {"seq": seq, "size": size, "body": body, "path": path})


def keep(connection: Connection, seq: int, run: EvalRun, pieces: Sequence[Evidence]) -> None:
    """Note where the entry of a run is, and what it came with; for the ledger, in the entry's own transaction."""
    connection.execute(insert(eval_runs).values(seq=seq, service=run.service, suite=run.suite, version=run.version))
    kept = [{"run_id": run.id, "position": n, "piece": rows.json_of(piece)} for n, piece in enumerate(pieces)]
    if kept:
        connection.execute(insert(eval_evidence), kept)


def lacking(plan: Plan, runs: EvalRuns, standards: readiness.Standards, passes: int = 1) -> tuple[str, ...]:
    """Why this plan's version is not proven, a line for each suite that it has not passed; empty where it has."""
    exams = [Exam(plan.service, suite, str(plan.action.get("version"))) for suite in plan.evals]
    return tuple(line for exam in exams if (line := readiness.lack(exam, runs, standards, passes)))
