"""The control API that the page uses: writing, seeing, following; and the page's own files."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from slack_sdk.web.async_client import AsyncWebClient

from actions.clock import ManualClock
from bot.playground import cast
from bot.playground.emulator import Emulator
from bot.playground.emulator.wire import Json
from bot.playground.host import Host
from tests.emulator.doubles import People, Running


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("@twokey scale checkout", "<@U0TWOKEY> scale checkout"),
        ("@Ana and @ben, see #ops", "<@U0ANA> and <@U0BEN>, see <#C0OPS|ops>"),
        ("ask @sre", "ask <!subteam^S0SRE|@sre>"),
        ("@here look", "<!here> look"),
        ("a < b && b > c", "a &lt; b &amp;&amp; b &gt; c"),
        ("<@U0BEN> is not a mention", "&lt;@U0BEN&gt; is not a mention"),
        ("see https://example.org/a?b=1&c=2.", "see <https://example.org/a?b=1&amp;c=2>."),
        ("mail ana@twokey.example #nowhere @nobody", "mail ana@twokey.example #nowhere @nobody"),
        ("שלום 🚀 @twokey", "שלום 🚀 <@U0TWOKEY>"),
    ],
)
async def test_what_is_typed_becomes_what_slack_sends(people: People, typed: str, sent: str) -> None:
    await people.say(typed)
    assert (await people.messages())[0]["text"] == sent


@pytest.mark.parametrize(
    ("deed", "body", "status", "error"),
    [
        ("messages", {"user": "ana", "channel": "#none", "text": "x"}, 404, "channel_not_found"),
        ("messages", {"user": "nobody", "channel": "#ops", "text": "x"}, 404, "user_not_found"),
        ("messages", {"user": "ana", "channel": "#ops", "text": "  "}, 400, "no_text"),
        ("messages", {"user": "ana", "channel": "#ops", "text": 5}, 400, "invalid_arguments"),
        ("messages", {"user": "ana", "channel": "#ops"}, 400, "invalid_arguments"),
        ("messages", {"user": "ana", "channel": "#ops", "text": "x" * 40_001}, 400, "msg_too_long"),
        ("messages", {"user": "ana", "channel": "D0BEN", "text": "x"}, 400, "not_in_channel"),
        ("messages", {"user": "ana", "channel": "#ops", "text": "x", "thread_ts": "1.0"}, 404, "message_not_found"),
        ("edits", {"user": "ana", "channel": "#ops", "ts": "1.0", "text": "x"}, 404, "message_not_found"),
        ("views", {"user": "ana", "view_id": "V1", "values": []}, 404, "not_found"),
        ("views", {"user": "ana", "view_id": "V1", "values": "x"}, 400, "invalid_values"),
        ("faults", {"gremlins": 3}, 400, "invalid_arguments"),
        ("faults", {"disconnect": "boredom"}, 400, "invalid_arguments"),
        ("faults", {"duplicate": -1}, 400, "invalid_arguments"),
        ("endpoint", {"url": "http://example.org/"}, 400, "invalid_arguments"),
        ("endpoint", {"url": 5}, 400, "invalid_arguments"),
        ("nonsense", {}, 404, "unknown_deed"),
    ],
)
async def test_what_cannot_be_done_is_refused(people: People, deed: str, body: Json, status: int, error: str) -> None:
    answered, answer = await people.do(deed, **body)
    assert (answered, answer["ok"], answer["error"]) == (status, False, error)


async def test_a_body_must_be_a_json_object(running: Running) -> None:
    async with ClientSession() as session:
        for body, content_type in (("{", "application/json"), ("[]", "application/json"), ("user=ana", "text/plain")):
            headers = {"Content-Type": content_type}
            async with session.post(f"{running.url}/emulator/messages", data=body, headers=headers) as response:
                assert response.status == 400


async def test_nobody_edits_what_another_wrote(people: People) -> None:
    sent = await people.say("mine")
    status, answer = await people.do("edits", user="ben", channel="ops", ts=sent["ts"], text="yours")
    assert (status, answer["error"]) == (400, "cant_update_message")


async def test_the_state_shows_people_channels_and_messages(people: People, web: AsyncWebClient) -> None:
    await people.say("hello")
    await web.chat_postEphemeral(channel="C0OPS", user="U0ANA", text="only ana")
    state = await people.state()
    assert state["bot_user_id"] == cast.BOT_USER_ID
    carla = next(one for one in state["users"] if one["name"] == "carla")
    assert carla["groups"] == ["engineers", "sre", "payments-owners"]
    assert [one["is_bot"] for one in state["users"]] == [False] * 4 + [True]
    direct = next(one for one in state["channels"] if one["id"] == "D0ANA")
    assert direct["is_im"] and direct["user"] == "U0ANA"
    assert [one.get("ephemeral_to") for one in state["messages"]] == [None, "U0ANA"]
    assert list(state["messages"][0]) == ["channel", "ts", "user", "text"]


async def test_times_of_messages_are_never_given_twice(people: People) -> None:
    """The clock stands still; the order stays."""
    stamps = [(await people.say(f"{number}"))["ts"] for number in range(20)]
    assert stamps == sorted(set(stamps))
    assert [one["text"] for one in await people.messages()] == [f"{number}" for number in range(20)]


async def test_the_page_follows_what_happens(running: Running, people: People, web: AsyncWebClient) -> None:
    async with ClientSession() as session, session.get(f"{running.url}/emulator/events") as stream:
        assert stream.content_type == "text/event-stream"
        posted = await web.chat_postMessage(channel="C0OPS", text="one")
        await web.chat_update(channel="C0OPS", ts=posted["ts"], text="two")
        await web.chat_delete(channel="C0OPS", ts=posted["ts"])
        seen: list[Json] = []
        while len(seen) < 3:
            line = await stream.content.readline()
            if line.startswith(b"data:"):
                seen.append(json.loads(line[5:]))
    assert [(one["type"], one["text"]) for one in seen] == [
        ("message", "one"),
        ("message_changed", "two"),
        ("message_deleted", "two"),
    ]
    assert {one["ts"] for one in seen} == {posted["ts"]}


async def test_the_page_is_served_with_strict_rules(tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.mkdir()
    for name in ("index.html", "main.js", "style.css", "icon.svg", "notes.py"):
        (page / name).write_text(name)
    (tmp_path / "secret.html").write_text("secret")
    emulator = Emulator(ManualClock(), page=page)
    emulator.town = lambda: {"services": []}
    expected = {"": "text/html", "main.js": "text/javascript", "style.css": "text/css", "icon.svg": "image/svg+xml"}
    with Host(emulator.app()) as url:
        async with ClientSession() as session:
            for name, content_type in expected.items():
                async with session.get(f"{url}/{name}") as response:
                    assert (response.status, response.content_type) == (200, content_type)
                    assert response.headers["Content-Security-Policy"] == (
                        "default-src 'self'; img-src 'self' data:; style-src 'self'"
                    )
            for name in ("notes.py", "none.html", "..%2Fsecret.html", "%2e%2e/secret.html"):
                async with session.get(f"{url}/{name}") as response:
                    assert response.status == 404
            async with session.get(f"{url}/town/state") as response:
                assert await response.json() == {"services": []}


def test_what_is_still_at_work_when_a_host_stops_is_ended() -> None:
    """A task that is only dropped would be complained about when nobody can tell any more whose it was."""
    ended: list[bool] = []

    async def work(begun: asyncio.Event) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    tasks: list[asyncio.Task[None]] = []

    async def begin(_: web.Application) -> None:
        begun = asyncio.Event()
        tasks.append(asyncio.create_task(work(begun)))
        await begun.wait()

    app = web.Application()
    app.on_startup.append(begin)
    with Host(app):
        assert ended == []
    assert (ended, tasks[0].cancelled()) == ([True], True)
