"""What `twokey doctor` says of the endpoints that read sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot import doctor, settings
from bot.playground.host import Host
from tests.intents.endpoint import Answer, Endpoint, content, says


def findings(folder: Path, environ: dict[str, str]) -> list[tuple[str, str, str]]:
    """Its lines about models, with a store in this folder."""
    found = doctor.examine(settings.load({"TWOKEY_DATABASE_URL": f"sqlite:///{folder / 't.db'}", **environ}))
    return [(one.check, one.state, one.say) for one in found if one.check.startswith("model")]


async def _holds_to_a_schema(body: dict[str, Any]) -> web.Response:
    allowed = body["response_format"]["json_schema"]["schema"]["properties"]
    return content({name: part["enum"][0] for name, part in allowed.items()})


async def _refuses(_: dict[str, Any]) -> web.Response:
    return web.json_response({}, status=401)


@pytest.fixture
def urls() -> Iterator[list[str]]:
    """Of an endpoint that enforces a schema, one that enforces nothing, and one that does not take our key."""
    answers: list[Answer] = [_holds_to_a_schema, says("The sky is blue."), _refuses]
    with ExitStack() as stack:
        yield [stack.enter_context(Host(Endpoint(answer).app())) for answer in answers]


def test_each_endpoint_is_asked_what_it_enforces(urls: list[str], tmp_path: Path) -> None:
    """Reachable, what it holds to, and whether its price is known."""
    file = tmp_path / "models.yaml"
    strict, loose, closed = urls
    file.write_text(
        f"endpoints:\n"
        f"  - {{name: strict, base_url: '{strict}/v1', model: ours, price: {{input: 0, output: 0}}}}\n"
        f"  - {{name: loose, base_url: '{loose}/v1'}}\n"
        f"  - {{name: closed, base_url: '{closed}/v1', model: theirs}}\n"
    )
    priced, repaired, refused = findings(tmp_path, {"TWOKEY_MODELS": str(file)})
    assert priced == ("model: strict", "ok", "ours answers, enforces json_schema, priced")
    assert repaired == ("model: loose", "ok", "first answers, enforces nothing; its answers are repaired, unpriced")
    assert refused == ("model: closed", "wrong", "The model's endpoint does not accept our key.")
    file.write_text(file.read_text() + "limits:\n  - {per: all, usd_per_day: 1}\n")
    _, state, say = findings(tmp_path, {"TWOKEY_MODELS": str(file)})[1]
    assert (state, "no known price" in say) == ("wrong", True)


def test_a_wrong_file_is_said_with_its_line_and_no_model_is_no_trouble(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text("endpoints:\n  - {name: a}\n  - {name: a}\n")
    ((_, state, say),) = findings(tmp_path, {"TWOKEY_MODELS": str(file)})
    assert (state, "models.yaml:1" in say) == ("wrong", True)
    assert [state for _, state, _ in findings(tmp_path, {})] == ["off"]


def test_the_one_endpoint_of_the_settings_is_asked_too(urls: list[str], tmp_path: Path) -> None:
    ((check, state, say),) = findings(tmp_path, {"OPENAI_BASE_URL": f"{urls[0]}/v1", "OPENAI_API_KEY": "k"})
    assert (check, state) == ("model", "ok")
    assert say == "first answers, enforces json_schema, unpriced"


def test_a_file_that_is_not_there_is_said_with_the_setting_that_names_it(tmp_path: Path) -> None:
    nowhere = {name: str(tmp_path / "none.yaml") for name in ("TWOKEY_CATALOG", "TWOKEY_POLICY")}
    database = {"TWOKEY_DATABASE_URL": f"sqlite:///{tmp_path / 't.db'}"}
    found = {one.check: one for one in doctor.examine(settings.load({**nowhere, **database}))}
    assert found["catalogue"].state == "wrong"
    assert found["catalogue"].say.endswith(
        "none.yaml: cannot be read: No such file or directory. TWOKEY_CATALOG names the file."
    )


def test_it_says_how_far_checkpoints_reach_and_where_they_are_kept(tmp_path: Path) -> None:
    """L3: one that lies in the store alone proves nothing to whoever doubts the store."""

    def log(**environ: str) -> tuple[str, str]:
        database = f"sqlite:///{tmp_path / 't.db'}"
        found = doctor.examine(settings.load({"TWOKEY_DATABASE_URL": database, **environ}))
        ((state, say),) = ((one.state, one.say) for one in found if one.check == "audit log")
        return state, say

    state, say = log()
    assert (state, say.split(",")[0]) == ("off", "a checkpoint covers 0 of 0 entries")
    assert "TWOKEY_AUDIT_WITNESS" in say
    state, say = log(TWOKEY_AUDIT_WITNESS="/mnt/witness", TWOKEY_AUDIT_CHANNEL="C0OPS")
    assert (state, say.split("; ")[1]) == ("ok", "kept in C0OPS and /mnt/witness as well")
    assert not (tmp_path / "t.audit-key").exists()
