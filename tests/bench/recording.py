"""How fast the audit log is written and verified."""

from __future__ import annotations

import time
from pathlib import Path

from actions.clock import SystemClock
from approvals import audit
from approvals.actor import Actor
from approvals.ledger import Ledger
from approvals.store import open_store
from tests.bench.figures import Json, spread


def measure(folder: Path, appends: int) -> Json:
    """Entries added one durable commit after the other by one thread, then the whole log verified."""
    engine = open_store(f"sqlite:///{folder / 'bench.db'}")
    ledger = Ledger(engine, SystemClock())
    actor = Actor(team_id="T0TOWN", user_id="U0ANA")
    action = {"verb": "status", "service": "checkout", "environment": "prod"}

    def append() -> None:
        ledger.note("read.answered", {"action": dict(action), "ok": True}, actor)

    for _ in range(min(100, appends)):
        append()
    took = []
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(appends):
        one = time.perf_counter()
        append()
        took.append(time.perf_counter() - one)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    verified = _verified(ledger)
    engine.dispose()
    return {
        "what": "Ledger.note, each its own transaction on SQLite (WAL, synchronous=FULL); audit.verify from the store",
        "appends_per_s": round(appends / wall),
        "append": {**spread(took, "ms", 3), "cpu_ms_mean": round(cpu / appends * 1e3, 3)},
        **verified,
    }


def _verified(ledger: Ledger) -> Json:
    began = time.perf_counter()
    found = audit.verify(ledger.entries())
    took = time.perf_counter() - began
    if not isinstance(found, audit.Verified):
        raise TypeError(f"the log that was just written is broken at entry {found.seq}: {found.why}")
    return {"verified_per_s": round(found.count / took), "verified_n": found.count}
