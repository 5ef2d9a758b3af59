"""What is said about reading: shares and intervals that can be checked by hand, and three ways to show them."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import evals as command
from intents import evals
from intents.evals import report
from intents.evals.scores import Share, scores
from intents.reader import Reader
from intents.reading import Refusal


@pytest.mark.parametrize(
    ("share", "low", "high"),
    [
        (Share(0, 10), 0.0, 0.2775),
        (Share(5, 10), 0.2366, 0.7634),
        (Share(10, 10), 0.7225, 1.0),
        (Share(81, 263), 0.2553, 0.3662),
    ],
)  # fmt: skip
def test_an_interval_is_wilsons(share: Share, low: float, high: float) -> None:
    """The last one is the worked example of Newcombe (Statistics in Medicine 17, 1998)."""
    interval = share.interval()
    assert interval is not None
    assert list(interval) == pytest.approx([low, high], abs=1e-4)
    assert Share(0, 0).interval() is None


async def test_scores_count_wrong_changes_by_group_and_what_held_every_time() -> None:
    """pass^k is the share of cases that came out right in all k runs."""
    cases = evals.cases(("orders",))[:10]
    good = await evals.judge(Reader(evals.catalog(), evals.registered()).read, cases)
    declined = evals.verdict(cases[0], Refusal(reason="unsupported", say="no"))
    wrong = evals.verdict(cases[1]._replace(means=None, abstains=True), good[1].reading)
    second = [declined, *good[1:]]
    once, twice = scores([[good[0], wrong, *good[2:]]]), scores([good, second])
    assert (once[0].wrong, once[0].wrong_changes, once[0].steady) == (1, 1, None)
    assert once[0].abstention == Share(0, 1)
    assert twice[0].steady == Share(9, 10)
    assert twice[0].exact == Share(19, 20)
    assert sum(score.cases for score in once if score.by == "language") == 10


class _Balanced(HTMLParser):
    """Fails on a tag that closes nothing."""

    cells = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.cells += tag == "td"


def test_the_command_prints_a_table_and_writes_a_page_and_csv(tmp_path: Path) -> None:
    """R1: and it fails where a change came of a sentence that ordered none."""
    page, sheet = tmp_path / "e.html", tmp_path / "e.csv"
    arguments = ["run", "reading", "--split", "frozen", "--html", str(page), "--csv", str(sheet)]
    shown = CliRunner().invoke(command.app, arguments)
    assert shown.exit_code == 0, shown.output
    assert "wrong changes" in shown.stdout
    rows = list(csv.DictReader(io.StringIO(sheet.read_text())))
    assert {row["by"] for row in rows} == {"all", "split", "language", "verb", "noise"}
    assert {row["group"] for row in rows if row["by"] == "language"} == {"en", *evals.LANGUAGES}
    parser = _Balanced()
    parser.feed(page.read_text())
    assert parser.cells > len(rows) * 9
    assert "<script" not in page.read_text()
    as_json = CliRunner().invoke(command.app, [*arguments[:4], "--json"])
    assert json.loads(as_json.stdout)[0]["wrong_changes"] == 0


def test_what_people_wrote_is_escaped_on_the_page() -> None:
    case = evals.cases(("orders",))[0]._replace(say="<script>alert(1)</script>")
    verdict = evals.verdict(case, Refusal(reason="unsupported", say="no"))
    assert "<script" not in report.as_html(scores([[verdict]]), [verdict], "<b>")


@pytest.mark.parametrize("arguments", [["--engine", "oracle"], ["--split", "half"]])
def test_a_wrong_call_says_what_is_wrong(arguments: list[str]) -> None:
    assert CliRunner().invoke(command.app, ["run", "reading", *arguments]).exception is not None
