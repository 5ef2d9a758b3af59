"""A weaker policy's way into force, from the file to the last press in Slack (A9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import doctor
from bot.amending import Wish, wish
from bot.app import Program
from tests.bot.scene import HERE, Scene, button_ids


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("policy", Wish("show")),
        ("Policy?", Wish("show")),
        ("policy ask 0123456789ab", Wish("decide")),
        ("Policy approve 0123456789ab.", Wish("decide")),
        ("policy deny", Wish("decide")),
        ("please do policy approve 0123456789ab", None),
        ("scale checkout to 5 in prod", None),
    ],
)
def test_only_a_whole_wish_is_one(text: str, wanted: Wish | None) -> None:
    """A12: nothing around the words is guessed away, and none of them decides."""
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


async def cards(slack: Scene) -> list[dict[str, Any]]:
    """The messages that are about the policy."""
    return [m for m in await slack.bots() if "POLICY" in str(m)]


async def test_a_file_that_weakens_is_offered_in_the_channel_asked_for_and_approved_on_one_card(
    slack: Scene, tmp_path: Path
) -> None:
    """A9, S3: the offer becomes the card; ana asks, ben approves, and the running program follows."""
    slack.more = {"TWOKEY_POLICY_CHANNEL": "C0OPS"}
    async with slack.program():
        pass
    weaken(slack, tmp_path)
    async with slack.program() as program:
        assert in_force(slack).state == "wrong"
        offer = await slack.see("Another policy is held back", "WEAKER", "one of sre", channel="C0OPS")
        assert button_ids(offer) == {"propose", "held"}
        await slack.click("dora", offer, "held")
        (draft,) = program.charter.drafts()
        shown = str((await slack.view("U0DORA"))["blocks"])
        assert all(line.split(": ")[0] in shown for line in draft.lines)
        await slack.click("ana", offer, "propose")
        card = await slack.see("waiting for 1 of sre", "WEAKER", "asked by ana")
        assert card["ts"] == offer["ts"]
        assert "Put this policy in force?" in str(card)
        assert {"approve", "deny", "details", "withdraw"} == button_ids(card)
        await slack.click("ana", card, "approve")
        await slack.see("You asked for this one, so somebody else has to turn the second key: one of sre.")
        await slack.click("ben", card, "approve")
        await slack.see("in force now, approved by ben", "Details")
        over = await slack.see("WEAKER")
        assert (over["ts"], button_ids(over)) == (card["ts"], {"details"})
        await slack.see("What was planned under the one before has to be asked for again.")
        assert len(await cards(slack)) == 1
        assert in_force(slack).state == "ok"
        assert program.gate.policy.version == program.files.policy.version


async def test_words_show_what_is_held_back_and_decide_nothing(slack: Scene, tmp_path: Path) -> None:
    """A9, A12: without a channel for it, `policy` brings the button; an approval in words gets the way to the card."""
    async with slack.program():
        pass
    weaken(slack, tmp_path)
    async with slack.program() as program:
        before = program.gate.policy.version
        await slack.say("ana", "@twokey policy")
        offer = await slack.see("is in force.", "held back", "Ask for it")
        await slack.click("ana", offer, "propose")
        card = await slack.see("waiting for 1 of sre", "WEAKER")
        draft = offer["blocks"][-1]["elements"][0]["value"]
        for word in ("approve", "deny"):
            await slack.say("ben", f"@twokey policy {word} {draft}")
            await slack.see("I take no approvals in words", "ana asks for policy", "|Its card>")
        await slack.click("carla", offer, "propose")
        await slack.see("Somebody asked for it already")
        assert program.gate.policy.version == before
        await slack.click("ben", card, "deny")
        view = await slack.view("U0BEN")
        await slack.post("views", user="ben", view_id=view["id"], values={"reason": {"reason": "not on a Friday"}})
        ended = await slack.see("denied by ben: not on a Friday", "Ask again")
        assert button_ids(ended) == {"propose", "details"}
        await slack.click("carla", ended, "propose")
        again = await slack.see("asked by carla", "waiting for 1 of sre")
        assert again["ts"] != card["ts"]
        assert program.gate.policy.version == before


async def test_details_name_every_verdict_and_who_may_approve(slack: Scene, tmp_path: Path) -> None:
    """A9: the whole comparison, before a key is turned."""
    async with slack.program():
        pass
    weaken(slack, tmp_path)
    async with slack.program() as program:
        await slack.say("ana", "@twokey policy")
        await slack.click("ana", await slack.see("Ask for it"), "propose")
        await slack.click("ben", await slack.see("waiting for 1 of sre", "WEAKER"), "details")
        await slack.until(lambda state: "Can approve now: ben or carla" in str(state["views"]), "the approvers")
        shown = str((await slack.view("U0BEN"))["blocks"])
        (draft,) = program.charter.drafts()
        assert all(line.split(": ")[0] in shown for line in draft.lines)
        assert "dry run" not in shown


async def test_two_gateways_say_once_that_it_is_held_back(slack: Scene, tmp_path: Path) -> None:
    """A9: however many find the same file, and after a restart as well."""
    slack.more = {"TWOKEY_AUDIT_CHANNEL": "C0OPS"}
    async with slack.program():
        pass
    weaken(slack, tmp_path)
    async with slack.program("gateway"), slack.program("gateway"):
        await slack.see("Another policy is held back", channel="C0OPS")
    async with slack.program():
        await slack.say("ana", "@twokey policy")
        await slack.see("is in force.")
        assert sum("Another policy is held back" in str(m["text"]) for m in await slack.bots()) == 1


async def test_a_runner_whose_file_is_weaker_holds_to_the_store(slack: Scene, tmp_path: Path) -> None:
    """A9: what lies on the runner's machine weakens nothing, and puts nothing forward."""
    async with slack.program("gateway") as gateway:
        weaken(slack, tmp_path)
        async with slack.program("runner") as runner:
            assert runner.files.policy.version != runner.gate.policy.version == gateway.files.policy.version
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


def rename(slack: Scene, folder: Path, namespace: str = "prod", **service: Any) -> None:
    """From the next start on dev's names lead elsewhere in the file, and there is another service."""
    data = yaml.safe_load((HERE / "catalog.yaml").read_text())
    data["environments"]["dev"]["namespace"] = namespace
    data["services"]["new"] = service
    slack.more["TWOKEY_CATALOG"] = str(folder / "other.yaml")
    (folder / "other.yaml").write_text(yaml.safe_dump(data))


def leads_to_prod(program: Program) -> bool:
    """Whether dev's names mean prod's workloads to it."""
    return program.catalog.environments["dev"].namespace == "prod"


async def test_a_catalogue_that_weakens_is_held_back_approved_on_a_card_and_followed_without_a_restart(
    slack: Scene, tmp_path: Path
) -> None:
    """A9: the gateway goes by the old one until the quorum agrees, and a runner then goes over to it by itself, too."""
    slack.more = {"TWOKEY_POLICY_CHANNEL": "C0OPS"}
    async with slack.program():
        pass
    rename(slack, tmp_path)
    async with slack.served("gateway") as gateways, slack.served("runner") as runners:
        offer = await slack.see("Another catalogue is held back", "WEAKER", channel="C0OPS")
        assert gateways[-1].catalog.environments["dev"].namespace is None
        await slack.click("ana", offer, "propose")
        card = await slack.see("CATALOGUE", "waiting for", "asked by ana")
        assert "Put this catalogue in force?" in str(card)
        before = gateways[-1]
        for who in ("ben", "carla"):
            await slack.click(who, card, "approve")
        await slack.see("in force now")
        for programs in (gateways, runners):
            await slack.until(lambda _: leads_to_prod(programs[-1]), "it is followed")  # noqa: B023 - waited for here
        assert gateways[-1] is not before
        await slack.say("ana", "@twokey policy")
        await slack.see("Nothing is held back")
        await slack.say("ana", "@twokey scale new to 3 in dev")
        await slack.see("new")


async def test_a_catalogue_that_weakens_nothing_is_gone_by_at_once_by_every_process(
    slack: Scene, tmp_path: Path
) -> None:
    """A9: the file of one gateway's start, whatever lies on the others' machines."""
    async with slack.served() as old:
        rename(slack, tmp_path, namespace="dev")
        async with slack.program("gateway") as program:
            assert "new" in program.catalog.services
            await slack.until(lambda _: "new" in old[-1].catalog.services, "the other one followed")
        said = [e.fields for e in old[-1].ledger.entries()]
        assert [e["data"]["services"]["added"] for e in said if e["kind"] == "catalog.adopted"][-1] == ["new"]
