"""twokey eval: run a suite of the catalogue from the terminal, and read its report again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from actions.errors import BadInput

app = typer.Typer(help="Run eval suites of the catalogue.", no_args_is_help=True)


@app.command()
def run(
    suite: Annotated[str, typer.Argument(help="The suite's name in the catalogue; or: reading, our own sentences.")],
    candidate: Annotated[str | None, typer.Argument(help="The version to judge; not for reading.")] = None,
    baseline: Annotated[str | None, typer.Argument(help="The version to compare it with.")] = None,
    out: Annotated[Path | None, typer.Option(help="Keep the report here, as JSON, for `twokey eval report`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    engine: Annotated[str, typer.Option(help="For reading: grammar, model or auto.")] = "grammar",
    split: Annotated[str, typer.Option(help="For reading: frozen (never tuned on), tuned or all.")] = "all",
    times: Annotated[int, typer.Option(min=1, max=20, help="For reading by a model: as often, for pass^k.")] = 1,
    csv: Annotated[Path | None, typer.Option(help="For reading: write the scores here.")] = None,
    html: Annotated[Path | None, typer.Option(help="For reading: write a page here.")] = None,
) -> None:
    """Ask every question of both versions and say which is better. Exit 1 where it is not ready.

    `twokey eval run reading` has our own labelled sentences read; exit 1 where one became a change nobody ordered.
    """
    if suite == "reading":
        from bot.cli import reading

        raise typer.Exit(0 if reading.run(engine, split, times, csv, html, as_json=as_json) else 1)
    if candidate is None:
        raise BadInput("Say which version to judge: twokey eval run SUITE CANDIDATE [BASELINE].")
    from actions import catalog
    from actions.clients.kubernetes import KubernetesCluster
    from actions.clock import SystemClock
    from actions.outcome import Outcome, Step
    from actions.toolbox import Toolbox
    from actions.verbs.run_eval import NOT_READY, RunEval
    from bot import settings
    from bot.models import eval_model

    def told(step: Step) -> None:
        if sys.stderr.isatty():
            print(f"\r{step.text}", end="", file=sys.stderr)

    found = settings.load()
    tools = Toolbox(
        catalog=catalog.load(found.catalog),
        cluster=KubernetesCluster(found.kubeconfig),
        clock=SystemClock(),
        eval_model=lambda base_url: eval_model(found, base_url),
    )
    outcome: Outcome = RunEval(suite=suite, candidate=candidate, baseline=baseline).answer(tools, told)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if out:
        out.write_text(outcome.model_dump_json(indent=2), encoding="utf-8")
    _show(outcome.model_dump(mode="json"), as_json)
    raise typer.Exit(1 if NOT_READY in outcome.summary else 0)


@app.command()
def report(
    file: Annotated[Path, typer.Argument(help="What `twokey eval run --out` wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a report again."""
    from pydantic import ValidationError

    from actions.errors import ConfigError
    from actions.outcome import Outcome

    try:
        outcome = Outcome.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        raise ConfigError(f"{file}: is no report of `twokey eval run --out`.") from None
    _show(outcome.model_dump(mode="json"), as_json)


def _show(outcome: dict[str, object], as_json: bool) -> None:
    if as_json:
        print(json.dumps(outcome))
        return
    print(str(outcome["summary"]).replace("*", ""))
    for line in outcome["details"] if isinstance(outcome["details"], list) else []:
        print(f"  {line}")
    for evidence in outcome["evidence"] if isinstance(outcome["evidence"], list) else []:
        if evidence["kind"] == "table":
            print(f"\n{evidence['title']}:")
            for question, why in evidence["rows"]:
                print(f"  {question}\n      {why}")
