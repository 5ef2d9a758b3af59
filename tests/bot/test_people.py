"""Who is in a group and who is a person, asked of Slack each time (A3, A4, A8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from slack_sdk import WebClient

from approvals.actor import Actor, DirectoryDown
from bot.people import Names, SlackDirectory
from bot.playground.host import Host


class FakeSlack:
    """Answers each method with what the test put there, over the wire."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"auth.test": {"ok": True, "team_id": "T1", "user_id": "UBOT"}}
        self.status = 200
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.asked.append(method)
        found = self.answers.get(method, {"ok": False, "error": "unknown_method"})
        if isinstance(found, str):
            return web.Response(text=found, status=self.status)
        return web.json_response(found, status=self.status, headers={"Retry-After": "30"})


@pytest.fixture
def fake() -> Iterator[tuple[FakeSlack, WebClient]]:
    slack = FakeSlack()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.answer)
    with Host(app) as url:
        yield slack, WebClient("xoxb-1", base_url=f"{url}/api/", retry_handlers=[])


Fake = tuple[FakeSlack, WebClient]
SRE = {"sre": {"usergroup": "S1"}}
BOTH = {**SRE, "engineers": {"usergroup": "S2"}}


def actor(user_id: str) -> Actor:
    return Actor(team_id="T1", user_id=user_id)


def test_a_group_is_looked_up_anew_each_time(fake: Fake) -> None:
    """A3: somebody who left a moment ago is not in it."""
    slack, client = fake
    directory = SlackDirectory(client)
    slack.answers["usergroups.users.list"] = {"ok": True, "users": ["U1", "U2"]}
    assert directory.members(SRE) == {"sre": frozenset({actor("U1"), actor("U2")})}
    slack.answers["usergroups.users.list"] = {"ok": True, "users": ["U2"]}
    assert directory.members(SRE) == {"sre": frozenset({actor("U2")})}


def test_a_list_of_members_needs_no_question(fake: Fake) -> None:
    slack, client = fake
    found = SlackDirectory(client, "T1").members({"sre": {"members": ["U1"], "team": "T9"}})
    assert found == {"sre": frozenset({Actor(team_id="T9", user_id="U1")})}
    assert slack.asked == []


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"ok": False, "error": "plan_upgrade_required"}, 200),
        ({"ok": False, "error": "ratelimited"}, 429),
        ({"ok": True}, 200),
        ({"ok": True, "users": "U1"}, 200),
        ("<html>gateway timeout</html>", 504),
        ([], 200),
    ],
    ids=["free plan", "rate limit", "no users", "odd users", "not Slack", "no object"],
)
def test_a_directory_that_does_not_answer_well_is_down(fake: Fake, answer: object, status: int) -> None:
    """A8: fail closed, whatever Slack says."""
    slack, client = fake
    slack.answers["usergroups.users.list"], slack.status = answer, status
    with pytest.raises(DirectoryDown):
        SlackDirectory(client, "T1").members(SRE)


def test_a_group_without_a_source_is_down_too(fake: Fake) -> None:
    """A8: an unset list is not an open one."""
    with pytest.raises(DirectoryDown):
        SlackDirectory(fake[1], "T1").members({"sre": {}})


def test_an_unreachable_slack_is_a_directory_that_is_down() -> None:
    """A8."""
    with pytest.raises(DirectoryDown):
        SlackDirectory(WebClient("x", base_url="http://127.0.0.1:9/api/", retry_handlers=[]), "T1").is_person(
            Actor(team_id="T1", user_id="U1")
        )


@pytest.mark.parametrize(
    ("flags", "person"),
    [
        ({}, True),
        ({"deleted": True}, False),
        ({"is_bot": True}, False),
        ({"is_restricted": True}, False),
        ({"is_ultra_restricted": True}, False),
        ({"is_stranger": True}, False),
        ({"team_id": "T2"}, False),
        ({"id": "U2"}, False),
    ],
)
def test_only_a_living_full_member_is_a_person(fake: Fake, flags: dict[str, object], person: bool) -> None:
    """A4: no bot, no guest, nobody who left, nobody of another workspace turns a key."""
    slack, client = fake
    slack.answers["users.info"] = {"ok": True, "user": {"id": "U1", "team_id": "T1", **flags}}
    assert SlackDirectory(client, "T1").is_person(Actor(team_id="T1", user_id="U1")) is person


def test_nobody_of_another_team_is_a_person(fake: Fake) -> None:
    """A4: the same user id in another workspace is somebody else."""
    assert not SlackDirectory(fake[1], "T1").is_person(Actor(team_id="T2", user_id="U1"))


def test_a_user_that_slack_does_not_know_is_no_person(fake: Fake) -> None:
    slack, client = fake
    slack.answers["users.info"] = {"ok": False, "error": "user_not_found"}
    assert not SlackDirectory(client, "T1").is_person(Actor(team_id="T1", user_id="U1"))


def test_a_name_is_remembered_and_an_unknown_one_is_the_id(fake: Fake) -> None:
    slack, client = fake
    slack.answers["users.info"] = {"ok": True, "user": {"id": "U1", "name": "ana", "profile": {"display_name": ""}}}
    names = Names(client)
    assert names.of(["U1"]) == names.of(["U1"]) == {"U1": "ana"}
    assert slack.asked == ["users.info"]
    slack.answers["users.info"] = {"ok": False, "error": "user_not_found"}
    assert names.of(["U2"]) == {"U2": "U2"}
