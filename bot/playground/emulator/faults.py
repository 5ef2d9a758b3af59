"""`POST /emulator/faults`: what shall go wrong, from now on."""

from __future__ import annotations

from bot.playground.emulator.core import Core
from bot.playground.emulator.wire import ApiError, Json

REASONS = {"warning", "refresh_requested", "link_disabled", "too_many_websockets"}
KNOWN = {"disconnect", "silence", "reset", "duplicate", "drop_first", "replay", "rate_limit", "lose_answer"}


async def inject(core: Core, body: Json) -> Json:
    """Any of these together. Raises invalid_arguments.

    `disconnect`: a reason (true: a warning); `silence`: true or false; `reset`: true; `duplicate`: the next n
    events come twice; `drop_first`: the first delivery of the next n events is lost; `replay`: the last n events
    come once more; `rate_limit`: {method (or "*"), retry_after in seconds, times}; `lose_answer`: {method, times},
    these calls are done, and their connections cut.
    """
    if not body or not set(body) <= KNOWN:
        raise ApiError("invalid_arguments", [f"known faults: {', '.join(sorted(KNOWN))}"])
    answer: Json = {"connections": core.sockets.connections}
    if "duplicate" in body:
        core.delivery.faults.duplicate = _number(body, "duplicate")
    if "drop_first" in body:
        core.delivery.faults.drop_first = _number(body, "drop_first")
    if "rate_limit" in body:
        _limit(core, body)
    if "lose_answer" in body:
        named = _named(body, "lose_answer")
        core.losses.inject(named["method"], _number(named, "times", 1))
    if "silence" in body:
        core.sockets.silence(bool(body["silence"]))
    if "disconnect" in body:
        await _disconnect(core, body["disconnect"])
    if body.get("reset"):
        core.sockets.reset()
    if "replay" in body:
        answer["replayed"] = core.delivery.replay(_number(body, "replay"))
    return answer


async def _disconnect(core: Core, reason: object) -> None:
    reason = "warning" if reason is True else reason
    if reason not in REASONS:
        raise ApiError("invalid_arguments", [f"disconnect: one of {', '.join(sorted(REASONS))}"])
    await core.sockets.disconnect(str(reason))


def _limit(core: Core, body: Json) -> None:
    limit = _named(body, "rate_limit")
    core.rates.inject(limit["method"], _number(limit, "retry_after", 1), _number(limit, "times", 1))


def _named(body: Json, fault: str) -> Json:
    given = body[fault]
    if not isinstance(given, dict) or not isinstance(given.get("method"), str):
        raise ApiError("invalid_arguments", [f"{fault}: {{method, times}}"])
    return given


def _number(body: Json, name: str, default: int | None = None) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or value < 0:
        raise ApiError("invalid_arguments", [f"{name}: a number of 0 or more"])
    return int(value)
