"""L3: what was signed over the log is kept in a channel, by the emulated Slack's wire; Home says how that stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from approvals import audit
from approvals.audit import note
from approvals.audit.checkpoint import Checkpoint
from approvals.audit.note import VerifierKey
from approvals.checkpoints import AGAIN
from approvals.logbook import Kept
from bot.app import Program
from tests.bot.scene import Json, Scene

POSTED = "Audit log, signed over"


@pytest.fixture(autouse=True)
def channel(slack: Scene) -> None:
    slack.more = {"TWOKEY_AUDIT_CHANNEL": "C0OPS", "TWOKEY_AUDIT_EVERY": "1"}


async def posted(slack: Scene) -> list[str]:
    """The notes in the channel, oldest first, as somebody would copy them."""
    found = [m for m in await slack.bots() if str(m["text"]).startswith(POSTED) and m["channel"] == "C0OPS"]
    return [str(m["blocks"][1]["elements"][0]["elements"][0]["text"]) for m in found]


async def ticked(slack: Scene, program: Program, done: Callable[[], bool]) -> None:
    """What the timer does every two seconds, until that is done."""

    def look(_: Json) -> bool:
        program.checkpoints.tick()
        return done()

    await slack.until(look, "what the next tick does")


def last(program: Program) -> Kept:
    """The newest checkpoint in the store."""
    found = program.checkpoints.latest()
    assert found is not None
    return found


async def home_says(slack: Scene, *parts: str) -> None:
    """Ana looks at Home until it does."""
    await slack.post("home", user="ana")
    await slack.until(lambda state: all(part in str(state["views"]) for part in parts), f"{parts} at Home")


async def test_what_is_in_the_channel_is_the_signed_note_and_the_log_is_held_against_it(slack: Scene) -> None:
    """L3, L2: copied from Slack it verifies with the log's own key, and a log that was cut is found by it."""
    async with slack.program() as program:
        await slack.say("ana", "@twokey scale checkout to 5 in prod")
        await slack.see("waiting for 1 of sre")
        size = program.ledger.head().size
        await ticked(slack, program, lambda: last(program).size >= size)
        await ticked(slack, program, lambda: program.checkpoints.trouble is None)
        newest = (await posted(slack))[-1]
        kept = last(program)
        text, _ = note.opened(newest, [VerifierKey.parse(kept.key)])
        named = Checkpoint.parse(text)
        entries = list(program.ledger.entries())
        mark = audit.Mark(named.size, root=named.root)
        assert isinstance(audit.verify(entries, [mark]), audit.Verified)
        assert isinstance(audit.verify(entries[: named.size - 1], [mark]), audit.Broken)


@pytest.mark.parametrize(
    "fault",
    [
        {"lose_answer": {"method": "chat.postMessage", "times": 1}},
        {"rate_limit": {"method": "chat.postMessage", "retry_after": 30, "times": 1}},
    ],
    ids=["lost answer", "429"],
)
async def test_a_note_that_slack_did_not_take_or_not_say_so_comes_a_minute_later(
    slack: Scene, fault: dict[str, dict[str, str | int]]
) -> None:
    """L3: Home says that it is not there yet; nothing has to happen in the log for it to be tried again."""
    await slack.post("faults", **fault)
    async with slack.program() as program:
        await ticked(slack, program, lambda: program.checkpoints.trouble is not None)
        await home_says(slack, "is not in C0OPS", "It is tried again in a minute.")
        slack.clock.advance(AGAIN.total_seconds())
        await ticked(slack, program, lambda: program.checkpoints.trouble is None)
        assert await posted(slack)
        await home_says(slack, "the last checkpoint covers")


async def test_what_was_owed_when_the_process_stopped_is_covered_by_what_the_next_one_posts_at_once(
    slack: Scene,
) -> None:
    """L3: neither so many entries nor so much time has to come first."""
    slack.more["TWOKEY_AUDIT_EVERY"] = "1000"
    await slack.post("faults", rate_limit={"method": "chat.postMessage", "retry_after": 30, "times": 1})
    async with slack.program() as program:
        await ticked(slack, program, lambda: program.checkpoints.trouble is not None)
        owed = last(program)
        assert await posted(slack) == []
    async with slack.program() as program:
        await ticked(slack, program, lambda: last(program).size > owed.size)
        await ticked(slack, program, lambda: program.checkpoints.trouble is None)
        (newest,) = await posted(slack)
        named = Checkpoint.opened(newest, [VerifierKey.parse(owed.key)])
        entries = list(program.ledger.entries())
        marks = [audit.Mark(owed.size, root=owed.tree.root), named.mark]
        assert isinstance(audit.verify(entries, marks), audit.Verified)


async def test_a_channel_that_is_none_is_said_and_holds_up_nothing(slack: Scene) -> None:
    """L3: the note is signed and kept in the store all the same."""
    slack.more["TWOKEY_AUDIT_CHANNEL"] = "C0NOWHERE"
    async with slack.program() as program:
        await ticked(slack, program, lambda: program.checkpoints.trouble is not None)
        assert "Slack answers channel_not_found" in str(program.checkpoints.trouble)
        await slack.say("ana", "@twokey scale checkout to 5 in prod")
        await slack.see("waiting for 1 of sre")
        assert program.checkpoints.latest() is not None
