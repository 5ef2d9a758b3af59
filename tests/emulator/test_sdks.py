"""Slack's own SDKs against the emulator: Bolt sync and async, over Socket Mode and over HTTP."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from aiohttp import ClientSession
from aiohttp import web as aioweb
from slack_bolt import Ack, App, Say
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_bolt.context.say.async_say import AsyncSay
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import cast
from bot.playground.emulator.httpmode import sign
from bot.playground.emulator.wire import Json
from bot.playground.host import Host
from tests.emulator.doubles import People, Running, actions, button, modal, question, section, socket
from tests.waiting import within


def listen(app: AsyncApp) -> list[Json]:
    """A small bot: a mention gets a card, its button a modal, the modal an error once; returns what it heard."""
    heard: list[Json] = []

    @app.event("app_mention")
    async def mention(event: Json, say: AsyncSay) -> None:
        heard.append(event)
        blocks = [section("Scale?"), actions(button("Why", "why", value="r1"))]
        await say(text="Scale?", blocks=blocks, thread_ts=event["ts"])

    @app.event(re.compile(".+"))
    async def anything(event: Json) -> None:
        """Acknowledged, so that it does not come again."""

    @app.action("why")
    async def why(ack: AsyncAck, body: Json, client: AsyncWebClient, respond: AsyncRespond) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(question()))
        await respond(text="A window is open.")

    @app.view("why")
    async def submitted(ack: AsyncAck, view: Json) -> None:
        reason = view["state"]["values"]["reason"]["text"]["value"]
        if len(reason) < 5:
            await ack(response_action="errors", errors={"reason": "Say more."})
        else:
            await ack()

    @app.command("/twokey")
    async def command(ack: AsyncAck, command: Json) -> None:
        await ack(f"You said {command['text']}")

    return heard


@asynccontextmanager
async def socket_bot(running: Running) -> AsyncIterator[list[Json]]:
    client = AsyncWebClient(cast.BOT_TOKEN, base_url=running.api)
    app = AsyncApp(client=client)
    heard = listen(app)
    handler = AsyncSocketModeHandler(app, cast.APP_TOKEN, web_client=client, ping_interval=0.5)
    await handler.connect_async()  # type: ignore[no-untyped-call] # slack_bolt leaves it untyped
    try:
        yield heard
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call] # the same
        await client.session.close() if client.session else None


@asynccontextmanager
async def http_bot(running: Running) -> AsyncIterator[list[Json]]:
    app = AsyncApp(client=AsyncWebClient(cast.BOT_TOKEN, base_url=running.api), signing_secret=cast.SIGNING_SECRET)
    heard = listen(app)
    with Host(app.web_app("/slack/events")) as url:
        running.emulator.http_endpoint(f"{url}/slack/events")
        yield heard


@pytest.mark.parametrize("connect", [socket_bot, http_bot], ids=["socket", "http"])
async def test_a_conversation_through_bolt(running: Running, people: People, connect: object) -> None:
    async with connect(running) as heard:  # type: ignore[operator]
        sent = await people.say("@twokey scale checkout to 5 in prod")
        await within(lambda: len(heard) == 1)
        await within(lambda: len(running.emulator.core.workspace.messages("C0OPS")) == 2)
        card = (await people.messages())[1]
        assert card["thread_ts"] == sent["ts"]
        await people.ok("actions", user="ben", channel="ops", message_ts=card["ts"], action_id="why", value="r1")
        await within(lambda: len(running.emulator.core.views.stack("U0BEN")) == 1)
        view = running.emulator.core.views.stack("U0BEN")[0]
        short = await people.ok("views", user="ben", view_id=view.id, values={"reason": "no"})
        assert short["errors"] == {"reason": "Say more."}
        done = await people.ok("views", user="ben", view_id=view.id, values={"reason": "because of load"})
        assert done["response_action"] is None
        await people.ok("commands", user="ana", channel="ops", command="/twokey", text="help")
        said = {"You said help", "A window is open."}
        await within(lambda: said <= {one.text for one in running.emulator.core.workspace.messages("C0OPS")})


@contextmanager
def sync_bot(running: Running) -> Iterator[list[str]]:
    heard: list[str] = []
    app = App(client=WebClient(cast.BOT_TOKEN, base_url=running.api))

    @app.event("message")
    def message(event: Json, say: Say) -> None:
        if not event.get("bot_id"):
            heard.append(event["text"])
            say(f"Heard {event['text']}")

    @app.command("/twokey")
    def command(ack: Ack) -> None:
        ack("At your service")

    handler = SocketModeHandler(app, cast.APP_TOKEN, web_client=app.client, ping_interval=0.5)
    handler.connect()  # type: ignore[no-untyped-call] # the same
    try:
        yield heard
    finally:
        handler.close()  # type: ignore[no-untyped-call] # the same
        app.listener_runner.listener_executor.shutdown(wait=True)


async def test_bolt_sync_with_the_builtin_websocket_client(running: Running, people: People) -> None:
    bot = sync_bot(running)
    heard = await asyncio.to_thread(bot.__enter__)
    try:
        await within(lambda: running.emulator.core.sockets.connections == 1)
        await people.say("hello", channel="@twokey")
        await within(lambda: heard == ["hello"])
        await within(lambda: len(running.emulator.core.workspace.messages("D0ANA")) == 2)
        await people.ok("commands", user="ana", channel="ops", command="/twokey", text="")
        assert (await people.messages())[-1]["text"] == "At your service"
    finally:
        await asyncio.to_thread(bot.__exit__, None, None, None)


@pytest.mark.parametrize("fault", [{"disconnect": "refresh_requested"}, {"disconnect": "warning"}, {"reset": True}])
async def test_bolt_recovers_from_a_broken_link(running: Running, people: People, fault: Json) -> None:
    """S6: after each fault the next mention is answered."""
    async with socket_bot(running) as heard:
        await within(lambda: running.emulator.core.sockets.connections == 1)
        await people.ok("faults", **fault)
        await people.say("@twokey are you there?")
        await within(lambda: len(heard) == 1)


class RequestUrl:
    """A request URL that keeps what it is sent and answers as a test says."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], str]] = []
        self.statuses: list[int] = []
        self.app = aioweb.Application()
        self.app.add_routes([aioweb.post("/", self._take)])

    async def _take(self, request: aioweb.Request) -> aioweb.Response:
        body = await request.text()
        self.requests.append((dict(request.headers), body))
        if '"url_verification"' in body:
            return aioweb.Response(text=re.sub(r'.*"challenge": "([^"]+)".*', r"\1", body))
        return aioweb.Response(status=self.statuses.pop(0) if self.statuses else 200)


async def test_every_request_is_signed_and_the_url_is_verified_first(running: Running, people: People) -> None:
    endpoint = RequestUrl()
    with Host(endpoint.app) as url:
        running.emulator.http_endpoint(url + "/")
        await people.say("hello")
        await within(lambda: len(endpoint.requests) == 2)
        await people.ok("commands", user="ana", channel="ops", command="/twokey", text="help me")
        await within(lambda: len(endpoint.requests) == 3)
    assert '"url_verification"' in endpoint.requests[0][1]
    for headers, body in endpoint.requests:
        timestamp = headers["X-Slack-Request-Timestamp"]
        assert headers["X-Slack-Signature"] == sign(cast.SIGNING_SECRET, timestamp, body)
        assert abs(int(timestamp) - time.time()) < 60
        assert (
            SignatureVerifier(cast.SIGNING_SECRET).generate_signature(timestamp=timestamp, body=body)
            == (headers["X-Slack-Signature"])
        )
    assert endpoint.requests[2][1].startswith("token=") and "text=help+me" in endpoint.requests[2][1]


async def test_a_failed_request_comes_again_with_number_and_reason(running: Running, people: People) -> None:
    """S2 over HTTP."""
    endpoint = RequestUrl()
    endpoint.statuses = [500]
    with Host(endpoint.app) as url:
        running.emulator.http_endpoint(url + "/")
        await people.say("hello")
        await within(lambda: len(endpoint.requests) == 3)
    assert "X-Slack-Retry-Num" not in endpoint.requests[1][0]
    retry = endpoint.requests[2][0]
    assert (retry["X-Slack-Retry-Num"], retry["X-Slack-Retry-Reason"]) == ("1", "http_error")
    assert endpoint.requests[1][1] == endpoint.requests[2][1]


async def test_the_way_to_the_bot_can_be_changed_while_it_runs(running: Running, people: People) -> None:
    endpoint = RequestUrl()
    with Host(endpoint.app) as url:
        await people.ok("endpoint", url=url + "/")
        await people.say("over http")
        await within(lambda: len(endpoint.requests) == 2)
        await people.ok("endpoint", url=None)
        async with socket(running, event_callback=None) as bot:
            await people.say("over the socket")
            assert (await bot.next())["payload"]["event"]["text"] == "over the socket"
    assert len(endpoint.requests) == 2


async def test_a_request_url_that_fails_the_challenge_gets_nothing(running: Running, people: People) -> None:
    app = aioweb.Application()
    seen: list[str] = []

    async def take(request: aioweb.Request) -> aioweb.Response:
        seen.append(await request.text())
        return aioweb.Response(text="no")

    app.add_routes([aioweb.post("/", take)])
    with Host(app) as url:
        running.emulator.http_endpoint(url + "/")
        status, answer = await people.do("commands", user="ana", channel="ops", command="/twokey", text="secret")
    assert (status, answer["reason"]) == (504, "http_error")
    assert all('"url_verification"' in body for body in seen)


async def test_the_session_is_only_for_loopback(running: Running) -> None:
    """A page on another origin, or a name bound to loopback, is turned away."""
    foreign = ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"})
    async with ClientSession() as session:
        for headers in foreign:
            async with session.get(f"{running.url}/emulator/state", headers=headers) as response:
                assert response.status == 403
        async with session.get(f"{running.url}/emulator/state", headers={"Origin": running.url}) as response:
            assert response.status == 200
