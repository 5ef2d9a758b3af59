"""`twokey interpret`: sentences in, one JSON object a line out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from actions.errors import TwokeyError
from bot.cli.interpret import interpret
from tests.intents.endpoint import content, serving

CATALOG = str(Path(__file__).parents[2] / "bot" / "playground" / "catalog.yaml")
app = typer.Typer()
app.command()(interpret)


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TWOKEY_MODEL"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str, stdin: str | None = None) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(app, ["--catalog", CATALOG, *arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_the_words_of_a_command_line_are_one_sentence() -> None:
    code, lines = run("scale", "checkout", "to", "5", "in", "prod")
    assert code == 0
    assert lines == [
        {
            "kind": "command",
            "action": {"verb": "scale", "service": "checkout", "environment": "prod", "replicas": 5, "change": None},
            "engine": "grammar",
        }
    ]


def test_a_question_says_what_is_missing_and_what_fits() -> None:
    _, lines = run("restart cart")
    assert lines[0]["kind"] == "question"
    assert lines[0]["missing"] == ["environment"]
    assert lines[0]["so_far"] == {"verb": "restart", "service": "cart"}
    assert lines[0]["options"] == {"environment": ["dev", "staging", "prod"]}


def test_context_and_channel_are_taken() -> None:
    scaled = {"verb": "scale", "service": "checkout", "environment": "prod", "replicas": 5}
    _, lines = run("--context", json.dumps({"earlier": [{"action": scaled, "state": "succeeded"}]}), "same in staging")
    assert lines[0]["action"]["environment"] == "staging"
    _, lines = run("--channel", "#cart-dev", "status")
    assert lines[0]["action"] == {"verb": "status", "service": "cart", "environment": "dev"}


def test_a_batch_keeps_order_and_ids_and_says_which_lines_are_bad(tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text(
        '{"id": "a", "text": "restart cart in prod"}\n'
        "no json\n"
        '{"id": 3}\n\n'
        '{"id": null, "text": "approved", "context": {"earlier": [{"action": {}}]}}\n'
        '{"id": "c", "text": "status", "context": {"earlier": 7}}\n'
        '{"text": "status of cart in dev"}\n',
        encoding="utf-8",
    )
    code, lines = run("--batch", str(batch))
    assert code == 1
    assert [line.get("id", "none") for line in lines] == ["a", "none", 3, None, "c", "none"]
    assert [line.get("kind", "error") for line in lines] == [
        "command", "error", "error", "refusal", "error", "command",
    ]  # fmt: skip


def test_a_batch_may_come_from_standard_input() -> None:
    code, lines = run("--batch", "-", stdin='{"id": 1, "text": "help"}\n')
    assert code == 0
    assert lines[0]["id"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--engine", "oracle", "hi"),
        ("--context", "{", "hi"),
        ("--batch", "/no/such/file"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(arguments: tuple[str, ...]) -> None:
    with pytest.raises(TwokeyError):
        run(*arguments)


def test_without_a_model_the_grammar_reads_and_it_is_said() -> None:
    """R5: `--engine model` without an endpoint still answers, and says that it is the grammar that does."""
    code, lines = run("--engine", "model", "restart cart in prod")
    assert code == 0
    assert lines[0]["action"] == {"verb": "restart", "service": "cart", "environment": "prod"}
    assert lines[0]["engine"] == "grammar"
    assert "OPENAI_BASE_URL" in lines[0]["note"]


def test_a_configured_model_reads_what_the_grammar_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(_: dict[str, Any]) -> Any:
        return content({"kind": "command", "verb": "status", "service": "cart", "environment": "prod"})

    with serving(answer) as (gateway, endpoint):
        monkeypatch.setenv("OPENAI_BASE_URL", gateway.base_url)
        _, lines = run("gimme the vibe of cart in prod")
    assert lines[0]["engine"] == "model"
    assert lines[0]["action"]["verb"] == "status"
    assert len(endpoint.bodies) == 1


def test_reading_a_sentence_loads_neither_slack_nor_a_cluster_client_nor_openai() -> None:
    """So that the command starts fast."""
    heavy = ("slack_bolt", "slack_sdk", "kubernetes", "openai", "sqlmodel", "matplotlib")
    code = "import sys, bot.cli.interpret, intents.reader, actions.verbs, bot.settings; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert set(heavy) & set(shown.stdout.split()) == set()
