"""twokey audit export: the log for other programs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from bot.cli.audit import opened
from bot.cli.audit.opened import Archive


class Format(StrEnum):
    """How it is written."""

    JSONL = "jsonl"
    CSV = "csv"
    OCSF = "ocsf"


def export(
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="jsonl: what verifies; csv: for a spreadsheet; ocsf: OCSF API Activity, one JSON object a line.",
        ),
    ] = Format.JSONL,
    archive: Archive = None,
) -> None:
    """Write the whole log to standard output, one line an entry."""
    from approvals.audit import lines, ocsf, sheet

    with opened.store() as store:
        log = opened.log_of_store(store.ledger, archive)
        if form is Format.JSONL and log.start.tree.size:
            print(lines.as_first_line(log.start))
        found = log.entries()
        as_line = ocsf.as_line if form is Format.OCSF else lines.as_line
        for line in sheet.rows(found) if form is Format.CSV else map(as_line, found):
            print(line)
