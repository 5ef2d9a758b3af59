"""Slack's events over HTTP: only genuine ones, each once (S2)."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import pytest

from bot.playground import cast
from tests.bot.scene import Scene

BODY = json.dumps(
    {
        "type": "event_callback",
        "team_id": "T0TOWN",
        "event_id": "Ev7",
        "event": {
            "type": "app_mention",
            "user": "U0ANA",
            "channel": "C0OPS",
            "ts": "1.1",
            "text": "scale checkout to 5 in prod",
        },
    }
).encode()


def signed(body: bytes, secret: str = cast.SIGNING_SECRET, at: float | None = None) -> dict[str, str]:
    """Headers as Slack makes them."""
    stamp = str(int(at or time.time()))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
        "Content-Type": "application/json",
    }


async def test_a_signed_event_is_heard_once_even_if_it_is_replayed(slack: Scene, port: int) -> None:
    """S2: the SDK's verifier takes the same request again for five minutes; the inbox does not."""
    headers = signed(BODY)
    async with slack.program(http_port=port) as program:
        for _ in range(3):
            async with slack.session.post(
                f"http://127.0.0.1:{port}/slack/events", data=BODY, headers=headers
            ) as answer:
                assert answer.status == 200
        await slack.see("waiting for 1 of sre")
        assert len(program.ledger.recent(10)) == 1


@pytest.mark.parametrize("body", [b"no json", b"[1]", b"null"])
async def test_a_signed_body_that_is_no_payload_breaks_nothing(slack: Scene, port: int, body: bytes) -> None:
    """It is refused in a line, without a traceback."""
    async with (
        slack.program(http_port=port),
        slack.session.post(f"http://127.0.0.1:{port}/slack/events", data=body, headers=signed(body)) as answer,
    ):
        assert answer.status == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(BODY, secret="another"),
        signed(BODY, at=time.time() - 3600),
        {**signed(BODY), "X-Slack-Request-Timestamp": "soon"},
        {**signed(BODY), "X-Slack-Signature": "v0=ü"},
    ],
    ids=["none", "another secret", "old", "no number", "no ASCII"],
)
async def test_what_slack_did_not_sign_is_refused(slack: Scene, port: int, headers: dict[str, str]) -> None:
    """Odd headers are refused too, and break nothing."""
    async with slack.program(http_port=port) as program:
        async with slack.session.post(f"http://127.0.0.1:{port}/slack/events", data=BODY, headers=headers) as answer:
            assert answer.status == 401
        assert program.ledger.recent(10) == []


async def test_the_emulators_http_mode_reaches_the_program(slack: Scene, port: int) -> None:
    """The whole path over HTTP: the challenge, a mention, a click."""
    async with slack.program(http_port=port):
        slack.emulator.http_endpoint(f"http://127.0.0.1:{port}/slack/events")
        await slack.say("ana", "@twokey scale checkout to 5 in prod")
        assert (await slack.click("ben", await slack.see("waiting for 1 of sre"), "approve"))["ok"]
        await slack.see("✅ done", "asked by ana")
