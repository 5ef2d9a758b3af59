"""twokey doctor: what is set up, and what to do about what is not."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check store, catalogue, policy, Slack, model, cluster and each verb's rights. Exit 1 if any is wrong."""
    from bot import settings
    from bot.doctor import examine

    findings = list(examine(settings.load()))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    else:
        from rich.console import Console
        from rich.table import Table

        colours = {"ok": "green", "off": "yellow", "wrong": "red"}
        table = Table("check", "state", "what is there, or what to do", box=None, header_style="bold", pad_edge=False)
        for finding in findings:
            table.add_row(finding.check, f"[{colours[finding.state]}]{finding.state}[/]", finding.say)
        Console(soft_wrap=False).print(table)
    raise typer.Exit(1 if any(finding.state == "wrong" for finding in findings) else 0)
