"""Approvers are asked again before a request expires: once, by name, in the thread."""

from __future__ import annotations

import json

from tests.bot.scene import Json, Scene

ASK = "@twokey scale checkout to 5 in prod"


def nudges(state: Json) -> list[Json]:
    return [m for m in state["messages"] if "⏰" in m["text"]]


async def test_two_replicas_remind_once_and_name_those_who_can(slack: Scene) -> None:
    """Due work is claimed in the store: two whole programs share it here."""
    async with slack.program(), slack.program() as other:
        await slack.say("ana", ASK)
        card = await slack.see("waiting for 1 of sre")
        slack.clock.advance(30 * 60)
        other.gate.tick()
        said = await slack.see("⏰ Still waiting for 1 of sre.")
        assert said["thread_ts"] == card["ts"]
        pinged = {u for u in ("U0ANA", "U0BEN", "U0CARLA", "U0DORA") if f'"user_id": "{u}"' in json.dumps(said)}
        assert pinged == {"U0BEN", "U0CARLA"}
        assert (await slack.click("ben", card, "approve"))["ok"]
        await slack.see("✅ done", "approved by ben")
        assert len(nudges(await slack.state())) == 1
