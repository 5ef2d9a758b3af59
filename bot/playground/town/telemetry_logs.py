"""What the town's services write to their logs: a pure function of the timeline and the time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from bot.playground.town.telemetry_load import Load
from bot.playground.town.telemetry_series import Telemetry
from bot.playground.town.timeline import Behaviour, PodMoment, Timeline

_TICK = 10  # seconds; each pod may write each of its phrases once in a tick


class Entry(NamedTuple):
    """One line as a pod wrote it."""

    at: float
    pod: str
    level: str
    text: str


@dataclass(frozen=True)
class Phrase:
    """Something a service says: how likely in a tick, and with {n} as a number between two bounds."""

    chance: float
    level: str
    text: str
    low: int = 1
    high: int = 1


_REQUEST = {
    "checkout": "order placed in {n} ms",
    "cart": "basket saved in {n} ms",
    "payments": "charge settled in {n} ms",
    "search": "query answered in {n} ms",
    "support-bot": "conversation answered in {n} ms",
}
_UPSTREAM = {
    "payments": "ledger",
    "checkout": "payments",
    "cart": "cart-store",
    "search": "index",
    "support-bot": "model",
}
_HANDLER = {"payments": "RefundHandler", "checkout": "CouponHandler", "cart": "MergeHandler", "search": "FacetHandler"}


def _phrases(service: str, behaviour: Behaviour, traits: Mapping[str, float]) -> tuple[Phrase, ...]:
    upstream, handler = _UPSTREAM.get(service, "backend"), _HANDLER.get(service, "RequestHandler")
    slow_ms = int(traits["p50_ms"])
    usual = (
        Phrase(0.5, "info", _REQUEST.get(service, "request served in {n} ms"), max(1, slow_ms // 2), slow_ms * 2),
        Phrase(0.06, "info", "health check ok, {n} connections open", 3, 48),
        Phrase(min(0.1, 4 * traits["error_ratio"]), "error", "connection reset by peer: 10.42.{n}.17:8080", 0, 9),
        Phrase(0.02, "warning", f"retry 1 of 3 calling {upstream} after {{n}} ms", 200, 900),
    )
    return (
        usual
        + {
            "good": (),
            "slow": (
                Phrase(0.13, "error", f"upstream timeout after {{n}} ms calling {upstream}", 2000, 2090),
                Phrase(0.08, "warning", f"pool of connections to {upstream} exhausted, {{n}} waiting", 3, 60),
                Phrase(0.003, "error", f"nil pointer in {handler}"),
            ),
            "errors": (
                Phrase(
                    0.7,
                    "error",
                    f"{handler}: cannot decode response of {upstream}: missing field at offset {{n}}",
                    1,
                    900,
                ),
                Phrase(0.15, "error", "unhandled exception, request {n} answered 500", 10_000, 99_999),
            ),
            "oom": (
                Phrase(
                    0.4, "warning", "heap at {n} MiB, garbage collection takes longer than its pause target", 180, 250
                ),
                Phrase(0.2, "error", "cannot allocate {n} KiB for the settlement batch", 512, 8192),
            ),
            "crash": (Phrase(0.5, "error", 'fatal: session backend "sticky" is not known, exit 1'),),
        }[behaviour]
    )


def newest_first(load: Load, start: float, end: float) -> Iterator[Entry]:
    """Every line of a workload in `start <= at < end`, the newest first; nothing from before its first moment."""
    start = max(start, load.starts[0])
    spoken = {b: _phrases(load.name, b, load.traits) for b in ("good", "slow", "errors", "oom", "crash")}
    births = _births(load)
    for tick in range(int(end // _TICK), int(start // _TICK) - 1, -1):
        found = list(births.get(tick, ()))
        for pod in load.moment(tick * _TICK).pods:
            behaviour = load.behaviour(pod.version)
            if pod.ready or behaviour == "crash":
                phrases = spoken[behaviour] if pod.ready else spoken[behaviour][-1:]
                found += [e for n, phrase in enumerate(phrases) if (e := _spoken(phrase, n, pod, tick))]
        yield from (e for e in sorted(found, reverse=True) if start <= e.at < end)


def pod_lines(world: Timeline) -> Callable[[str, str, float, float], list[tuple[float, str]]]:
    """The pods' own logs: (namespace, pod, start, end) -> (seconds since 1970, line), oldest first."""
    telemetry = Telemetry(world)

    def lines(namespace: str, pod: str, start: float, end: float) -> list[tuple[float, str]]:
        for place, name in world.workloads():
            load = telemetry.load(place, name) if place == namespace and pod.startswith(f"{name}-") else None
            if load is not None and any(p.name == pod for moment in load.moments for p in moment.pods):
                found = newest_first(load, start, min(end, world.now()))
                return [(e.at, e.text) for e in found if e.pod == pod][::-1]
        return []

    return lines


def _spoken(phrase: Phrase, number: int, pod: PodMoment, tick: int) -> Entry | None:
    dice = zlib.crc32(f"{pod.name} {tick} {number}".encode())
    if dice % 10_000 >= phrase.chance * 10_000:
        return None
    more = zlib.crc32(dice.to_bytes(4, "big"))
    at = tick * _TICK + more % 9973 / 1000
    text = phrase.text.replace("{n}", str(phrase.low + more % (phrase.high - phrase.low + 1)))
    return Entry(at, pod.name, phrase.level, _line(at, phrase.level, text, f" request_id={more:08x}"))


def _births(load: Load) -> dict[int, list[Entry]]:
    """What containers say when they start, by tick."""
    found: dict[int, list[Entry]] = {}
    restarts: dict[str, int] = {pod.name: pod.restarts for pod in load.moments[0].pods}
    for moment in load.moments[1:]:
        for pod in moment.pods:
            if restarts.get(pod.name) != pod.restarts:
                text = _line(moment.at, "info", f"starting {load.name} {pod.version}", "")
                entry = Entry(moment.at, pod.name, "info", text)
                found.setdefault(int(moment.at // _TICK), []).append(entry)
            restarts[pod.name] = pod.restarts
    return found


def _line(at: float, level: str, text: str, rest: str) -> str:
    when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    escaped = text.replace('"', '\\"')
    return f'ts={when}Z level={level} msg="{escaped}"{rest}'
