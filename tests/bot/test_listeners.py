"""What people do in Slack, through the real Bolt app over the wire (S1, S2, S3, A4)."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from actions.errors import Unreachable
from actions.outcome import Outcome, Suggestion
from bot.inbox import Inbox
from bot.listeners.delivery import concerns
from bot.writer import Writer
from tests.bot.scene import ACKNOWLEDGED, Scene, button_ids
from tests.waiting import PATIENCE

ASK = "@twokey scale checkout to 5 in prod"
DECIDING = {"approve", "deny", "edit", "withdraw"}


async def test_from_a_sentence_to_an_outcome(slack: Scene) -> None:
    """A mention becomes a card, another person's key runs it, and the same card says what came of it."""
    async with slack.program() as program:
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
        assert (await slack.click("ben", card, "approve"))["ok"]
        await slack.see("✅ done", "asked by ana", "approved by ben")

        assert len(slack.hands.effects) == 1
        await slack.see("ben approved.")
        kinds = [str(e.fields["kind"]) for e in program.ledger.entries()]
        assert kinds[1:7] == [
            "catalog.adopted",
            "policy.adopted",
            "request.submitted",
            "request.approved",
            "request.running",
            "request.succeeded",
        ]


async def test_every_click_is_acknowledged_at_once_while_handlers_hang(slack: Scene) -> None:
    """S1: twelve at the same time, each acknowledged while none gets on; all that costs less than a second's work.

    None would get on before Slack gave up waiting.
    """
    release = threading.Event()
    slack.hands.answer = lambda action, progress: (release.wait(2 * ACKNOWLEDGED), slack.hands.outcome)[1]  # type: ignore[method-assign]
    async with slack.program():
        started = time.process_time()
        answers = await asyncio.gather(
            *(
                slack.post("commands", user="ana", channel="#ops", command="/twokey", text="how is cart doing in prod?")
                for _ in range(12)
            )
        )
        assert time.process_time() - started < 1.0
        assert all(a["ok"] for a in answers)
        release.set()


async def test_the_same_event_three_times_is_one_request(slack: Scene) -> None:
    """S2: twice at once, and again after a restart."""
    async with slack.program() as program:
        await slack.post("faults", duplicate=1)
        await slack.say("ana", ASK)
        await slack.see("waiting for 1 of sre")
    async with slack.program() as program:
        assert (await slack.post("faults", replay=5))["replayed"] >= 1
        await slack.say("ana", "@twokey thanks")
        await slack.see("You are welcome, ana.")
        assert len(program.ledger.recent(10)) == 1


@pytest.mark.parametrize("ack_timeout", [0.4])
async def test_an_event_whose_first_delivery_was_lost_runs_once(slack: Scene) -> None:
    """S2: the redelivery is the only one that arrives."""
    async with slack.program() as program:
        await slack.post("faults", drop_first=1)
        await slack.say("ana", ASK)
        slack.clock.advance(70)  # Slack delivers again after a minute
        await slack.see("waiting for 1 of sre")
        assert len(program.ledger.recent(10)) == 1


async def test_what_a_dead_process_took_and_did_not_finish_is_finished_by_the_next(slack: Scene) -> None:
    """S2: acknowledged, and killed before the work: still one request."""
    event = {"type": "app_mention", "user": "U0ANA", "channel": "C0OPS", "ts": "1.1", "text": ASK.replace("@", "")}
    body = {"event_id": "Ev1", "team_id": "T0TOWN", "event": event}
    async with slack.program() as program:
        pass
    from bot.app import build

    dead = build(slack.settings(), slack.clock, slack.hands)
    assert Inbox(Writer(dead.engine), slack.clock).take("event Ev1", body)
    dead.engine.dispose()

    async with slack.program() as program:
        await slack.see("waiting for 1 of sre")
    async with slack.program() as program:
        assert len(program.ledger.recent(10)) == 1


async def test_after_a_decision_no_copy_can_be_decided(slack: Scene) -> None:
    """S3: asked in a direct message, both approvers have a copy; ben's key changes all three."""
    async with slack.program():
        await slack.say("ana", ASK.removeprefix("@twokey "), channel="@twokey")
        copies = [await slack.see("waiting for 1 of sre", channel=c) for c in ("D0ANA", "D0BEN", "D0CARLA")]
        assert button_ids(copies[0]) >= DECIDING
        for copy in copies[1:]:  # to edit and to withdraw is the requester's alone
            assert button_ids(copy) & DECIDING == {"approve", "deny"}
        await slack.click("ben", copies[1], "approve")
        for copy in copies:
            shown = await slack.see("✅ done", "approved by ben", "asked by ana", channel=copy["channel"])
            assert not button_ids(shown) & DECIDING


async def test_the_requester_gets_a_private_explanation_that_names_the_others(slack: Scene) -> None:
    """A4, as a person meets it."""
    async with slack.program():
        await slack.say("ana", ASK)
        await slack.click("ana", await slack.see("waiting for 1 of sre"), "approve")
        said = await slack.see("somebody else has to turn the second key", "ben or carla")
        assert said["ephemeral_to"] == "U0ANA"
        assert slack.hands.effects == []


async def test_a_denial_asks_why_and_says_it_on_the_card(slack: Scene) -> None:
    async with slack.program():
        await slack.say("ana", ASK)
        await slack.click("ben", await slack.see("waiting for 1 of sre"), "deny")
        view = await slack.view("U0BEN")
        await slack.post("views", user="ben", view_id=view["id"], values={"reason": "lunch <!here>"})
        card = await slack.see("⛔ denied by ben: lunch", "asked by ana")
        assert button_ids(card) == {"do:0", "details"}
        await slack.click("ana", card, "do:0")
        again = await slack.see("waiting for 1 of sre")
        assert again["ts"] != card["ts"]


async def test_details_show_the_plan_who_may_approve_and_how_it_is_now(slack: Scene) -> None:
    async with slack.program():
        await slack.say("ana", ASK)
        await slack.click("dora", await slack.see("waiting for 1 of sre"), "details")
        await slack.until(
            lambda s: any("Can approve now: ben or carla" in str(v["blocks"]) for v in s["views"]), "the approvers"
        )


async def test_an_edited_request_is_a_new_card_and_the_old_one_is_withdrawn(slack: Scene) -> None:
    async with slack.program():
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
        await slack.click("ana", card, "edit")
        view = await slack.view("U0ANA")
        wrong = await slack.post("views", user="ana", view_id=view["id"], values={"replicas": "many"})
        assert wrong["errors"] == {"replicas": "It has to be a whole number, like 5."}
        await slack.post("views", user="ana", view_id=view["id"], values={"replicas": "6"})
        await slack.see("withdrawn by ana: another card takes its place")
        assert (await slack.see("waiting for 1 of sre"))["ts"] != card["ts"]


async def test_a_request_stays_where_what_was_to_take_its_place_is_refused(slack: Scene) -> None:
    """Nothing is lost: what is edited to a place where nothing may be asked for is not withdrawn."""
    async with slack.program() as program:
        await slack.say("ana", ASK)
        await slack.click("ana", await slack.see("waiting for 1 of sre"), "edit")
        view = await slack.view("U0ANA")
        slack.hands.plan_error = Unreachable("The cluster does not answer. Try again in a minute.")
        await slack.post("views", user="ana", view_id=view["id"], values={"replicas": "6"})
        await slack.see("The cluster does not answer.")
        assert [r.state.value for r in program.ledger.recent(10)] == ["waiting"]


async def test_who_would_cancel_a_change_that_runs_is_shown_its_card(slack: Scene) -> None:
    """Said in the channel, right after their own rollout began; the words alone stop nothing."""
    going = threading.Event()

    def wait() -> None:
        going.wait(PATIENCE)

    slack.hands.before_effect = wait
    async with slack.program():
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
        await slack.click("ben", card, "approve")
        await slack.see("running ·")
        await slack.say("ana", "@twokey stop")
        said = await slack.see("Stop watching leaves it to itself", "Its card")
        assert f"/archives/{card['channel']}/p{card['ts'].replace('.', '')}" in str(said["blocks"])
        going.set()
        await slack.see("✅ done")


async def test_only_the_requester_can_edit_or_withdraw(slack: Scene) -> None:
    async with slack.program():
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
        await slack.click("ben", card, "edit")
        await slack.see("Only the person who asked can edit this.")
        await slack.click("ben", card, "withdraw")
        await slack.see("Only the person who asked can withdraw this.")
        await slack.click("ana", card, "withdraw")
        await slack.see("withdrawn by ana")


async def test_a_question_is_answered_once_and_never_skips_the_card(slack: Scene) -> None:
    async with slack.program() as program:
        await slack.say("ana", "@twokey scale checkout to 5")
        question = await slack.see("in which environment?")
        prod = next(i for i, e in enumerate(question["blocks"][1]["elements"]) if e["text"]["text"] == "prod")
        await asyncio.gather(*(slack.click("ana", question, f"choose:{prod}") for _ in range(3)))
        await slack.see("waiting for 1 of sre")
        await slack.see("→ prod (ana)")
        assert slack.hands.effects == []
        assert len(program.ledger.recent(10)) == 1


async def test_a_next_step_of_an_outcome_becomes_a_card_of_its_own(slack: Scene) -> None:
    back = {"verb": "scale", "service": "checkout", "environment": "prod", "replicas": 3, "change": None}
    slack.hands.outcome = Outcome(
        ok=False, summary="2 of 5 pods crash", suggestions=(Suggestion(label="Back to 3…", action=back),)
    )
    async with slack.program():
        await slack.say("ana", ASK)
        await slack.click("ben", await slack.see("waiting for 1 of sre"), "approve")
        await slack.click("ana", await slack.see("❌ failed: 2 of 5 pods crash", "Back to 3…", "asked by"), "do:0")
        await slack.see("waiting for 1 of sre")


async def test_home_shows_what_waits_for_me_and_takes_my_key(slack: Scene) -> None:
    async with slack.program():
        await slack.say("ana", ASK)
        await slack.see("waiting for 1 of sre")
        await slack.post("home", user="ben")
        home = await slack.view("U0BEN", "home")
        assert "approve" in button_ids(home)
        await slack.post("actions", user="ben", view_id=home["id"], action_id="approve")
        await slack.see("✅ done")
        await slack.until(
            lambda s: all("approve" not in button_ids(v) for v in s["views"] if v["user"] == "U0BEN"), "an empty Home"
        )


async def test_a_slash_command_is_the_same_as_a_mention(slack: Scene) -> None:
    async with slack.program():
        await slack.post("commands", user="ana", channel="#ops", command="/twokey", text="scale cart to 2 in dev")
        await slack.see("✅ done", "asked by ana")


async def test_a_source_that_does_not_answer_is_said_in_one_sentence(slack: Scene) -> None:
    slack.hands.plan_error = Unreachable("The cluster does not answer. Try again in a minute.")
    async with slack.program():
        await slack.say("ana", ASK)
        await slack.see("The cluster does not answer. Try again in a minute.")


MENTION = {"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.1"}
DIRECT = {"type": "message", "user": "U1", "channel": "D1", "channel_type": "im", "ts": "1.1"}


@pytest.mark.parametrize(
    ("said", "odd"),
    [
        (MENTION, {"bot_id": "B1"}),
        (MENTION, {"user": "U0TWOKEY"}),
        (MENTION, {"edited": {"user": "U1", "ts": "2"}}),
        (DIRECT, {"edited": {"user": "U1", "ts": "2"}}),
        (DIRECT, {"subtype": "message_changed"}),
        (DIRECT, {"subtype": "bot_message"}),
        (DIRECT, {"channel_type": "channel", "channel": "C1"}),
        (MENTION, {"channel": "D1"}),
        (MENTION, {"type": "member_joined_channel"}),
    ],
)
def test_edits_bots_and_what_is_not_spoken_to_us_never_act(said: dict[str, object], odd: dict[str, object]) -> None:
    """A4: nothing but a person's own fresh words to the bot."""
    assert concerns(said, "U0TWOKEY")
    assert not concerns({**said, **odd}, "U0TWOKEY")
