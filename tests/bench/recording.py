"""How fast the audit log is written and verified."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from actions.clock import SystemClock
from approvals import audit
from approvals.actor import Actor
from approvals.inspection import inspect
from approvals.ledger import Ledger
from approvals.store import open_store
from tests.approvals.logs import a_log, put
from tests.bench.figures import Json, spread
from tests.bench.processes import memory
from tests.bench.stores import each_store


def measure(folder: Path, appends: int, entries: int) -> Json:
    """Entries added one durable commit after the other by one thread, then a long log verified, on each store."""
    found: Json = {
        "what": "Ledger.note, each its own transaction (SQLite: WAL, synchronous=FULL; PostgreSQL: fsync and "
        "synchronous_commit on); approvals.inspection.inspect, which `twokey audit verify` runs, of a log in the store",
        "peak": "VmHWM of the process that verifies alone, its interpreter and libraries included",
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
    """By one process, which is a fresh one so that its memory is its own, and by as many as there are cores."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
        count, took, peak = fresh.submit(_inspected, url, 1).result()
    rates: Json = {"verified_per_s_by_one": round(count / took), "verified_peak_mib_by_one": peak}
    count, took, _ = _inspected(url, None)
    return rates | {"verified_per_s": round(count / took), "verified_n": count}


def _inspected(url: str, processes: int | None) -> tuple[int, float, float]:
    """How many entries, in how many seconds, and the most memory that this process ever had, in MiB."""
    engine = open_store(url)
    try:
        began = time.perf_counter()
        found, _ = inspect(engine, processes=processes)
        took = time.perf_counter() - began
    finally:
        engine.dispose()
    if not isinstance(found, audit.Verified):
        raise TypeError(f"the log that was just written is broken at entry {found.seq}: {found.why}")
    return found.count, took, memory("self", "VmHWM")
