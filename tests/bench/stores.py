"""The stores that are measured, each as durable as in production."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from approvals.store import migrate
from tests import postgres


def each_store(folder: Path) -> Iterator[tuple[str, str | None]]:
    """Name and address of a fresh one of each kind; no address where its server's programs are not installed."""
    folder.mkdir(parents=True, exist_ok=True)
    yield "sqlite", f"sqlite:///{folder / 'bench.db'}"
    if postgres.binaries() is None:
        yield "postgresql", None
        return
    server = postgres.Server()  # unlike the tests' own it waits for the disk
    try:
        url = server.url(server.create())
        migrate(url).dispose()
        yield "postgresql", url
    finally:
        server.stop()
