"""The two sides of the emulator in tests: people at the control API, and a bot on a bare websocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType
from slack_sdk.web.async_client import AsyncWebClient

from actions.clock import ManualClock
from bot.playground import cast
from bot.playground.emulator import Emulator
from bot.playground.emulator.wire import Json
from tests.waiting import within


@dataclass
class Running:
    """An emulator that answers."""

    emulator: Emulator
    clock: ManualClock
    url: str

    @property
    def api(self) -> str:
        return self.url + "/api/"


@dataclass
class People:
    """What people do, over HTTP as the page does it."""

    session: ClientSession
    url: str

    async def do(self, deed: str, **body: object) -> tuple[int, Json]:
        async with self.session.post(f"{self.url}/emulator/{deed}", json=body) as response:
            return response.status, await response.json()

    async def ok(self, deed: str, **body: object) -> Json:
        status, answer = await self.do(deed, **body)
        assert status == 200 and answer["ok"], answer
        return answer

    async def say(self, text: str, user: str = "ana", channel: str = "#ops", **more: object) -> Json:
        return await self.ok("messages", user=user, channel=channel, text=text, **more)

    async def state(self) -> Json:
        async with self.session.get(f"{self.url}/emulator/state") as response:
            body: Json = await response.json()
            return body

    async def messages(self, channel: str = "C0OPS") -> list[Json]:
        return [one for one in (await self.state())["messages"] if one["channel"] == channel]


@dataclass
class Socket:
    """One bare Socket Mode connection; acknowledges only what a test tells it to."""

    ws: ClientWebSocketResponse
    frames: list[Json] = field(default_factory=list)
    pongs: list[bytes] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    answers: dict[str, Json | None] = field(default_factory=dict)  # payload type -> what to acknowledge it with

    async def read(self) -> None:
        """Keeps every frame until the connection ends."""
        async for message in self.ws:
            if message.type is WSMsgType.PONG:
                self.pongs.append(message.data)
            elif message.type is WSMsgType.TEXT:
                await self._take(json.loads(message.data))
        self.ended.set()

    async def _take(self, frame: Json) -> None:
        self.frames.append(frame)
        kind = frame.get("payload", {}).get("type", frame["type"])
        if kind in self.answers:
            await self.acknowledge(frame, self.answers[kind])

    async def acknowledge(self, frame: Json, payload: Json | None = None) -> None:
        body: Json = {"envelope_id": frame["envelope_id"]}
        await self.ws.send_str(json.dumps(body if payload is None else {**body, "payload": payload}))

    def envelopes(self) -> list[Json]:
        return [frame for frame in self.frames if "envelope_id" in frame]

    def events(self, kind: str) -> list[Json]:
        return [one for one in self.envelopes() if one["payload"].get("event", {}).get("type") == kind]

    def interactions(self) -> list[Json]:
        return [one for one in self.envelopes() if one["type"] != "events_api"]

    async def next(self, number: int = 1) -> Json:
        """The envelope of this number, counted from 1."""
        await within(lambda: len(self.envelopes()) >= number)
        return self.envelopes()[number - 1]

    async def interaction(self, number: int = 1) -> Json:
        """The interaction or command of this number, counted from 1; events do not count."""
        await within(lambda: len(self.interactions()) >= number)
        return self.interactions()[number - 1]


@asynccontextmanager
async def socket(running: Running, **answers: Json | None) -> AsyncIterator[Socket]:
    """A connection that has said hello."""
    app = AsyncWebClient(cast.APP_TOKEN, base_url=running.api)
    opened = await app.apps_connections_open(app_token=cast.APP_TOKEN)
    async with ClientSession() as session:
        # A link that a test has silenced answers no goodbye.
        ws = await session.ws_connect(str(opened["url"]), autoping=False, timeout=ClientWSTimeout(ws_close=0.5))
        made = Socket(ws, answers=answers)
        reader = asyncio.create_task(made.read())
        try:
            await within(lambda: len(made.frames) >= 1)
            yield made
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            await ws.close()


def section(text: str = "hello", **more: object) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(text: str = "Go", action_id: str = "go", **more: object) -> Json:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, "action_id": action_id, **more}


def actions(*elements: Json, **more: object) -> Json:
    return {"type": "actions", "elements": list(elements), **more}


def modal(*blocks: Json, title: str = "Reason", **more: object) -> Json:
    view: Json = {"type": "modal", "callback_id": "why", "title": {"type": "plain_text", "text": title}}
    return {**view, "submit": {"type": "plain_text", "text": "Send"}, "blocks": list(blocks), **more}


def question(block_id: str = "reason", action_id: str = "text", **more: object) -> Json:
    element = {"type": "plain_text_input", "action_id": action_id}
    label = {"type": "plain_text", "text": "Why?"}
    return {"type": "input", "block_id": block_id, "label": label, "element": element, **more}
