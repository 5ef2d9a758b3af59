"""Logs for tests, and the verifier that shares no code with the product."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from approvals import audit
from approvals.audit import EMPTY, GENESIS, Entry, Frontier, note
from approvals.audit.checkpoint import Checkpoint
from approvals.audit.note import SignerKey
from approvals.audit.tree import leaf
from approvals.store import writing
from approvals.tables import audit_events
from tests.approvals.doubles import ANA

VERIFIER = Path(__file__).parents[2] / "docs" / "verify_log.py"
_AT_ONCE = 20_000  # rows
KEY = SignerKey("twokey/test", bytes(range(32)))


def a_log(size: int) -> list[Entry]:
    """A log of so many entries."""
    log: list[Entry] = []
    for n in range(size):
        log.append(following(log, {"n": n, "say": "é“\U0001f511"}))
    return log


def put(engine: Engine, log: list[Entry]) -> None:
    """Into a store, as it is, by many rows at once: few enough that the server never waits for us too long."""
    with writing(engine) as connection:
        for at in range(0, len(log), _AT_ONCE):
            rows = [{**row._asdict(), "request_id": None} for row in log[at : at + _AT_ONCE]]
            connection.execute(insert(audit_events), rows)


def following(log: list[Entry], data: dict[str, Any], kind: str = "service.started") -> Entry:
    """The entry that comes next."""
    last = (log[-1].seq, log[-1].hash) if log else (0, GENESIS)
    return audit.entry(last, "2026-11-02T09:00:00.000000Z", kind, None, ANA, data)


def rewritten(log: list[Entry], at: int) -> list[Entry]:
    """What somebody makes of it who changes one entry and writes every later hash anew."""
    made = log[:at]
    for n, old in enumerate(log[at:], at):
        made.append(following(made, {"forged": True} if n == at else old.fields["data"]))
    return made


def tree_of(log: list[Entry]) -> Frontier:
    return EMPTY.extended([leaf(row.body) for row in log])


def signed(log: list[Entry], key: SignerKey = KEY) -> str:
    """A checkpoint over the whole of it."""
    return note.signed(Checkpoint(key.name, len(log), tree_of(log).root).text, key)


def exported(log: list[Entry]) -> str:
    return "".join(f"{audit.as_line(row)}\n" for row in log)


def independent() -> Any:
    """The verifier as a module, for tests that call it more often than a process could be started."""
    spec = importlib.util.spec_from_file_location("verify_log", VERIFIER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def verify_log(*arguments: str | Path) -> tuple[int, str]:
    """The verifier as an auditor runs it: a process of its own that can import nothing of ours."""
    command = [sys.executable, "-I", str(VERIFIER), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    return done.returncode, done.stdout + done.stderr
