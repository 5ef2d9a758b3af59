"""Who is in a group and who is a person, asked of Slack each time (A3, A4, A8)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from slack_sdk import WebClient
from typer.testing import CliRunner

from actions.clock import ManualClock
from approvals.actor import Actor, DirectoryDown
from bot.cli import policy
from bot.people import Names, SlackDirectory
from bot.playground.demo import HERE
from bot.playground.host import Host


class FakeSlack:
    """Answers each method with what the test put there, over the wire."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"auth.test": {"ok": True, "team_id": "T1", "user_id": "UBOT"}}
        self.status = 200
        self.asked: list[str] = []
        self.limited, self.retry_after = 0, "30"

    async def answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.asked.append(method)
        if self.limited:
            self.limited -= 1
            refusal = {"ok": False, "error": "ratelimited"}
            return web.json_response(refusal, status=429, headers={"Retry-After": self.retry_after})
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


def test_several_groups_are_one_question(fake: Fake) -> None:
    """A3: as live as one by one, and within the 20 questions a minute that Slack takes."""
    slack, client = fake
    slack.answers["usergroups.list"] = {
        "ok": True,
        "usergroups": [{"id": "S1", "users": ["U1"]}, {"id": "S2", "users": ["U1", "U2"]}, {"id": "S3", "users": []}],
    }
    found = SlackDirectory(client, "T1").members(BOTH)
    assert found == {"sre": frozenset({actor("U1")}), "engineers": frozenset({actor("U1"), actor("U2")})}
    assert slack.asked == ["usergroups.list"]


@pytest.mark.parametrize(
    "listed",
    [
        {"ok": False, "error": "unknown_method"},
        {"ok": True, "usergroups": [{"id": "S1", "handle": "sre"}]},
        {"ok": True, "usergroups": [{"id": "S1", "users": ["U9"], "date_delete": 1}]},
        {"ok": True},
    ],
    ids=["no such method", "without users", "switched off", "nothing"],
)
def test_what_the_list_does_not_say_is_asked_one_by_one(fake: Fake, listed: object) -> None:
    """A8: what is missing in the list never counts as empty, nor as what it was."""
    slack, client = fake
    slack.answers["usergroups.list"] = listed
    slack.answers["usergroups.users.list"] = {"ok": True, "users": ["U2"]}
    found = SlackDirectory(client, "T1").members(BOTH)
    assert found == dict.fromkeys(BOTH, frozenset({actor("U2")}))
    slack.answers["usergroups.users.list"] = {"ok": False, "error": "no_such_subteam"}
    with pytest.raises(DirectoryDown, match=r"Slack has no user group S\w+\. Correct its id"):
        SlackDirectory(client, "T1").members(BOTH)


def test_a_moment_of_patience_is_given_and_no_more(fake: Fake) -> None:
    """S7, A8: a short Retry-After is honoured once; a long one fails closed at once."""
    slack, client = fake
    slack.limited, slack.retry_after = 1, "1"
    slack.answers["usergroups.users.list"] = {"ok": True, "users": ["U1"]}
    assert SlackDirectory(client, "T1").members(SRE) == {"sre": frozenset({actor("U1")})}
    slack.limited, slack.retry_after = 1, "3"
    with pytest.raises(DirectoryDown):
        SlackDirectory(client, "T1").members(SRE)


def test_who_is_limited_asks_no_more_before_slack_wishes(fake: Fake) -> None:
    """A8: asking on keeps the limit up, and then nobody can approve anything; other questions are answered."""
    slack, client = fake
    clock = ManualClock()
    directory = SlackDirectory(client, "T1", clock)
    slack.limited, slack.retry_after = 1, "30"
    slack.answers["usergroups.users.list"] = {"ok": True, "users": ["U1"]}
    slack.answers["usergroups.list"] = {"ok": True, "usergroups": []}
    for _ in range(10):
        with pytest.raises(DirectoryDown):
            directory.members(SRE)
        clock.advance(2.9)
    assert slack.asked == ["usergroups.users.list"]
    clock.advance(2)
    assert directory.members(SRE) == {"sre": frozenset({actor("U1")})}
    slack.limited = 1
    assert directory.members(BOTH)["sre"], "the list is refused, and each is asked for by itself"
    assert directory.members(BOTH)["sre"]
    assert slack.asked[2:] == ["usergroups.list", *["usergroups.users.list"] * 4]


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


def test_whom_slack_does_not_know_is_not_taken_for_somebody_without_rights(fake: Fake, tmp_path: Path) -> None:
    """`twokey policy explain --as ana`: a name is no id, and that is what is said."""
    slack, client = fake
    slack.answers["usergroups.list"] = {
        "ok": True,
        "usergroups": [{"id": name, "users": ["U1"]} for name in ("S0ENGINEERS", "S0SRE", "S0PAYMENTS")],
    }
    slack.answers["users.info"] = {"ok": False, "error": "user_not_found"}
    files = {"TWOKEY_CATALOG": HERE / "catalog.yaml", "TWOKEY_POLICY": HERE / "policy.yaml"}
    environ = {"SLACK_API_URL": client.base_url, "SLACK_BOT_TOKEN": "xoxb-1", **{k: str(v) for k, v in files.items()}}
    call = ["explain", "--live", "--as", "ana", "restart cart in prod"]
    said = CliRunner().invoke(policy.app, call, env=environ | {"TWOKEY_DATABASE_URL": f"sqlite:///{tmp_path}/t.db"})
    assert "Slack knows nobody by the id ana." in str(said.exception)
