"""How fast keys are turned: from an action to its waiting request, and from the press to the run, 50 at a time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from actions.verbs.scale import Scale
from approvals.request import Request, State
from tests.approvals.doubles import ANA, BEN, Hands, House, a_house
from tests.bench.figures import Json, spread
from tests.bench.stores import each_store

IN_FLIGHT = 50
WORKERS = 6  # threads: what `asyncio.to_thread` has on two cores


@dataclass
class Times:
    """In seconds."""

    waiting: list[float] = field(default_factory=list)  # submit -> waiting
    decided: list[float] = field(default_factory=list)  # the press -> recorded
    running: list[float] = field(default_factory=list)  # the press -> the change is sent


def measure(folder: Path, rounds: int) -> Json:
    """On each store; the cluster answers at once, so that what is measured is the gate and the store."""
    found: Json = {
        "what": f"{IN_FLIGHT} requests wait at any time, each for a service of its own; {WORKERS} threads press "
        "Approve on the oldest, run it to its end and ask for another. `burst`: as many threads press at one moment. "
        "The gate with everything it re-judges and records, durable; Slack, model and cluster answer at once",
    }
    for name, url in each_store(folder):
        found[name] = _on(folder / f"{name}-house", url, rounds) if url else "skipped: no PostgreSQL server's programs"
    return found


def _on(path: Path, url: str, rounds: int) -> Json:
    times, began = Times(), threading.local()
    hands = Hands(before_effect=lambda: times.running.append(time.perf_counter() - began.at))
    house = a_house(path, url=url, hands=hands, patience=60.0)
    requests = deque(_asked(house, number) for number in range(IN_FLIGHT))

    def once(number: int) -> None:
        request = requests.popleft()
        began.at = time.perf_counter()
        _timed(times.decided, lambda: house.gate.decide(request.id, request.plan.digest, BEN, approve=True))
        ended = house.gate.run(request.id)
        if ended.state is not State.SUCCEEDED:
            raise RuntimeError(f"request {request.id} is {ended.state}: {ended.reason}")
        requests.append(_timed(times.waiting, lambda: _asked(house, number)))

    with ThreadPoolExecutor(WORKERS) as pool:
        start = time.perf_counter()
        list(pool.map(once, range(rounds)))
        wall = time.perf_counter() - start
    burst = _burst(house, list(requests))
    house.close()
    return {
        "requests_per_s": round(rounds / wall),
        "submit_to_waiting": spread(times.waiting, "ms"),
        "decision": spread(times.decided, "ms"),
        "decide_to_running": spread(times.running, "ms"),
        "burst": burst,
    }


def _burst(house: House, requests: list[Request]) -> Json:
    """Everybody presses at the same moment; the last one waits for all others."""
    times: list[float] = []
    together = threading.Barrier(len(requests))

    def press(request: Request) -> None:
        together.wait(60)
        _timed(times, lambda: house.gate.decide(request.id, request.plan.digest, BEN, approve=True))

    with ThreadPoolExecutor(len(requests)) as pool:
        start = time.perf_counter()
        list(pool.map(press, requests))
        wall = time.perf_counter() - start
    return {"decisions_per_s": round(len(requests) / wall), "decision": spread(times, "ms")}


def _asked(house: House, number: int) -> Request:
    action = Scale(service=f"s{number % (2 * IN_FLIGHT)}", environment="prod", replicas=5)
    return house.gate.submit(action, ANA, {"channel": "C0OPS"})


def _timed(times: list[float], work: Callable[[], Request]) -> Request:
    start = time.perf_counter()
    made = work()
    times.append(time.perf_counter() - start)
    return made
