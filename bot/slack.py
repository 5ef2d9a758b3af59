"""Slack's clients, pointed at the settings' server, and who we are there."""

from __future__ import annotations

import logging
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import ClientSession, ClientTimeout
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from actions.errors import ConfigError
from bot.kept_client import KeptClient
from bot.settings import Settings
from bot.work import TROUBLE, code_of, passing

TIMEOUT = 20  # seconds for one call

log = logging.getLogger("twokey.slack")
"""Handed to Bolt and the SDK. Only errors: what they warn of at the start (which token wins) is settled in app.py."""
log.setLevel(logging.ERROR)
log.addFilter(lambda record: _in_one_line(record))
log.addHandler(logging.NullHandler())  # commands say in a sentence of their own what went wrong


@dataclass(frozen=True)
class Identity:
    """The bot in its workspace."""

    team_id: str
    user_id: str
    bot_id: str | None
    name: str


def base_url(settings: Settings) -> str:
    """With the slash at its end that the SDK needs."""
    return settings.slack_api_url.rstrip("/") + "/"


def sync_client(settings: Settings) -> WebClient:
    """For questions that threads ask: groups and names. Never retries by itself: a refusal is an answer."""
    client = KeptClient(
        token=_bot_token(settings), base_url=base_url(settings), timeout=TIMEOUT, retry_handlers=[], logger=log
    )
    client.proxy = _proxy(client.proxy, settings)
    return client


def posting_client(settings: Settings) -> WebClient:
    """For what a thread posts: the SDK's own, which sends it once."""
    client = WebClient(
        token=_bot_token(settings), base_url=base_url(settings), timeout=TIMEOUT, retry_handlers=[], logger=log
    )
    client.proxy = _proxy(client.proxy, settings)
    return client


def async_client(settings: Settings, token: bool = True, session: ClientSession | None = None) -> AsyncWebClient:
    """For everything that is posted, over the connections of `session` where one is given.

    Without `token` for Bolt, which is told who we are by `authorize`.
    """
    client = AsyncWebClient(
        token=_bot_token(settings) if token else None,
        base_url=base_url(settings),
        timeout=TIMEOUT,
        retry_handlers=[],
        session=session,
        logger=log,
    )
    client.proxy = _proxy(client.proxy, settings)
    return client


def connections() -> ClientSession:
    """Connections that are kept for the next call. To be made inside the loop, and closed."""
    return ClientSession(timeout=ClientTimeout(total=TIMEOUT))


async def identify(client: AsyncWebClient) -> Identity:
    """Who we are. Raises ConfigError where Slack does not know the token or cannot be reached."""
    try:
        answer = await client.auth_test()
    except (*TROUBLE, AttributeError) as error:  # the SDK stumbles over pages that are not Slack's
        if isinstance(error, SlackApiError) and not passing(error) and not code_of(error).startswith("HTTP"):
            say = f"SLACK_BOT_TOKEN: Slack answers {code_of(error)}. Install the app again and copy its token."
        else:
            say = f"Slack cannot be reached at {client.base_url} ({code_of(error)}). Check SLACK_API_URL."
        raise ConfigError(say) from None
    return Identity(
        team_id=str(answer["team_id"]),
        user_id=str(answer["user_id"]),
        bot_id=str(answer["bot_id"]) if answer.get("bot_id") else None,
        name=str(answer.get("user") or "twokey"),
    )


async def socket_url(client: AsyncWebClient, app_token: str) -> str:
    """Where Socket Mode connects to. Raises ConfigError where Slack does not say."""
    try:
        return str((await client.apps_connections_open(app_token=app_token))["url"])
    except (*TROUBLE, AttributeError, KeyError) as error:
        say = f"SLACK_APP_TOKEN: Slack opens no connection ({code_of(error)}). It is the app-level token (xapp-…)"
        raise ConfigError(f"{say}, with the scope connections:write.") from None


def authorize_result(settings: Settings, identity: Identity) -> AuthorizeResult:
    """What Bolt needs for every event, known from the start instead of asked for by each."""
    return AuthorizeResult(
        enterprise_id=None,
        team_id=identity.team_id,
        bot_user_id=identity.user_id,
        bot_id=identity.bot_id,
        bot_token=_bot_token(settings),
    )


def _in_one_line(record: logging.LogRecord) -> bool:
    """The SDK logs a traceback for every try to connect; what it says before that is enough."""
    record.msg, record.args, record.exc_info = " ".join(record.getMessage().split()), (), None
    return True


def _bot_token(settings: Settings) -> str:
    if settings.slack_bot_token is None:
        raise ConfigError("SLACK_BOT_TOKEN is not set: it is the Bot User OAuth Token of your Slack app (xoxb-…).")
    return settings.slack_bot_token.get_secret_value()


def _proxy(found: str | None, settings: Settings) -> str | None:
    """The SDK takes a proxy from the environment but does not know NO_PROXY."""
    host = urlsplit(settings.slack_api_url).hostname or ""
    return None if urllib.request.proxy_bypass(host) or host in {"127.0.0.1", "localhost", "::1"} else found
