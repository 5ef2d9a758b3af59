"""Laws of how an order may be put: reasons beside it, slips of the finger, no verb at all, names that are words."""

from __future__ import annotations

from typing import Any

import pytest

from intents import evals, quantities
from intents.reader import Reader
from intents.reading import Command, Question

READER = Reader(evals.catalog(evals.FIELD[0]), evals.registered())


async def action(text: str) -> dict[str, Any] | None:
    reading = await READER.read(text)
    return (
        {k: v for k, v in reading.action.as_json().items() if v is not None} if isinstance(reading, Command) else None
    )


async def test_a_version_in_a_complaint_is_never_the_one_that_is_ordered() -> None:
    """R1: the broken version is where the service is, not where it should go."""
    assert await action("billing 3.2.1 is broken in prod, roll it back") == evals.action("rollback billing prod")


@pytest.mark.parametrize("said", ["was broken", "is fine", "is restarting", "is to be restarted", "restarted"])
async def test_only_a_known_trouble_now_counts_as_a_reason(said: str) -> None:
    """R6: what tells of anything else turns the order down."""
    assert await action(f"billing {said} in prod, restart it") is None


@pytest.mark.parametrize(
    "frame",
    ["{} in dev, restart it in prod", "{} in prod, restart api", "{} in prod, don't restart it", "if {}, restart it"],
)
async def test_a_reason_lifts_no_guard_but_the_two_on_telling_and_asking(frame: str) -> None:
    """R6: places, services, negation and conditions are looked for in the whole sentence."""
    assert await action("queue is stuck in prod, restart it") == evals.action("restart queue prod")
    assert await action(frame.format("queue is stuck")) is None


@pytest.mark.parametrize("word", ["restrat", "restat", "resttart"])
async def test_a_slip_in_a_verb_is_mended_and_one_in_a_name_is_not(word: str) -> None:
    """R1: names are only suggested."""
    assert await action(f"{word} queue in prod") == evals.action("restart queue prod")
    assert await action(f"restart {word} in prod") is None
    assert await action("restart quuee in prod") is None


@pytest.mark.parametrize(
    "text", ["can we restart queue in prod?", "could we scale queue to 5 in prod", "queue prod 5 pods"]
)
async def test_what_may_only_ask_or_tell_gets_one_button(text: str) -> None:
    """R1: one press, and then the card."""
    reading = await READER.read(text)
    assert isinstance(reading, Question)
    assert reading.options == {"environment": ("prod",)}
    assert await action(f"{text} please") is not None


async def test_a_name_that_means_many_or_whoever_is_spoken_to_is_asked() -> None:
    """R2: "all" and "bot" may be services, and may not."""
    for text in (
        "restart all in prod",
        "bot restart in prod",
        "hey bot, scale to 5 in prod",
        "restart the bot in prod",
    ):
        assert await action(text) is None
    assert await action("restart the all service in prod") == evals.action("restart all prod")
    assert await action("restart bot in prod") == evals.action("restart bot prod")


async def test_a_service_called_like_an_environment_is_told_by_its_place() -> None:
    assert await action("restart live in staging") == evals.action("restart live staging")
    assert await action("restart queue in live") == evals.action("restart queue prod")
    assert await action("restart queue in live and staging") is None


async def test_the_verb_is_no_part_of_a_name() -> None:
    """Where there is a service "scale-api" as well, "scale api" scales the api, and is negated as such."""
    assert await action("scale api to 5 in prod") == evals.action("scale api prod replicas=5")
    assert await action("scale scale-api to 5 in prod") == evals.action("scale scale-api prod replicas=5")
    assert (await READER.read("do not scale api to 5 in prod")).as_json()["reason"] == "negated"


async def test_an_image_of_another_place_is_asked() -> None:
    """A deploy takes the catalogue's repository, so another one that was said is not what would run."""
    assert isinstance(await READER.read("deploy evil.example/queue:5.0.1 to prod"), Question)


@pytest.mark.parametrize("word", ["4.0.0..4.1.0", "4.0.0-4.1.0", "5.x", "1.4.X", "v2.0.0-v3.0.0"])
def test_a_range_is_no_version(word: str) -> None:
    assert not quantities.version(word)


@pytest.mark.parametrize(
    "word", ["release-1.2.3", "1.4.2", "v7", "4.0.0-rc.1", "1.2.3-20240101.1", "pr-812", "sha-3f2a"]
)
def test_what_tags_look_like_is_a_version(word: str) -> None:
    assert quantities.version(word)
