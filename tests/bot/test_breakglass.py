"""A10 as people see it: asked why, told to the channel at once, on the card for ever, reviewed by somebody else."""

from __future__ import annotations

import json
from datetime import timedelta

from approvals.request import Emergency, State
from bot.blocks.card import status
from tests.bot.factories import ANA, make_face, make_request
from tests.bot.scene import Json, Scene, button_ids

ASK = "@twokey scale checkout to 5 in prod"
WHY = "checkout is down and carla is asleep"


def folded(card: Json) -> str:
    """What the only entry of the card's "⋯" menu brings back."""
    (menu,) = (e for e in card["attachments"][0]["blocks"][-1]["elements"] if e["type"] == "overflow")
    return str(menu["options"][0]["value"])


async def test_from_the_button_to_the_review(slack: Scene) -> None:
    """A10: the reason is asked, everybody in the channel hears it, and somebody else's review closes it."""
    async with slack.program() as program:
        await slack.say("ben", ASK)
        card = await slack.see("waiting for 1 of sre")
        await slack.click("ben", card, "break_glass", folded(card))
        view = await slack.view("U0BEN")
        await slack.post("views", user="ben", view_id=view["id"], values={"reason": WHY})

        told = await slack.see("🚨 BREAK-GLASS: ben runs", WHY)
        assert told["reply_broadcast"]
        done = await slack.see("✅ done", "not reviewed yet", f"without a second key: {WHY}")
        assert done["ts"] == card["ts"]
        assert len(slack.hands.effects) == 1

        await slack.post("home", user="carla")
        home = await slack.view("U0CARLA", "home")
        assert "Reviews due" in json.dumps(home)
        await slack.click("ben", done, "review")
        mine = await slack.view("U0BEN")
        await slack.post("views", user="ben", view_id=mine["id"], values={"reason": "all good"})
        await slack.see("somebody else has to review it")
        await slack.click("carla", done, "review")
        hers = await slack.view("U0CARLA")
        await slack.post("views", user="carla", view_id=hers["id"], values={"reason": "right call"})
        closed = await slack.see("break-glass, reviewed by carla")
        assert "review" not in button_ids(closed)
        await slack.see("carla reviewed the break-glass: right call")
        assert program.ledger.unreviewed() == []


async def test_only_where_the_policy_knows_an_emergency_is_there_a_button(slack: Scene) -> None:
    async with slack.program():
        await slack.say("ana", "@twokey scale checkout to 5 in staging")
        assert "break_glass" not in button_ids(await slack.see("waiting for 1 of engineers"))


def test_what_the_emergency_runs_is_timed_from_the_emergency() -> None:
    """A10: how long it has waited before is not how long it has been running."""
    broken = Emergency(by=ANA, at=make_face().now - timedelta(seconds=7), reason="checkout is down")
    request = make_request(State.RUNNING, emergency=broken)
    assert "running · 0:07" in status(request, make_face())
