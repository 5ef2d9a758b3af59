"""How fast the audit log is written and verified."""

from __future__ import annotations

import time
from pathlib import Path

from actions.clock import SystemClock
from approvals import audit
from approvals.actor import Actor
from approvals.inspection import inspect
from approvals.ledger import Ledger
from approvals.store import open_store
from tests.approvals.logs import a_log, put
from tests.bench.figures import Json, spread
from tests.bench.stores import each_store


def measure(folder: Path, appends: int, entries: int) -> Json:
    """Entries added one durable commit after the other by one thread, then a long log verified, on each store."""
    found: Json = {
        "what": "Ledger.note, each its own transaction (SQLite: WAL, synchronous=FULL; PostgreSQL: fsync and "
        "synchronous_commit on); approvals.inspection.inspect, which `twokey audit verify` runs, of a log in the store",
    }
    for name, url in each_store(folder / "audit"):
        found[name] = _on(url, appends, entries) if url else "skipped: no PostgreSQL server's programs"
    return found


def _on(url: str, appends: int, entries: int) -> Json:
    engine = open_store(url)
    try:
        put(engine, a_log(entries))
        verified = _verified(url)
        return {**_appended(Ledger(engine, SystemClock()), appends), **verified}
    finally:
        engine.dispose()


def _appended(ledger: Ledger, appends: int) -> Json:
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
    return {
        "appends_per_s": round(appends / wall),
        "append": {**spread(took, "ms", 3), "cpu_ms_mean": round(cpu / appends * 1e3, 3)},
    }


def _verified(url: str) -> Json:
    """By one process and by as many as there are cores, which are started for it."""
    rates: Json = {}
    for name, processes in (("verified_per_s_by_one", 1), ("verified_per_s", None)):
        engine = open_store(url)
        began = time.perf_counter()
        found, _ = inspect(engine, processes=processes)
        took = time.perf_counter() - began
        engine.dispose()
        if not isinstance(found, audit.Verified):
            raise TypeError(f"the log that was just written is broken at entry {found.seq}: {found.why}")
        rates |= {name: round(found.count / took), "verified_n": found.count}
    return rates
