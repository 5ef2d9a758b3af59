"""twokey eval run reading: the labelled sentences that come with the program, read by the grammar or by a model."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from actions.errors import BadInput

if TYPE_CHECKING:
    from intents.evals import Verdict
    from intents.evals.scores import Score

Split = Literal["frozen", "tuned", "all"]


def run(engine: str, split: str, times: int, csv: Path | None, html: Path | None, *, as_json: bool) -> bool:
    """Read every case, print the scores, write the files. Whether no wrong change came of it."""
    from intents.evals import report
    from intents.evals.scores import scores

    if engine not in ("grammar", "model", "auto") or split not in ("frozen", "tuned", "all"):
        raise BadInput("--engine is grammar, model or auto; --split is frozen, tuned or all.")
    runs = asyncio.run(_read(engine, split, times))
    found = scores(runs)
    if csv:
        csv.write_text(report.as_csv(found), encoding="utf-8")
    if html:
        html.write_text(report.as_html(found, runs[0], engine), encoding="utf-8")
    if as_json:
        print(json.dumps([_as_json(score) for score in found]))
    else:
        _show(found)
    return not found[0].wrong_changes


async def _read(engine: str, split: str, times: int) -> list[list[Verdict]]:
    from bot import settings
    from bot.models import reading_models
    from intents import evals
    from intents.gateway import ModelGateway
    from intents.reader import Reader

    files = {"frozen": evals.FROZEN, "tuned": (*evals.FILES, *evals.FIELD)}
    wanted = files.get(split, (*files["frozen"], *files["tuned"]))
    models = reading_models(settings.load()) if engine != "grammar" else None
    if models is None and engine == "model":
        raise BadInput("No model is configured: set OPENAI_BASE_URL and TWOKEY_MODEL, or TWOKEY_MODELS.")
    runs: list[list[Verdict]] = []
    for _ in range(times):
        verdicts: list[Verdict] = []
        for catalog, cases in evals.worlds(wanted):
            gateway = ModelGateway(models.model_copy(update={"remember": 0})) if models else None
            reader = Reader(catalog, evals.registered(), gateway)
            verdicts += await evals.judge(lambda *said, r=reader: r.read_with(engine, *said), cases)
            if gateway is not None:
                await gateway.close()
        runs.append(verdicts)
    return runs


def _show(scores: list[Score]) -> None:
    from rich.console import Console
    from rich.table import Table

    from intents.evals import report

    table = Table(*report.COLUMNS[1:], box=None, header_style="bold", pad_edge=False)
    last = scores[0].by
    for score, cells in zip(scores, report.lines(scores), strict=True):
        if score.by != last:
            table.add_row()
            last = score.by
        table.add_row(*cells)
    console = Console()
    console.width = max(console.width, 130) if not console.is_terminal else console.width
    console.print(table)


def _as_json(score: Score) -> dict[str, object]:
    shares = {"coverage": score.coverage, "exact": score.exact, "precision": score.precision}
    shares["abstention"] = score.abstention
    if score.steady:
        shares["pass^k"] = score.steady
    plain = {"by": score.by, "group": score.group, "cases": score.cases, "wrong": score.wrong}
    return {
        **plain,
        "wrong_changes": score.wrong_changes,
        **{name: {"value": share.value, "interval": share.interval()} for name, share in shares.items()},
    }
