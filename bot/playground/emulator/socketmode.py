"""Socket Mode: one-shot addresses, envelopes to one connection each, acknowledgements, faults of the link."""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from aiohttp import WSMessage, WSMsgType, web

from bot.playground import cast
from bot.playground.emulator.delivery import Ack, Failure, Kind, Retry
from bot.playground.emulator.wire import ApiError, Json

MAX_CONNECTIONS = 10  # docs.slack.dev, "Socket Mode": up to 10 open connections of one app
REFRESH_SECONDS = 3600  # what hello announces
WARNING_GRACE = 10.0  # seconds between a warning and the end of a connection
SILENCE_LIMIT = 120.0  # seconds after which a silent connection is given up


@dataclass(eq=False)
class Connection:
    """One websocket of the bot."""

    socket: web.WebSocketResponse
    request: web.Request
    silent: bool = False
    leaving: bool = False
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, frame: Json) -> None:
        """Nothing leaves a silent connection; nobody is told."""
        if not self.silent:
            await self.socket.send_str(json.dumps(frame))

    def abort(self) -> None:
        """Cut the TCP connection without a word."""
        if self.request.transport is not None:
            self.request.transport.abort()


@dataclass
class _Waiting:
    connection: Connection
    answer: asyncio.Future[Ack | Failure]


class SocketMode:
    """The bot's connections; a `Transport`."""

    def __init__(self, ack_timeout: float, warning_grace: float = WARNING_GRACE) -> None:
        self._ack_timeout, self._grace = ack_timeout, warning_grace
        self._tickets: set[str] = set()
        self._connections: list[Connection] = []
        self._waiting: dict[str, _Waiting] = {}
        self._turn = count()
        self._anybody = asyncio.Event()
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """How many are open, silent ones included."""
        return len(self._connections)

    def open(self, host: str) -> str:
        """A websocket address that is good for one connection."""
        ticket = secrets.token_urlsafe(24)
        self._tickets.add(ticket)
        return f"ws://{host}/link/?ticket={ticket}&app_id={cast.APP_ID}"

    # -- the bot's side ------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The websocket endpoint."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.json_response(ApiError("invalid_auth").body(), status=401)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False, autoclose=False, max_msg_size=16 * 1024 * 1024)
        await socket.prepare(request)
        connection = Connection(socket, request)
        if len(self._connections) >= MAX_CONNECTIONS:
            await connection.send({"type": "disconnect", "reason": "too_many_websockets", "debug_info": _debug()})
            await socket.close()
            return socket
        self._connections.append(connection)
        try:
            await connection.send(self._hello())
            self._count()
            await self._listen(connection)
        finally:
            self._forget(connection)
        return socket

    async def _listen(self, connection: Connection) -> None:
        while True:
            message: WSMessage = await connection.socket.receive()
            if connection.silent:
                if message.type is not WSMsgType.TEXT and message.type is not WSMsgType.PING:
                    await self._stay_silent(connection)
                    return
                continue
            if message.type is WSMsgType.PING:
                await connection.socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                self._acknowledge(message.data)
            elif message.type is not WSMsgType.PONG:
                await connection.socket.close()
                return

    async def _stay_silent(self, connection: Connection) -> None:
        """A half-open link does not answer a farewell either."""
        with suppress(TimeoutError):
            await asyncio.wait_for(connection.closed.wait(), SILENCE_LIMIT)

    def _acknowledge(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            return
        waiting = self._waiting.pop(frame.get("envelope_id", ""), None) if isinstance(frame, dict) else None
        if waiting is not None and not waiting.answer.done():
            payload = frame.get("payload")
            waiting.answer.set_result(Ack(payload if isinstance(payload, dict) and payload else None))

    def _ready(self) -> list[Connection]:
        return [one for one in self._connections if not one.leaving]

    def _count(self) -> None:
        if self._ready():
            self._anybody.set()
        else:
            self._anybody.clear()

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "connection_info": {"app_id": cast.APP_ID},
            "debug_info": _debug(),
        }

    def _forget(self, connection: Connection) -> None:
        connection.closed.set()
        if connection in self._connections:
            self._connections.remove(connection)
        self._count()
        for waiting in [one for one in self._waiting.values() if one.connection is connection]:
            if not waiting.answer.done():
                waiting.answer.set_result(Failure("connection_failed"))

    # -- Slack's side --------------------------------------------------------------------------

    async def reachable(self) -> None:
        await self._anybody.wait()

    async def deliver(self, kind: Kind, payload: Json, retry: Retry | None) -> Ack | Failure:
        """One envelope to one connection; they take turns."""
        ready = self._ready()
        if not ready:
            return Failure("connection_failed")
        connection = ready[next(self._turn) % len(ready)]
        envelope_id = secrets.token_hex(16)
        waiting = _Waiting(connection, asyncio.get_running_loop().create_future())
        self._waiting[envelope_id] = waiting
        try:
            async with asyncio.timeout(self._ack_timeout):
                await connection.send(_envelope(envelope_id, kind, payload, retry))
                return await waiting.answer
        except TimeoutError:
            return Failure("timeout")
        except ConnectionError:
            return Failure("connection_failed")
        finally:
            self._waiting.pop(envelope_id, None)

    # -- faults --------------------------------------------------------------------------------

    async def disconnect(self, reason: str) -> None:
        """Announce the end of every connection, and end it after its time of grace."""
        for connection in list(self._connections):
            connection.leaving = True
            self._count()
            with suppress(ConnectionError):
                await connection.send({"type": "disconnect", "reason": reason, "debug_info": _debug()})
            grace = self._grace if reason == "warning" else min(self._grace, 1.0)
            task = asyncio.create_task(self._end(connection, grace))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def silence(self, silent: bool) -> None:
        """Make today's connections half-open: the bot's words are not read, nothing is said. Or end that."""
        for connection in self._connections:
            connection.silent = silent

    def reset(self) -> None:
        """Cut every TCP connection."""
        for connection in self._connections:
            connection.abort()

    async def close(self) -> None:
        """The emulator stops."""
        for task in self._ending:
            task.cancel()
        for connection in list(self._connections):
            connection.closed.set()
            connection.abort()

    async def _end(self, connection: Connection, grace: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(connection.closed.wait(), grace)
        connection.abort()


def _debug() -> Json:
    return {"host": "playground", "build_number": 1, "approximate_connection_time": REFRESH_SECONDS}


def _envelope(envelope_id: str, kind: Kind, payload: Json, retry: Retry | None) -> Json:
    envelope: Json = {
        "envelope_id": envelope_id,
        "type": kind,
        "accepts_response_payload": _accepts_answer(kind, payload),
        "payload": payload,
    }
    if kind == "events_api":
        envelope["retry_attempt"] = retry.attempt if retry else 0
        envelope["retry_reason"] = retry.reason if retry else ""
    return envelope


def _accepts_answer(kind: Kind, payload: Json) -> bool:
    if kind == "interactive":
        return payload.get("type") in {"view_submission", "block_suggestion"}
    return kind == "slash_commands"
