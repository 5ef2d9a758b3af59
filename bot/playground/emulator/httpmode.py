"""HTTP mode: signed requests to the bot's request URL (docs.slack.dev, "Verifying requests from Slack")."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout

from bot.playground import cast
from bot.playground.emulator.delivery import Ack, Failure, Kind, Retry
from bot.playground.emulator.wire import VERIFICATION_TOKEN, Json

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


def sign(secret: str, timestamp: str, body: str) -> str:
    """The `v0` signature over `v0:<timestamp>:<body>`."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()


class HttpMode:
    """Posts to one address for everything; a `Transport`. The address is verified before its first delivery."""

    def __init__(self, url: str, ack_timeout: float) -> None:
        self._url, self._ack_timeout = url, ack_timeout
        self._verifying = asyncio.Lock()
        self._session: ClientSession | None = None
        self._verified = False

    async def verify(self) -> bool:
        """Whether the address answers Slack's challenge."""
        challenge = secrets.token_urlsafe(24)
        payload = {"token": VERIFICATION_TOKEN, "challenge": challenge, "type": "url_verification"}
        status, content_type, text = await self._post(JSON_TYPE, json.dumps(payload), {})
        if content_type == JSON_TYPE:
            answer = json.loads(text or "null")
            text = answer.get("challenge", "") if isinstance(answer, dict) else ""
        self._verified = status == 200 and text.strip() == challenge
        return self._verified

    async def reachable(self) -> None:
        """An address can always be tried."""

    async def deliver(self, kind: Kind, payload: Json, retry: Retry | None) -> Ack | Failure:
        headers = {"X-Slack-Retry-Num": str(retry.attempt), "X-Slack-Retry-Reason": retry.reason} if retry else {}
        try:
            async with self._verifying:
                if not self._verified and not await self.verify():
                    return Failure("http_error")
            status, content_type, text = await self._post(*_body(kind, payload), headers)
        except TimeoutError:
            return Failure("http_timeout")
        except (ClientError, OSError, ValueError):
            return Failure("connection_failed")
        if status // 100 != 2:
            return Failure("http_error")
        return _answer(content_type, text)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _post(self, content_type: str, body: str, headers: dict[str, str]) -> tuple[int, str, str]:
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=self._ack_timeout))
        timestamp = str(int(time.time()))  # receivers compare it with their own clock, not with the playground's
        signed = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(cast.SIGNING_SECRET, timestamp, body),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            **headers,
        }
        async with asyncio.timeout(self._ack_timeout):
            async with self._session.post(self._url, data=body.encode(), headers=signed) as response:
                return response.status, response.content_type, await response.text()


def _body(kind: Kind, payload: Json) -> tuple[str, str]:
    if kind == "events_api":
        return JSON_TYPE, json.dumps(payload)
    if kind == "interactive":
        return FORM_TYPE, urlencode({"payload": json.dumps(payload)})
    return FORM_TYPE, urlencode({name: str(value) for name, value in payload.items()})


def _answer(content_type: str, text: str) -> Ack | Failure:
    if content_type == JSON_TYPE and text.strip():
        try:
            payload = json.loads(text)
        except ValueError:
            return Failure("http_error")
        return Ack(payload if isinstance(payload, dict) and payload else None)
    return Ack({"text": text} if text.strip() else None)
