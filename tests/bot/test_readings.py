"""The journal of readings: what is kept of a sentence, for how long, and what becomes of a correction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from actions.clock import ManualClock
from actions.registry import Registry
from actions.verbs import VERBS
from approvals.store import open_store
from bot.cli import app
from bot.readings import Readings, kept
from bot.writer import Writer
from intents import evals
from intents.evals import labelling
from intents.reader import Reader
from intents.reading import Context
from tests.bot.conftest import EdgeStore
from tests.bot.scene import Scene
from tests.intents.test_endpoints import CANARIES
from tests.stores import held, store_url

REGISTRY = Registry(VERBS)
READER = Reader(evals.catalog(), REGISTRY)
SCALED: dict[str, Any] = {"verb": "scale", "service": "checkout", "environment": "prod", "replicas": 5}
THREAD = Context.model_validate({"earlier": [{"action": SCALED, "state": "succeeded"}]})


def held_back(store: EdgeStore, **more: Any) -> list[dict[str, Any]]:
    """The whole journal."""
    given = {"since": None, "corrected": False, **more}
    return Writer(store.engine).read(lambda connection: list(kept(connection, **given)))


def opened(store: EdgeStore, days: int = 90, *, words: bool = True) -> Readings:
    return Readings(Writer(store.engine), store.clock, days, words=words)


async def noted(readings: Readings, text: str, delivery: str = "event 1", context: Context = THREAD) -> None:
    readings.note(delivery, text, context, "ops", await READER.read(text, context))


async def test_a_reading_is_kept_as_what_was_understood_and_by_which_engine(store: EdgeStore) -> None:
    readings = opened(store)
    for number, text in enumerate(("scale checkout to 5 in prod", "restart cart", "don't restart cart in prod")):
        await noted(readings, text, f"event {number}")
    assert held_back(store) == []
    readings.flush()
    command, question, refusal = held_back(store)
    assert (command["engine"], command["kind"], command["words"]) == (
        "grammar",
        "command",
        "scale checkout to 5 in prod",
    )
    assert command["action"] | SCALED == command["action"]
    assert (question["kind"], question["action"]) == ("question", {"verb": "restart", "service": "cart"})
    assert (refusal["kind"], refusal["reason"]) == ("refusal", "negated")


async def test_words_are_kept_only_where_that_was_opted_for(store: EdgeStore) -> None:
    """The hash tells the same sentence again, and no words."""
    readings = opened(store, words=False)
    for delivery in ("event 1", "event 2"):
        await noted(readings, "restart cart in prod", delivery)
    readings.flush()
    one, two = held_back(store)
    assert one["words_hash"] == two["words_hash"]
    assert not {"words", "channel"} & (one.keys() | two.keys())


@pytest.mark.parametrize("words", [True, False])
async def test_no_secret_is_in_the_journal(words: bool, store: EdgeStore) -> None:
    """L6: neither of the words, nor of an argument, nor of a correction."""
    secrets = " ".join(CANARIES)
    readings = opened(store, words=words)
    await noted(readings, f"show the logs of cart in prod containing '{secrets}' password=canary-pass")
    read: dict[str, Any] = {"verb": "query_logs", "service": "cart", "environment": "prod", "contains": secrets}
    readings.corrected("event 1", read, {**read, "contains": f"{secrets} x"})
    readings.corrected("event 2", read, {**read, "contains": f"{secrets} x"})
    everything = json.dumps(held_back(store), ensure_ascii=False)
    assert len(held_back(store)) == 2
    for canary in (*CANARIES, "canary-pass"):
        assert canary not in everything


async def test_a_correction_is_kept_beside_what_was_read_and_becomes_a_case(store: EdgeStore) -> None:
    """R6's feedback: what the person made of it in the form, in the words of the labelled cases."""
    readings = opened(store)
    await noted(readings, "give it some more", context=THREAD)
    await noted(readings, "restart cart in prod", "event 2", Context())
    meant = {**SCALED, "replicas": 8}
    readings.corrected("event 1", SCALED, meant)
    readings.corrected("event 2", SCALED, SCALED)
    (only,) = held_back(store, corrected=True)
    line = labelling.case(only)
    assert line is not None
    (case,) = yaml.safe_load(line)
    assert case["say"] == "give it some more"
    assert evals.action(case["means"]) == meant
    assert evals.action(case["thread"]) == SCALED
    assert labelling.case({**only, "words": None}) is None


@pytest.mark.parametrize(
    "action",
    [
        SCALED,
        {"verb": "deploy", "service": "cart", "environment": "dev", "version": "sha-3f2a"},
        {"verb": "query_logs", "service": "cart", "environment": "prod", "contains": "it's a 'quote'", "limit": 20},
        {"verb": "run_eval", "suite": "quality", "candidate": "2.1"},
    ],
)
def test_an_action_reads_back_as_it_is_written_in_a_case(action: dict[str, Any]) -> None:
    assert evals.action(labelling.short({**action, "change": None})) == action


async def test_what_is_older_than_it_is_kept_goes(store: EdgeStore) -> None:
    readings = opened(store, days=7)
    await noted(readings, "restart cart in prod")
    store.clock.advance(6 * 86_400)
    await noted(readings, "restart cart in staging", "event 2")
    readings.flush()
    readings.forget()
    assert len(held_back(store)) == 2
    store.clock.advance(2 * 86_400)
    readings.forget()
    assert [row["delivery"] for row in held_back(store)] == ["event 2"]
    assert held_back(store, since=store.clock.now() - timedelta(days=1)) == []


async def test_a_store_that_is_down_loses_no_reading_and_holds_up_nobody(store: EdgeStore, tmp_path: Path) -> None:
    hasty = EdgeStore(open_store(store_url(tmp_path / "edge.db"), patience=0.05), store.clock)
    readings = opened(hasty)
    with held(tmp_path / "edge.db"):
        for number in range(3):
            await noted(readings, "restart cart in prod", f"event {number}")
            readings.flush()
    readings.flush()
    hasty.engine.dispose()
    assert [row["delivery"] for row in held_back(store)] == ["event 0", "event 1", "event 2"]


async def test_without_a_journal_nothing_is_kept(store: EdgeStore) -> None:
    readings = opened(store, days=0)
    await noted(readings, "restart cart in prod")
    readings.flush()
    readings.corrected("event 1", SCALED, {**SCALED, "replicas": 8})
    assert held_back(store) == []


@pytest.fixture
def on_the_terminal(store: EdgeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    monkeypatch.setenv("TWOKEY_DATABASE_URL", store_url(tmp_path / "edge.db"))
    yield CliRunner()


async def test_the_journal_is_exported_as_lines_and_as_cases(store: EdgeStore, on_the_terminal: CliRunner) -> None:
    readings = opened(EdgeStore(store.engine, ManualClock()))
    await noted(readings, "restart cart in prod", "event 2", Context())
    await noted(readings, "scale checkout to 5 in prod", context=Context())
    readings.corrected("event 1", SCALED, {**SCALED, "replicas": 8})
    lines = on_the_terminal.invoke(app, ["readings", "export"]).stdout.splitlines()
    assert [json.loads(line)["delivery"] for line in lines] == ["event 2", "event 1"]
    found = on_the_terminal.invoke(app, ["readings", "export", "--cases"]).stdout
    assert yaml.safe_load(found) == [
        {
            "noise": "corrected",
            "say": "scale checkout to 5 in prod",
            "channel": "ops",
            "means": "scale checkout prod replicas=8",
        }
    ]
    assert on_the_terminal.invoke(app, ["readings", "export", "--since", "soon"]).exit_code != 0


async def test_a_correction_in_the_form_is_recorded_beside_the_sentence(slack: Scene) -> None:
    """The whole way: a sentence, its card, Edit, another number; read back from the store."""
    async with slack.program() as program:
        await slack.say("ana", "@twokey scale checkout to 5 in prod")
        await slack.click("ana", await slack.see("waiting for 1 of sre"), "edit")
        view = await slack.view("U0ANA")
        await slack.post("views", user="ana", view_id=view["id"], values={"replicas": "8"})
        await slack.see("withdrawn by ana")

        def corrections(_: object) -> list[dict[str, Any]]:
            return program.writer.read(lambda connection: list(kept(connection, None, corrected=True)))

        (read,) = corrections(await slack.until(lambda state: bool(corrections(state)), "the correction in the store"))
    assert (read["action"]["replicas"], read["meant"]["replicas"]) == (5, 8)
    assert "words" not in read
