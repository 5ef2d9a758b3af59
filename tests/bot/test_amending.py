"""A weaker policy's way into force, from the file to the last approval in Slack (A9)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bot import doctor
from bot.amending import Wish, wish
from tests.bot.scene import HERE, Scene

ID = "0123456789ab"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("policy", Wish("show")),
        (f"policy ask {ID}", Wish("ask", ID)),
        (f"Policy approve {ID}.", Wish("approve", ID)),
        (f"policy deny {ID}", Wish("deny", ID)),
        ("policy approve", Wish("unclear")),
        (f"policy approve {ID} and everything else", Wish("unclear")),
        (f"please do policy approve {ID}", None),
        ("scale checkout to 5 in prod", None),
    ],
)
def test_only_a_whole_wish_is_one(text: str, wanted: Wish | None) -> None:
    """A12: nothing around the words is guessed away."""
    assert wish(text) == wanted


def weaken(slack: Scene, folder: Path) -> None:
    """From the next start on the file lets anybody of the engineers change prod alone."""
    data = yaml.safe_load((HERE / "policy.yaml").read_text())
    data["rules"][4]["approvals"] = []
    slack.policy = folder / "weaker.yaml"
    slack.policy.write_text(yaml.safe_dump(data))


def in_force(slack: Scene) -> doctor.Finding:
    """What `twokey doctor` says of it."""
    (found,) = (finding for finding in doctor.examine(slack.settings()) if finding.check == "policy in force")
    return found


async def test_a_file_that_weakens_is_not_in_force_until_others_approve(slack: Scene, tmp_path: Path) -> None:
    """A9: the doctor and Home say so; ana asks, ben approves, and the running program follows."""
    async with slack.program():
        pass
    weaken(slack, tmp_path)
    async with slack.program() as program:
        found = in_force(slack)
        assert found.state == "wrong"
        draft = re.search(r"policy ask ([0-9a-f]{12})", found.say)
        assert draft is not None
        await slack.say("ana", "@twokey scale checkout to 5 in prod")
        await slack.see("waiting for 1 of sre")
        await slack.say("ana", "@twokey policy")
        await slack.see("Nobody asks for it", "WEAKER")
        await slack.say("ana", f"@twokey policy ask {draft[1]}")
        await slack.see("ana asks for another policy. It takes one of sre", "WEAKER")
        await slack.say("ana", f"@twokey policy approve {draft[1]}")
        await slack.see("You asked for it, so somebody else has to approve it.")
        await slack.say("ben", f"@twokey policy approve {draft[1]}")
        await slack.see("is in force now, everywhere")
        assert in_force(slack).state == "ok"
        assert program.gate.policy.version == program.policy.version


async def test_a_runner_whose_file_is_weaker_holds_to_the_store(slack: Scene, tmp_path: Path) -> None:
    """A9: what lies on the runner's machine weakens nothing, and puts nothing forward."""
    async with slack.program("gateway") as gateway:
        weaken(slack, tmp_path)
        async with slack.program("runner") as runner:
            assert runner.policy.version != runner.gate.policy.version == gateway.policy.version
            assert runner.charter.drafts() == ()


async def test_home_says_that_a_policy_is_held_back(slack: Scene, tmp_path: Path) -> None:
    """A9."""
    async with slack.program():
        pass
    weaken(slack, tmp_path)
    async with slack.program():
        await slack.post("home", user="ana")
        home = await slack.view("U0ANA", "home")
        assert "so the one before stays in force" in str(home["blocks"])
