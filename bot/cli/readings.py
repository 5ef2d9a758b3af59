"""twokey readings: what the journal holds of how sentences were read."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(help="How sentences were read, and what people corrected.", no_args_is_help=True)


@app.command()
def export(
    since: Annotated[str | None, typer.Option(help="Only the last 30m, 12h or 7d.")] = None,
    corrected: Annotated[bool, typer.Option("--corrected", help="Only what people corrected in the form.")] = False,
    cases: Annotated[
        bool, typer.Option("--cases", help="What people corrected as labelled cases for evals, in YAML.")
    ] = False,
) -> None:
    """Print the journal of readings, one JSON object a line, oldest first.

    Words are in it only while TWOKEY_READINGS_WORDS is set to true; labelled cases need them.
    """
    from actions import durations
    from actions.clock import SystemClock
    from approvals.store import open_store, reading
    from bot import settings
    from bot.readings import kept
    from intents.evals import labelling

    begin = SystemClock().now() - durations.parse(since) if since else None
    engine = open_store(settings.load().database_url, make=False)
    try:
        with reading(engine) as connection:
            for found in kept(connection, begin, corrected or cases):
                line = labelling.case(found) if cases else json.dumps(found, ensure_ascii=False)
                if line is not None:
                    print(line)
    finally:
        engine.dispose()
