"""Why somebody orders something: a reason that is understood whole changes no order, and nothing else is a reason."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from intents import evals, reasons
from intents.reader import Reader
from intents.reading import Command, Refusal

READER = Reader(evals.catalog("field-fleet"), evals.registered())


async def action(text: str) -> dict[str, Any] | None:
    """What a sentence orders, without what was not said; None where it orders nothing."""
    reading = await READER.read(text)
    return (
        {k: v for k, v in reading.action.as_json().items() if v is not None} if isinstance(reading, Command) else None
    )


PLAIN = "restart order-svc in production"
BEFORE = ["since it keeps timing out, ", "OPS-77: ", "the queue is full so ", "QA is happy, ", "for OPS-1290 "]
BEHIND = [", it hangs", " (INC-2093)", " to pick up the new config", " so it loads the new certs", ", users complain"]


@pytest.mark.parametrize("said", [*(f"{one}{PLAIN}" for one in BEFORE), *(f"{PLAIN}{one}" for one in BEHIND)])
async def test_a_reason_leaves_the_order_as_it_is(said: str) -> None:
    """R6: before it or behind it, with or without a ticket."""
    assert await action(said) == await action(PLAIN)


@pytest.mark.parametrize(
    "behind",
    [
        ", it does not hang",
        ", it hangs if it rains",
        " once it hangs",
        ", someone restarted it",
        ", it hangs tomorrow",
        " to pick up the blue suitcase",
        ", it is fine",
        ", approved by the queue",
        ", it hangs and scale it to 5",
        " so pricing loads the new certs",
        ", the queue is full in staging",
        ", the alert reads OPS-77",
        ", is the queue full",
    ],
)
async def test_what_is_not_understood_whole_is_no_reason(behind: str) -> None:
    """R1, R6: no negation, condition, time, approval, second target or unknown word hides in one."""
    assert await action(f"{PLAIN}{behind}") is None


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("order-svc 3.8.1 is ready, deploy it to production", "3.8.1"),
        ("the new version of order-svc is 3.8.1, please ship it to production", "3.8.1"),
        ("order-svc 3.8.1 is ready, deploy 3.8.0 to production", None),
        ("order-svc 3.8.1 is broken, deploy it to production", None),
    ],
)
async def test_a_version_that_is_ready_is_the_one_to_deploy(said: str, version: str | None) -> None:
    """R6: it was said, and no other was; one that is broken is nobody's wish."""
    found = await action(said)
    assert (found and found["version"]) == version


async def test_a_broken_version_is_what_a_rollback_leaves() -> None:
    """R1: the version in a reason is never the one that is gone back to."""
    found = await action("since 3.8.1 is broken, roll order-svc back in production")
    assert found == {"verb": "rollback", "service": "order-svc", "environment": "production"}


def test_a_ticket_is_no_version_and_no_name() -> None:
    """R6: capitals, a dash and a number; what may be an image's tag is left to the grammar."""
    found = [
        bool(reasons.find([word.lower(), "x"], [word, "x"])) for word in ("OPS-77", "ops-77", "PR-77", "RC-1", "A-1")
    ]
    assert found == [True, False, False, False, False]


def test_a_reason_alone_is_an_order_of_nothing() -> None:
    """R1: with nothing before or behind it, nothing is to be done."""
    assert isinstance(asyncio.run(READER.read("since it keeps timing out, OPS-77")), Refusal)
