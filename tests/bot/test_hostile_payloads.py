"""Forged, tampered and replayed interactions, signed as Slack signs them: nothing happens without the second key."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from approvals.request import Request, State
from bot.app import Program
from tests.bot.scene import Json, Scene
from tests.bot.test_http_mode import signed
from tests.waiting import within

Knock = Callable[[Json], Awaitable[int]]


def press(user: str, action_id: str, value: object, team: str = "T0TOWN", **more: Any) -> Json:
    """A button of a card, as Slack tells of it."""
    return {
        "type": "block_actions",
        "team": {"id": "T0TOWN"},
        "user": {"id": user, "team_id": team},
        "channel": {"id": "C0OPS"},
        "container": {"type": "message", "message_ts": "1.1", "channel_id": "C0OPS"},
        "message": {"ts": "1.1", "text": "x"},
        "trigger_id": f"t{time.monotonic_ns()}",
        "actions": [{"type": "button", "action_id": action_id, "block_id": "request", "value": value}],
        **more,
    }


def submitted(user: str, callback: str, metadata: object, values: Json, **more: Any) -> Json:
    """A modal that was sent off."""
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": callback,
        "private_metadata": json.dumps(metadata),
        "state": {"values": values},
    }
    return {
        "type": "view_submission",
        "team": {"id": "T0TOWN"},
        "user": {"id": user, "team_id": "T0TOWN"},
        "trigger_id": f"t{time.monotonic_ns()}",
        "view": {**view, **more},
    }


def knocking(slack: Scene, port: int) -> Knock:
    """Delivers an interaction over HTTP; the status of the answer."""

    async def knock(payload: Json) -> int:
        body = urlencode({"payload": json.dumps(payload)}).encode()
        headers = {**signed(body), "Content-Type": "application/x-www-form-urlencoded"}
        async with slack.session.post(f"http://127.0.0.1:{port}/slack/events", data=body, headers=headers) as answer:
            return answer.status

    return knock


async def asked(slack: Scene, program: Program, service: str = "checkout") -> Request:
    """Ana's request for five replicas in prod, once it waits."""
    await slack.say("ana", f"@twokey scale {service} to 5 in prod")
    await slack.until(lambda _: any(r.plan.service == service for r in program.ledger.waiting()), "a request")
    return next(r for r in program.ledger.waiting() if r.plan.service == service)


async def settled(program: Program, attempts: int) -> list[str]:
    """The reasons of that many refused attempts, as soon as they are in the log."""

    def found() -> list[str]:
        return [e.fields["data"]["why"] for e in program.ledger.entries() if e.fields["kind"] == "attempt.refused"]

    await within(lambda: len(found()) >= attempts)
    return found()


async def test_no_forged_press_counts_and_each_is_recorded(
    slack: Scene, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A4, A5, L1: the requester in any clothes, a stranger, an app, the digest of another request, or none."""
    async with slack.program(http_port=port) as program:
        slack.emulator.http_endpoint(f"http://127.0.0.1:{port}/slack/events")
        mine = await asked(slack, program)
        other = await asked(slack, program, "cart")
        knock, key = knocking(slack, port), f"{mine.id}:{mine.plan.digest}"
        forged = [
            press("U0ANA", "approve", key),
            press("U0ANA", "approve", key, team="T0ELSEWHERE"),
            press("U0ANA", "approve", key, view={"type": "home", "id": "V0"}, channel=None, container={"type": "view"}),
            press("U0DORA", "approve", key),
            press("U0BEN", "approve", key, team="T0ELSEWHERE"),
            press("U0TWOKEY", "approve", key),
            press("USLACKBOT", "approve", key),
            press("U0BEN", "approve", f"{mine.id}:{other.plan.digest}"),
            press("U0BEN", "approve", f"{other.id}:{mine.plan.digest}"),
            press("U0BEN", "approve", mine.id),
            press("U0BEN", "approve", f"{key}:{key}"),
            press("U0BEN", "approve", "no-such-request:0"),
            press("U0BEN", "approve", None),
            press("U0BEN", "withdraw", key),
            press("U0BEN", "stop", key),
            submitted("U0DORA", "deny", {"key": key, "channel": "C0OPS"}, {}),
            submitted("U0ANA", "deny", {"key": key, "channel": "C0OPS"}, {}),
        ]
        with caplog.at_level(logging.ERROR):
            assert {await knock(payload) for payload in forged} == {200}
            await settled(program, len(forged))
        assert {r.state for r in program.ledger.recent(10)} == {State.WAITING}
        assert all(r.decisions == () for r in program.ledger.recent(10))
        assert slack.hands.effects == []
        assert [r for r in caplog.records if r.name.startswith("bot.")] == []


async def test_a_form_with_somebody_elses_request_withdraws_nothing(slack: Scene, port: int) -> None:
    """A4: what it makes is a request of the one who sent it, and that one cannot approve it."""
    async with slack.program(http_port=port) as program:
        slack.emulator.http_endpoint(f"http://127.0.0.1:{port}/slack/events")
        mine = await asked(slack, program)
        values = {name: {name: {"value": v}} for name, v in (("service", "cart"), ("environment", "prod"))}
        values["replicas"] = {"replicas": {"value": "5"}}
        metadata = {"verb": "scale", "request": mine.id, "channel": "C0OPS", "thread": None, "ts": None}
        knock = knocking(slack, port)
        assert await knock(submitted("U0BEN", "form", metadata, values)) == 200
        await settled(program, 1)
        made = next(r for r in program.ledger.recent(10) if r.plan.service == "cart")
        assert made.requester.user_id == "U0BEN"
        assert program.ledger.get(mine.id).state is State.WAITING
        await knock(press("U0BEN", "approve", f"{made.id}:{made.plan.digest}"))
        assert "somebody else has to turn the second key" in (await settled(program, 2))[1]
        assert slack.hands.effects == []


async def test_a_form_that_is_sent_twice_makes_one_request(slack: Scene, port: int) -> None:
    """S2: with another trigger each time, as when the first acknowledgement was lost and the person tried again."""
    async with slack.program(http_port=port) as program:
        slack.emulator.http_endpoint(f"http://127.0.0.1:{port}/slack/events")
        values = {n: {n: {"value": v}} for n, v in (("service", "cart"), ("environment", "dev"))}
        metadata = {"verb": "restart", "request": None, "channel": "C0OPS", "thread": None, "ts": None}
        knock = knocking(slack, port)
        assert {await knock(submitted("U0ANA", "form", metadata, values)) for _ in range(3)} == {200}
        await slack.see("✅ done")
        assert len(program.ledger.recent(10)) == 1
        assert len(slack.hands.effects) == 1


async def test_a_replayed_press_is_heard_once(slack: Scene, port: int) -> None:
    """S2: the same bytes again within Slack's five minutes, with other headers that no signature covers."""
    async with slack.program(http_port=port) as program:
        values = {"verb": "restart", "service": "cart", "environment": "dev"}
        payload = press("U0ANA", "do:0", json.dumps({"action": values}))
        body = urlencode({"payload": json.dumps(payload)}).encode()
        headers = {**signed(body), "Content-Type": "application/x-www-form-urlencoded"}
        odd = ({"Content-Type": kind} for kind in ("application/json", "text/plain; charset=utf-16"))
        for more in ({}, {"X-Slack-Retry-Num": "1"}, *odd):
            url = f"http://127.0.0.1:{port}/slack/events"
            async with slack.session.post(url, data=body, headers={**headers, **more}) as answer:
                await answer.read()
        await slack.see("✅ done")
        assert len(program.ledger.recent(10)) == 1
