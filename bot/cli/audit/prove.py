"""twokey audit prove: a proof that can be checked without the log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actions.errors import BadInput
from bot.cli.audit import opened
from bot.cli.audit.opened import Archive, Log

if TYPE_CHECKING:
    from approvals.audit.checkpoint import Checkpoint
    from approvals.audit.proof import Nodes


def prove(
    entry: Annotated[int | None, typer.Argument(help="The number of the entry to prove.")] = None,
    since: Annotated[
        Path | None, typer.Option(help="An older checkpoint: prove that the log only grew since then.")
    ] = None,
    archive: Archive = None,
) -> None:
    """Print, as JSON, a proof that an entry is in the log, or that the log only grew since an older checkpoint.

    Either is against a checkpoint that is made now and comes with it; docs/verify_log.py checks it on its own.
    """
    from approvals.audit.chain import ALGORITHM
    from approvals.audit.proof import Nodes

    if (entry is None) == (since is None):
        raise BadInput("Say what to prove: the number of an entry, or --since an older checkpoint.")
    before = opened.checkpoint_in(since) if since is not None else None
    with opened.store() as store:
        made = store.checkpoints.make()
        log = opened.log_of_store(store.ledger, archive)
        nodes = Nodes(log.start.tree, (row.body for row in log.entries()))
        found = _grown(nodes, before, made.size) if before else _inside(nodes, entry or 0, made.size, log)
    print(json.dumps({**found, "size": made.size, "algorithm": ALGORITHM, "checkpoint": made.note}))


def _inside(nodes: Nodes, entry: int, size: int, log: Log) -> dict[str, Any]:
    from approvals.audit import as_line, proof

    path = proof.inclusion(nodes, entry - 1, size)
    row = next((row for row in log.entries() if row.seq == entry), None)
    if row is None:
        raise BadInput(f"Entry {entry} is archived; name its archive with --archive.")
    return {"proof": "inclusion", "entry": as_line(row), "path": [step.hex() for step in path]}


def _grown(nodes: Nodes, before: Checkpoint, size: int) -> dict[str, Any]:
    from approvals.audit import proof

    path = proof.consistency(nodes, before.size, size)
    return {"proof": "consistency", "since": before.size, "path": [step.hex() for step in path]}
