"""The real program over the wire of the emulated Slack; only the hands that would touch a cluster are doubles."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout
from aiohttp.typedefs import Middleware

from actions.clock import ManualClock
from actions.outcome import Outcome
from bot import serving, settings
from bot.app import Program, Role, build
from bot.playground import cast
from bot.playground.emulator import Emulator
from bot.playground.host import Host
from tests.approvals.doubles import Hands
from tests.waiting import PATIENCE

HERE = Path(__file__).parents[2] / "bot" / "playground"
ACKNOWLEDGED = 30.0  # seconds for which the people's Slack waits for an acknowledgement; the real one for three

Json = dict[str, Any]


@dataclass
class Scene:
    """Slack with its people, and the program as often as it is started."""

    emulator: Emulator
    url: str
    folder: Path
    session: ClientSession
    clock: ManualClock = field(default_factory=ManualClock)
    hands: Hands = field(default_factory=Hands)
    policy: Path = HERE / "policy.yaml"
    more: dict[str, str] = field(default_factory=dict)  # other settings

    @asynccontextmanager
    async def program(self, role: Role = "all", http_port: int | None = None) -> AsyncIterator[Program]:
        """The program, until the block ends; as often as a test wants to restart it."""
        async with self.served(role, http_port) as programs:
            yield programs[0]

    @asynccontextmanager
    async def served(self, role: Role = "all", http_port: int | None = None) -> AsyncIterator[list[Program]]:
        """As `twokey serve` runs it: the programs that followed one another; the last one is at work."""
        programs = [build(self.settings(), self.clock, self.hands)]
        stop, ready = asyncio.Event(), asyncio.Event()
        work = serving.serve(programs[0], role, stop, http_port, ready.set, programs.append)
        async with at_work(work, stop, ready):
            yield programs

    def held(self) -> threading.Event:
        """From now on a run goes on from its effect only when this is set."""
        release, real = threading.Event(), self.hands.execute

        def execute(*args: object) -> Outcome:
            outcome = real(*args)  # type: ignore[arg-type]
            release.wait(PATIENCE)
            return outcome

        self.hands.execute = execute  # type: ignore[method-assign,assignment]
        return release

    def settings(self) -> settings.Settings:
        """As `twokey serve` would read them."""
        return settings.load(
            {
                "SLACK_BOT_TOKEN": cast.BOT_TOKEN,
                "SLACK_APP_TOKEN": cast.APP_TOKEN,
                "SLACK_SIGNING_SECRET": cast.SIGNING_SECRET,
                "SLACK_API_URL": f"{self.url}/api/",
                "TWOKEY_CATALOG": str(HERE / "catalog.yaml"),
                "TWOKEY_POLICY": str(self.policy),
                "TWOKEY_DATABASE_URL": f"sqlite:///{self.folder / 'twokey.db'}",
                **self.more,
            }
        )

    async def post(self, deed: str, **body: Any) -> Json:
        """The control API; what it answers, refusals included."""
        async with self.session.post(f"{self.url}/emulator/{deed}", json=body) as answer:
            found: Json = await answer.json()
            return found

    async def say(self, user: str, text: str, channel: str = "#ops", **more: Any) -> str:
        """Somebody writes; the time stamp of their message."""
        return str((await self.post("messages", user=user, channel=channel, text=text, **more))["ts"])

    async def click(self, user: str, message: Json, action_id: str, value: str | None = None) -> Json:
        """Somebody presses a button of a message."""
        body = {"user": user, "channel": message["channel"], "message_ts": message["ts"], "action_id": action_id}
        return await self.post("actions", **body, **({} if value is None else {"value": value}))

    async def state(self) -> Json:
        async with self.session.get(f"{self.url}/emulator/state") as answer:
            found: Json = await answer.json()
            return found

    async def bots(self) -> list[Json]:
        """What the bot said, oldest first."""
        return [m for m in (await self.state())["messages"] if m["user"] == cast.BOT_USER_ID]

    async def until(self, wanted: Callable[[Json], bool], what: str) -> Json:
        """The state, as soon as it is as wanted."""
        deadline = time.monotonic() + PATIENCE
        state: Json = {}
        while time.monotonic() < deadline:
            state = await self.state()
            if wanted(state):
                return state
            await asyncio.sleep(0.02)
        said = "\n".join(str(m["text"]) for m in state.get("messages", []))
        raise AssertionError(f"never saw {what}; there was:\n{said}")

    async def see(self, *parts: str, channel: str | None = None) -> Json:
        """The newest message of the bot with these parts anywhere in it."""

        def newest(state: Json) -> Json | None:
            return next(
                (
                    m
                    for m in reversed(state["messages"])
                    if m["user"] == cast.BOT_USER_ID
                    and channel in {None, m["channel"]}
                    and all(p in json.dumps(m, ensure_ascii=False) for p in parts)
                ),
                None,
            )

        found = newest(await self.until(lambda state: newest(state) is not None, f"a message with {parts}"))
        assert found is not None
        return found

    async def view(self, user: str, kind: str = "modal") -> Json:
        """The person's open modal, or Home."""

        def top(state: Json) -> Json | None:
            return next((v for v in reversed(state["views"]) if v["user"] == user and v["type"] == kind), None)

        found = top(await self.until(lambda state: top(state) is not None, f"a {kind} of {user}"))
        assert found is not None
        return found


@asynccontextmanager
async def at_work(work: Coroutine[Any, Any, None], stop: asyncio.Event, ready: asyncio.Event) -> AsyncIterator[None]:
    """From when it is ready, or ended with what it raises, until the block ends and `stop` is set."""
    task, waiting = asyncio.create_task(work), asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when="FIRST_COMPLETED", timeout=PATIENCE)
    waiting.cancel()
    try:
        if task.done():
            task.result()
        yield
    finally:
        stop.set()
        await task


@asynccontextmanager
async def scene(folder: Path, *ahead: Middleware, ack_timeout: float = ACKNOWLEDGED) -> AsyncIterator[Scene]:
    """Slack alone, or behind something that answers in its place; the program is started by the test."""
    clock = ManualClock()
    emulator = Emulator(clock, ack_timeout)
    app = emulator.app()
    app.middlewares.extend(ahead)
    with Host(app) as url:
        async with ClientSession(timeout=ClientTimeout(total=PATIENCE)) as session:
            yield Scene(emulator, url, folder, session, clock)


def button_ids(message: Json) -> set[str]:
    """The action ids of everything that can be pressed in a message or view."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "action_id" in value:
                found.add(str(value["action_id"]))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk([message.get("blocks", []), message.get("attachments", [])])
    return found
