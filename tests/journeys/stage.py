"""A whole playground with the real program in it, driven over the wire by people."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import requests

from actions.clock import Clock, ManualClock
from bot import serving, settings
from bot.app import Program, Role, build
from bot.playground.demo import Addresses, playground
from bot.playground.emulator import Emulator
from bot.playground.town.server import Town
from tests.waiting import PATIENCE, until

Json = dict[str, Any]
T = TypeVar("T")


class Running:
    """The program in a thread of its own, as `twokey serve` runs it."""

    def __init__(self, addresses: Addresses, clock: Clock, role: Role = "all", **environ: str) -> None:
        self._environ = {**addresses.environ(), **environ}
        self._clock, self._role = clock, role
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self.program: Program
        self._thread = threading.Thread(target=self._run, name="twokey", daemon=True)

    def start(self) -> Running:
        self._thread.start()
        if not self._ready.wait(PATIENCE):
            raise AssertionError("the program did not get ready")
        if self._error:
            raise self._error
        return self

    def stop(self) -> None:
        if self._loop and self._stop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the program did not stop"

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._error = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.program = build(settings.load(self._environ), self._clock)
        await serving.serve(self.program, self._role, self._stop, on_ready=self._ready.set)


@dataclass
class Stage:
    """What a journey acts on."""

    addresses: Addresses
    emulator: Emulator
    town: Town
    clock: Clock
    running: Running

    def pass_time(self, seconds: float) -> None:
        """Let this much time pass for everything here."""
        assert isinstance(self.clock, ManualClock)
        self.clock.advance(seconds)

    # -- what people do ------------------------------------------------------------------------

    def say(self, user: str, text: str, channel: str = "#ops", thread_ts: str | None = None) -> str:
        """Somebody writes; the timestamp of their message."""
        body = {"user": user, "channel": channel, "text": text, "thread_ts": thread_ts}
        return str(self.post("messages", **body)["ts"])

    def click(self, user: str, message: Json, action_id: str, value: str | None = None) -> Json:
        """Somebody presses a button or chooses from a menu of a message."""
        body: Json = {"user": user, "channel": message["channel"], "message_ts": message["ts"], "action_id": action_id}
        return self.post("actions", **body, **({} if value is None else {"value": value}))

    def post(self, deed: str, **body: Any) -> Json:
        """The control API; what it answers, refusals included."""
        answer = requests.post(f"{self.addresses.url}/emulator/{deed}", json=body, timeout=PATIENCE)
        found: Json = answer.json()
        return found

    # -- what people see -----------------------------------------------------------------------

    def state(self) -> Json:
        found: Json = requests.get(f"{self.addresses.url}/emulator/state", timeout=PATIENCE).json()
        return found

    def bot_messages(self, channel: str | None = None) -> list[Json]:
        """What the bot has said so far, oldest first, ephemeral messages included."""
        state = self.state()
        wanted = {c["id"] for c in state["channels"] if channel in (None, f"#{c['name']}", c["id"])}
        return [m for m in state["messages"] if m["user"] == state["bot_user_id"] and m["channel"] in wanted]

    def see(self, wanted: Callable[[Json], bool], what: str, channel: str | None = None) -> Json:
        """The newest message of the bot that fits, as soon as there is one."""

        def newest() -> Json | None:
            return next((m for m in reversed(self.bot_messages(channel)) if wanted(m)), None)

        found = self.until(newest, what)
        assert found is not None
        return found

    def see_text(self, *parts: str, channel: str | None = None) -> Json:
        """The newest message of the bot in which all of these stand, wherever in it."""
        return self.see(lambda m: all(part in words(m) for part in parts), f"a message with {parts}", channel)

    def until(self, probe: Callable[[], T], what: str) -> T:
        """What the probe gives once it gives something; fails with what was seen instead."""
        return until(probe, what, lambda: "; the bot said:\n" + "\n".join(f"- {words(m)}" for m in self.bot_messages()))


def words(message: Json) -> str:
    """Everything readable of a message: its fallback text and every text of its blocks and attachments."""
    found = [str(message.get("text", ""))]

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key in ("text", "value", "alt_text", "title") and isinstance(inner, str):
                    found.append(inner)
                else:
                    walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(message.get("blocks", []))
    walk(message.get("attachments", []))
    walk([{"title": f.get("title"), "alt_text": f.get("alt_text")} for f in message.get("files", [])])
    return " | ".join(found)


def buttons(message: Json) -> dict[str, Json]:
    """Every button, menu and field of a message by its action id."""
    found: dict[str, Json] = {}

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "action_id" in value:
                found[str(value["action_id"])] = value
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(message.get("blocks", []))
    walk(message.get("attachments", []))
    return found


def _unhurried(suites: Path) -> None:
    """How long the town's model takes to answer tells of the machine alone, so no answer fails by that."""
    for file in suites.glob("*.yaml"):
        file.write_text(file.read_text().replace("threshold: 5000}", "threshold: 600000}"))


@contextmanager
def stage(folder: Path, clock: Clock | None = None, **environ: str) -> Iterator[Stage]:
    """A playground on a driven clock, with the program in it."""
    clock = clock or ManualClock()
    with playground(folder, clock=clock, ack_timeout=PATIENCE / 2) as (addresses, emulator, town):
        _unhurried(folder / "evals")
        running = Running(addresses, clock, "all", **environ).start()
        found = Stage(addresses, emulator, town, clock, running)
        try:
            yield found
        finally:
            found.running.stop()
