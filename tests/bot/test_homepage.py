"""Home and Details tell nobody what the policy keeps from them."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.bot.scene import HERE, Json, Scene


async def test_nobody_learns_from_home_or_details_what_the_policy_lets_others_read(
    slack: Scene, tmp_path: Path
) -> None:
    """A8: what changed is shown to whoever could ask for it, to the approvers, and to the one who asked."""
    data = yaml.safe_load((HERE / "policy.yaml").read_text())
    secret = {"match": {"risk": ["read"], "services": ["cart"]}, "ask": ["payments-owners"], "approvals": []}
    data["rules"].insert(0, {"name": "cart is nobody else's", **secret})
    slack.policy = tmp_path / "policy.yaml"
    slack.policy.write_text(yaml.safe_dump(data))
    async with slack.program():
        await slack.say("ana", "@twokey restart cart in dev")
        await slack.see("✅ done", "cart")
        await slack.say("ana", "@twokey scale cart to 8 in prod")
        card = await slack.see("waiting for", "cart")
        homes = {}
        for person in ("ana", "carla", "dora"):
            await slack.post("home", user=person)
            homes[person] = json.dumps(await slack.view(f"U0{person.upper()}", "home"))
        assert {person for person, shown in homes.items() if "cart" in shown} == {"ana", "carla"}
        details = {}
        for person in ("carla", "dora"):
            await slack.click(person, card, "details")
            details[person] = await _settled(slack, f"U0{person.upper()}")
        assert "does not let you read what changed" in details["dora"]
        assert "does not let you read what changed" not in details["carla"]


async def _settled(slack: Scene, user: str) -> str:
    """This person's open Details, once everything is looked up."""

    def shown(state: Json) -> str:
        return json.dumps([v for v in state["views"] if (v["user"], v["type"]) == (user, "modal")], ensure_ascii=False)

    return shown(await slack.until(lambda state: "Can approve now" in shown(state), "Details"))
