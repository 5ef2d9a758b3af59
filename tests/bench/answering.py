"""From an event to its acknowledgement and to the card, through the emulator, beside the barest of Slack apps.

The emulator, the town and whoever writes the messages are this process; the app that is measured is another one.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from aiohttp import ClientSession

from bot.playground.demo import Addresses, playground
from bot.playground.emulator import Emulator
from bot.playground.emulator.delivery import Ack, Failure, Kind, Retry, Transport
from bot.playground.emulator.workspace import Change, Message
from tests.bench.figures import Json, budget, quantile, spread
from tests.bench.processes import Child, unobtrusive
from tests.bench.starting import SERVE, ready

WARM_UP, WARM_UP_RATE = 22, 20  # messages before the first that counts, and how many of them a second
LAST = 30.0  # seconds after the last message in which a card still may come
CHANNELS = ("#ops", "#incidents", "#random")
PEOPLE = ("ana", "ben", "carla")
ORDERS = (
    "scale checkout to 5 in staging",
    "restart cart in prod",
    "deploy search 0.9.1 to prod",
    "scale search to 6 in prod",
    "restart payments in staging",
    "deploy cart 2.1.0 to staging",
    "scale cart to 5 in prod",
    "restart support-bot in prod",
    "deploy support-bot 2.2 to staging",
    "restart checkout in prod",
    "scale payments to 4 in staging",
)


@dataclass
class Seen:
    """What came by, in seconds of one clock."""

    delivered: dict[str, float] = field(default_factory=dict)  # event id -> when the emulator began to deliver it
    acknowledged: dict[str, float] = field(default_factory=dict)  # event id -> how long that took
    shown: dict[str, float] = field(default_factory=dict)  # the request's or event's id -> when its message appeared

    def clear(self) -> None:
        """What was seen so far does not count."""
        for found in (self.delivered, self.acknowledged, self.shown):
            found.clear()


@dataclass
class Observed:
    """The emulator's way to the app, with a clock beside it."""

    inner: Transport
    seen: Seen

    async def deliver(self, kind: Kind, payload: Json, retry: Retry | None) -> Ack | Failure:
        if (payload.get("event") or {}).get("type") != "app_mention":
            return await self.inner.deliver(kind, payload, retry)
        event, began = str(payload["event_id"]), time.perf_counter()
        self.seen.delivered.setdefault(event, began)
        answer = await self.inner.deliver(kind, payload, retry)
        if isinstance(answer, Ack):
            self.seen.acknowledged.setdefault(event, time.perf_counter() - began)
        return answer

    async def reachable(self) -> None:
        await self.inner.reachable()


def measure(folder: Path, rates: tuple[int, ...], seconds: float) -> Json:
    """The product and the bare app, each at each rate."""
    found: Json = {
        "what": "app_mention -> acknowledged, and app_mention -> the card with its Approve button posted, over Socket "
        "Mode; every message orders a change that waits for approval; messages come at a fixed rate, whatever the app "
        "does; the bare app is Bolt's AsyncApp that acknowledges and posts one message",
        "processes": "the app alone in one; emulator, town (cluster, metrics) and the writer of messages in another",
        "sustainable": "events/s at which the app's process, which computes on one core at a time, is busy without a "
        "pause; or at which app and playground together fill all cores, where that is less",
        "two_gateways": "the same at the highest rate with a second `twokey serve` on the same store; the emulator "
        "shares the events out between them as Slack does; what the app costs is the sum of both",
        "seconds_each": seconds,
    }
    for rate in rates:
        product = _run(folder / f"product-{rate}", SERVE, rate, seconds)
        bare = _run(folder / f"bare-{rate}", ("tests.bench.bare",), rate, seconds)
        found[f"{rate}_per_s"] = {"product": product, "bare": bare, "ratio": _ratio(product, bare)}
    highest = max(rates)
    two = _run(folder / f"two-{highest}", SERVE, highest, seconds, processes=2)
    found[f"{highest}_per_s"] |= {"two_gateways": two}
    return found


def _run(folder: Path, module: tuple[str, ...], rate: int, seconds: float, processes: int = 1) -> Json:
    """One app, in so many processes, for as long as it takes, on a playground of its own."""
    with unobtrusive(), playground(folder) as (addresses, emulator, _), ExitStack() as running:
        cards = module == SERVE
        seen = _watched(emulator, cards)
        children = []
        for _ in range(processes):
            children.append(running.enter_context(Child(module, addresses.environ())))
            if cards:
                ready(children[-1])
            else:
                children[-1].line()
        return asyncio.run(_measure(addresses, children, seen, rate, seconds, cards))


def _watched(emulator: Emulator, cards: bool) -> Seen:
    seen = Seen()
    delivery = emulator.core.delivery
    delivery.transport = Observed(delivery.transport, seen)

    def on_change(change: Change) -> None:
        if change.kind == "message" and change.message.by_bot:
            subject = _subject(change.message) if cards else change.message.text
            if subject is not None:
                seen.shown.setdefault(subject, time.perf_counter())

    emulator.core.workspace.subscribe(on_change)
    return seen


async def _measure(
    addresses: Addresses, children: Sequence[Child], seen: Seen, rate: int, seconds: float, cards: bool
) -> Json:
    orders = _orders()
    async with ClientSession() as session:
        await _say_all(session, addresses.url, orders, WARM_UP, WARM_UP_RATE)
        await _all_shown(seen, WARM_UP)
        seen.clear()
        cpu, beside, began = _cpu(children), time.process_time(), time.perf_counter()
        sent = max(1, int(rate * seconds))
        late = await _say_all(session, addresses.url, orders, sent, rate)
        complete = await _all_shown(seen, sent)
        cpu, beside, wall = _cpu(children) - cpu, time.process_time() - beside, time.perf_counter() - began
    when = _by_event(addresses, seen) if cards else seen.shown
    latencies = [when[event] - at for event, at in seen.delivered.items() if event in when]
    return {
        "ack": spread(list(seen.acknowledged.values()), "ms"),
        "card" if cards else "message": spread(latencies, "ms"),
        "sent": sent,
        "never_shown": sent - len(latencies),
        **budget(cpu / sent, beside / sent, len(os.sched_getaffinity(0)), len(children)),
        "app_cpu_busy": round(cpu / wall, 2),
        "load_average_1m": round(os.getloadavg()[0], 2),  # others on the same cores make every latency longer
        "writer_late_p99_ms": round(quantile(late, 0.99) * 1e3, 1),
        "resident_mib": sum(child.resident() for child in children),
    } | ({} if complete else {"gave_up_waiting_after_s": LAST})


def _cpu(children: Sequence[Child]) -> float:
    return sum(child.cpu() for child in children)


def _orders() -> Iterator[dict[str, str]]:
    """Who says what where, all of them in turn."""
    for number, order in enumerate(cycle(ORDERS)):
        yield {
            "user": PEOPLE[number % len(PEOPLE)],
            "channel": CHANNELS[number // 2 % len(CHANNELS)],
            "text": f"@twokey {order}",
        }


async def _say_all(
    session: ClientSession, url: str, orders: Iterator[dict[str, str]], number: int, rate: int
) -> list[float]:
    """At a fixed rate, never waiting for the app; by how much each message came too late."""
    began, late, said = time.perf_counter(), [], []
    for turn in range(number):
        due = began + turn / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        late.append(time.perf_counter() - due)
        said.append(asyncio.create_task(_say(session, url, next(orders))))
    await asyncio.gather(*said)
    return late


async def _say(session: ClientSession, url: str, order: dict[str, str]) -> None:
    async with session.post(f"{url}/emulator/messages", json=order) as answer:
        answer.raise_for_status()


async def _all_shown(seen: Seen, sent: int) -> bool:
    """Whether everything that was said was answered before the patience ended."""
    deadline = time.perf_counter() + LAST
    while time.perf_counter() < deadline:
        if min(len(seen.shown), len(seen.acknowledged)) >= sent:
            return True
        await asyncio.sleep(0.05)
    return False


def _by_event(addresses: Addresses, seen: Seen) -> dict[str, float]:
    """When the card of each event appeared. Which request came of which event is in the product's own store."""
    store = sqlite3.connect(addresses.database.removeprefix("sqlite:///"))
    try:
        rows = store.execute("SELECT id, origin FROM requests").fetchall()
    finally:
        store.close()
    events = {request: str(json.loads(origin)["delivery"]).removeprefix("event ") for request, origin in rows}
    return {events[request]: at for request, at in seen.shown.items() if request in events}


def _subject(message: Message) -> str | None:
    """The request whose card this is: what its Approve button says before the colon."""
    blocks = [*message.blocks, *(block for beside in message.attachments for block in beside.get("blocks", ()))]
    buttons = [element for block in blocks for element in block.get("elements", ()) if isinstance(element, dict)]
    values = [str(button["value"]) for button in buttons if button.get("action_id") == "approve"]
    return values[0].partition(":")[0] if values else None


def _ratio(product: Json, bare: Json) -> Json:
    """How many times as long the product takes."""

    def times(of: Json, to: Json) -> Json:
        both = [name for name in ("p50_ms", "p99_ms") if of.get(name) and to.get(name)]
        return {name.removesuffix("_ms"): round(of[name] / to[name], 1) for name in both}

    return {
        "ack": times(product["ack"], bare["ack"]),
        "card_to_message": times(product["card"], bare["message"]),
    }
