"""The Slack side of the program: takes in events over Socket Mode or HTTP, and keeps the cards."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from aiohttp import ClientSession, web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from actions.errors import ConfigError
from approvals.store import StoreDown
from bot import slack
from bot.announcing import Announcing
from bot.inbox import Inbox
from bot.listeners import clicks, commands, delivery, events, everything_else, views
from bot.listeners.apology import Apologies
from bot.listeners.desk import Desk
from bot.projector import Projector
from bot.settings import Settings
from bot.slack import Identity

PING = 3.0  # seconds; a silent link is noticed within two of them (S6)
ENOUGH = 10.0  # seconds that work under way is given at the end
PATH = "/slack/events"
BEAT = 5.0  # seconds; a gateway that misses a few is taken for dead, and its work is done by another

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gateway:
    """Made anew for each run of the program, once it is known who we are."""

    settings: Settings
    identity: Identity
    desk: Desk
    inbox: Inbox
    projector: Projector
    session: ClientSession  # of the desk's client; closed when the run ends
    announcing: Announcing

    async def run(self, stop: asyncio.Event, http_port: int | None, connected: asyncio.Event) -> None:
        """Serve until `stop`; `connected` is set once events arrive. Raises ConfigError where they cannot."""
        app = self._app()
        projecting = asyncio.create_task(self.projector.run(stop), name="cards")
        try:
            link = self._http(app, http_port) if http_port is not None else self._socket(app, stop)
            async with link:
                await self._beat()
                connected.set()
                while not await self._stops_within(stop, BEAT):
                    await self._beat()
        finally:
            stop.set()
            await self.desk.leave(ENOUGH)
            await self._leave()
            await projecting
            await self.session.close()

    def _app(self) -> AsyncApp:
        """Bolt, told who we are instead of asking for every first event."""
        result = slack.authorize_result(self.settings, self.identity)

        async def authorize() -> AuthorizeResult:
            return result

        app = AsyncApp(
            name="twokey",
            logger=slack.log,
            client=slack.async_client(self.settings, token=False),
            authorize=authorize,
            signing_secret="",  # HTTP requests are verified before they come here
            request_verification_enabled=False,
        )
        excuse = Apologies(self.desk.client, self.desk.work).make
        app.middleware(delivery.middleware(self.inbox, self.identity.user_id, excuse))
        for room in (events, commands, clicks, views):
            room.register(app, self.desk)
        everything_else.register(app)
        return app

    @contextlib.asynccontextmanager
    async def _socket(self, app: AsyncApp, stop: asyncio.Event) -> AsyncIterator[None]:
        token = self.settings.slack_app_token
        if token is None:
            raise ConfigError("SLACK_APP_TOKEN is not set: Socket Mode needs an app-level token (xapp-…).")
        client = slack.async_client(self.settings, token=False)
        handler = _Link(app, token.get_secret_value(), logger=slack.log, web_client=client, ping_interval=PING)
        handler.bot_user_id = self.identity.user_id
        handler.client.proxy = client.proxy
        try:
            # The SDK would ask without end, also with a token that Slack refuses; at first it is handed the answer.
            handler.client.wss_uri = await slack.socket_url(client, token.get_secret_value())
            connecting = asyncio.create_task(handler.connect_async())  # type: ignore[no-untyped-call]  # Bolt's
            await _first_of(connecting, stop)
            yield
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped

    @contextlib.asynccontextmanager
    async def _http(self, app: AsyncApp, port: int) -> AsyncIterator[None]:
        secret = self.settings.slack_signing_secret
        if secret is None:
            raise ConfigError("SLACK_SIGNING_SECRET is not set: HTTP mode needs it to know Slack's requests.")
        server = web.Application(client_max_size=1 << 20)
        server.router.add_post(PATH, _endpoint(app, SignatureVerifier(secret.get_secret_value())))
        runner = web.AppRunner(server, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, None, port).start()
        except OSError as error:
            await runner.cleanup()
            raise ConfigError(f"Port {port} cannot be listened on: {error.strerror}.") from None
        try:
            yield
        finally:
            await runner.cleanup()

    async def _stops_within(self, stop: asyncio.Event, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
        return stop.is_set()

    async def _beat(self) -> None:
        """Say that this process lives, and do what one that does not had in hand. A store that is down comes back."""
        try:
            await asyncio.to_thread(self.inbox.beat)
            await self._take_up_left_over()
        except StoreDown as error:
            _log.warning("what other gateways left is not looked after: %s", error.say)

    async def _leave(self) -> None:
        with contextlib.suppress(StoreDown):
            await asyncio.to_thread(self.inbox.leave)

    async def _take_up_left_over(self) -> None:
        """What another process acknowledged and did not finish (S2)."""
        for key, body in await asyncio.to_thread(self.inbox.left_over):
            if "event" in body:
                self.desk.work.start(events.handle(self.desk, key, body), key)
            elif "command" in body:
                self.desk.work.start(commands.handle(self.desk, key, body), key)
            else:
                await self.desk.close(key)


class _Link(AsyncSocketModeHandler):
    """Bolt's, which is spared what needs no more than an acknowledgement."""

    bot_user_id = ""

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]  # Bolt's own differs, too
        if delivery.idle(req.payload, self.bot_user_id):
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))
        else:
            await super().handle(client, req)


async def _first_of(work: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Wait for the work, or until it is to stop."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in (work, stopping):
        task.cancel()
    if work.done() and not work.cancelled():
        work.result()


def _endpoint(app: AsyncApp, verifier: SignatureVerifier) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        if not _genuine(verifier, body, request):
            return web.Response(status=401, text="the signature does not match")
        try:
            asked = await to_bolt_request(request)
        except (ValueError, AttributeError, TypeError):  # Bolt takes every body for an object
            return web.Response(status=400, text="this is no payload of Slack's")
        return await to_aiohttp_response(await app.async_dispatch(asked))

    return receive


def _genuine(verifier: SignatureVerifier, body: bytes, request: web.Request) -> bool:
    """The SDK's verifier raises on odd headers and bodies; those are not Slack's."""
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    try:
        return timestamp.isdecimal() and verifier.is_valid(body, timestamp, signature)
    except (ValueError, TypeError):
        return False
