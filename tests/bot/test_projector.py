"""Cards follow the ledger, whatever Slack and the process go through (S3, S6, S7)."""

from __future__ import annotations

import time

import pytest
from pydantic import JsonValue

from actions.outcome import Outcome, Quote, Step, Suggestion, TextFile
from approvals.request import Request, State
from bot.cards import Cards, Claim, Copy
from tests.approvals.doubles import ANA, BEN, SCALE
from tests.bot.scene import Scene, button_ids

ASK = "@twokey scale checkout to 5 in prod"


async def test_a_rate_limit_holds_back_no_click(slack: Scene) -> None:
    """S7: chat.update is limited when ben approves; he is acknowledged, and it runs, long before that is over."""
    async with slack.program():
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
        await slack.post("faults", rate_limit={"method": "chat.update", "retry_after": 30, "times": 1})
        started = time.monotonic()
        assert (await slack.click("ben", card, "approve"))["ok"]
        await slack.until(lambda _: bool(slack.hands.effects), "the run")
        assert time.monotonic() - started < 30
        assert [m["ts"] for m in await slack.bots() if "✅ done" in str(m)] == [], "the card has to wait"


async def test_when_a_rate_limit_is_over_the_end_lands(slack: Scene) -> None:
    """S7: what held the card back is in the same message then."""
    async with slack.program():
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
        await slack.post("faults", rate_limit={"method": "chat.update", "retry_after": 0.2, "times": 1})
        assert (await slack.click("ben", card, "approve"))["ok"]
        assert (await slack.see("✅ done", "asked by ana"))["ts"] == card["ts"]


async def test_a_limited_post_comes_later_and_only_once(slack: Scene) -> None:
    """S7: the card itself is held back."""
    async with slack.program():
        await slack.post("faults", rate_limit={"method": "chat.postMessage", "retry_after": 0.2, "times": 1})
        await slack.say("ana", ASK)
        await slack.see("waiting for 1 of sre")
        assert len([m for m in await slack.bots() if m["attachments"]]) == 1


async def test_a_card_is_caught_up_after_a_restart(slack: Scene) -> None:
    """S3 across a restart: what was decided meanwhile is shown in the same message."""
    async with slack.program():
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
    async with slack.program("runner") as elsewhere:
        (request,) = elsewhere.ledger.waiting()
        approver = next(a for a in elsewhere.gate.approvers(request) if a.user_id == "U0BEN")
        elsewhere.gate.decide(request.id, request.plan.digest, approver, approve=True)
        await slack.until(lambda _: bool(slack.hands.effects), "the run")
    async with slack.program("gateway"):
        done = await slack.see("✅ done", "approved by ben", "asked by ana")
        assert done["ts"] == card["ts"]
        assert "approve" not in button_ids(done)
        await slack.see("Started: Scale checkout in prod.")


async def test_a_gateway_never_runs_what_is_ready(slack: Scene) -> None:
    """P3, as far as the roles go: the process that reads words leaves running to the runner."""
    async with slack.program("gateway") as gateway:
        await slack.say("ana", "@twokey scale cart to 2 in dev")
        await slack.see("no approval needed · starting")
        assert len(gateway.ledger.ready()) == 1
        assert slack.hands.effects == []


async def test_the_thread_has_the_whole_story_once(slack: Scene) -> None:
    """One line an event, the outcome with its evidence, and nothing twice."""
    slack.hands.outcome = Outcome(
        ok=False,
        summary="2 of 5 pods crash",
        evidence=(Quote(title="Events", lines=("OOMKilled",)), TextFile(name="crash.log", content="x\n")),
    )
    async with slack.program():
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
        await slack.click("ben", card, "approve")
        await slack.see("crash.log")
    async with slack.program():
        await slack.say("ana", "@twokey thanks")
        await slack.see("You are welcome")
    story = [m for m in await slack.bots() if m.get("thread_ts") == card["ts"] and m["ts"] != card["ts"]]
    assert [m["text"] for m in story if m["text"]] == [
        "ben approved.",
        "Started: Scale checkout in prod.",
        "2 of 5 pods crash",
    ]
    assert "OOMKilled" in str(story[2]["blocks"])


async def test_what_a_runner_of_its_own_found_reaches_the_thread_and_the_card(slack: Scene) -> None:
    """P3: the process that runs knows no Slack, and the one that speaks to Slack shows the whole of what it found."""
    logs: dict[str, JsonValue] = {"verb": "query_logs", "service": "checkout", "environment": "prod"}
    slack.hands.outcome = Outcome(
        ok=False,
        summary="2 of 5 pods crash",
        evidence=(Quote(title="Events", lines=("OOMKilled",)), TextFile(name="crash.log", content="x\n")),
        suggestions=(Suggestion(label="Show logs", action=logs),),
    )
    async with slack.program("gateway"), slack.program("runner"):
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
        await slack.click("ben", card, "approve")
        await slack.see("OOMKilled")
        await slack.see("crash.log")
        failed = await slack.see("failed: 2 of 5 pods crash", "Show logs", "asked by ana")
        assert failed["ts"] == card["ts"]


async def test_what_comes_after_another_change_of_its_target_says_so(slack: Scene) -> None:
    """E3, as people see it: approved, and not "starting" for as long as the one before it takes."""
    release = slack.held()
    async with slack.program():
        for order in ("scale checkout to 5 in prod", "restart checkout in prod"):
            await slack.say("ana", f"@twokey {order}")
            title = f"{order.split()[0].capitalize()} checkout in prod"
            await slack.click("ben", await slack.see(title, "waiting for 1 of sre"), "approve")
            await slack.see(title, "running ·" if title.startswith("Scale") else "approved by ben · starts after")
        assert "“Scale checkout in prod”" in str(await slack.see("starts after"))
        release.set()
        await slack.see("Restart checkout in prod", "✅ done")


async def test_a_bell_that_comes_late_shows_nothing_that_is_over(slack: Scene) -> None:
    """S3: of a new request that was denied meanwhile no card asks for approval, though the news of it comes last."""
    async with slack.program("gateway") as program:
        bells: list[tuple[str, State, Request | None]] = []
        ring, program.ledger.on_change = program.ledger.on_change, lambda *bell: bells.append(bell)
        # All of this in one turn of the loop that shows it, so nothing is shown in between.
        request = program.gate.submit(SCALE, ANA, {"channel": "C0OPS"})
        program.gate.decide(request.id, request.plan.digest, BEN, approve=False)
        assert [new is not None for _, _, new in bells] == [True, False]
        for bell in reversed(bells):
            ring(*bell)
        assert "edited" not in await slack.see("denied by ben", "asked by ana")


async def test_progress_updates_the_card_itself(slack: Scene) -> None:
    """The steps of a rollout are seen in the one message, coalesced."""
    slack.hands.steps = tuple(Step(text=f"{n} of 5 ready", done=n, total=5) for n in range(1, 5))
    release = slack.held()
    async with slack.program():
        await slack.say("ana", ASK)
        await slack.click("ben", await slack.see("waiting for 1 of sre"), "approve")
        running = await slack.see("▓▓▓▓▓▓▓▓░░  4 of 5 ready", "asked by ana")
        assert "stop" in button_ids(running)
        release.set()
        await slack.see("✅ done", "asked by ana")


async def test_a_running_card_says_for_how_long_though_nothing_else_is_new(slack: Scene) -> None:
    """While the metrics are watched no step comes; the card is updated now and then, not at every look."""
    release = slack.held()
    async with slack.program():
        await slack.say("ana", ASK)
        await slack.click("ben", await slack.see("waiting for 1 of sre"), "approve")
        await slack.see("running · 0:00", "asked by ana")
        for shown in ("running · 0:12", "running · 0:25"):
            slack.clock.advance(12.5)
            await slack.see(shown, "asked by ana")
        release.set()
        await slack.see("✅ done", "asked by ana")


@pytest.mark.parametrize("method", ["conversations.open", "conversations.members", "chat.postMessage"])
async def test_an_invitation_that_slack_holds_back_comes_later_and_once(slack: Scene, method: str) -> None:
    """S7: asked in a direct message, both approvers get their copy, whichever question is limited."""
    async with slack.program():
        await slack.post("faults", rate_limit={"method": method, "retry_after": 0.2, "times": 1})
        await slack.say("ana", ASK.removeprefix("@twokey "), channel="@twokey")
        for channel in ("D0BEN", "D0CARLA"):
            await slack.see("waiting for 1 of sre", channel=channel)
        cards = [m["channel"] for m in await slack.bots() if m["attachments"]]
        assert sorted(cards) == ["D0ANA", "D0BEN", "D0CARLA"]


async def test_the_link_recovers_from_each_way_to_break(slack: Scene) -> None:
    """S6: Slack closes it, the network resets it; the next sentence is heard within ten seconds more than any other."""
    took: list[float] = []
    async with slack.program() as program:
        for fault in ({}, {"disconnect": "refresh_requested"}, {"reset": True}):
            await slack.post("faults", **fault)
            started, wanted = time.monotonic(), len(program.ledger.recent(10)) + 1
            await slack.say("ana", ASK)
            await slack.until(lambda _: len(program.ledger.recent(10)) >= wanted, "a card after the break")  # noqa: B023
            took.append(time.monotonic() - started)
    assert max(took) - took[0] < 10


def test_two_processes_never_both_post_a_card(slack_store: Cards) -> None:
    """One message, never a second card."""
    assert slack_store.reserve("r-1", "C0OPS")
    assert not slack_store.reserve("r-1", "C0OPS")
    slack_store.release("r-1", "C0OPS")
    assert slack_store.reserve("r-1", "C0OPS") == Claim()
    slack_store.release("r-1", "C0OPS", may_be_there=True)
    claim = slack_store.reserve("r-1", "C0OPS")
    assert claim
    assert claim.since
    slack_store.posted(Copy("r-1", "C0OPS", "1.1", "1.1", rev=0, settled=False))
    assert not slack_store.reserve("r-1", "C0OPS")
