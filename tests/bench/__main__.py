"""`python -m tests.bench`: every measurement, as one JSON object on stdout. What goes on is said on stderr."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import answering, asking, deciding, operating, reading, recording, starting
from tests.bench.figures import Json, machine, target


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    services: tuple[int, ...] = (10, 1_000, 10_000)
    rounds: int = 40  # of all sentences
    appends: int = 5_000
    entries: int = 1_000_000  # of a log that is verified
    decisions: int = 2_000
    starts: int = 3
    rates: tuple[int, ...] = (10, 80)  # events a second
    seconds: float = 10.0  # at each rate
    calls: int = 200  # of a model, one after another
    thinks: float = 2.0  # seconds that the model takes where many ask it at once
    at_once: int = 100
    changes: int = 40  # of a real cluster, one after another
    rollouts: int = 50  # there, at once


TINY = Size(
    (10,),
    rounds=2,
    appends=20,
    entries=40,
    decisions=10,
    starts=1,
    rates=(5,),
    seconds=0.4,
    calls=3,
    thinks=0.05,
    at_once=3,
    changes=0,
)


def measured(folder: Path, size: Size, only: tuple[str, ...] = ()) -> Json:
    """Everything, or what `only` names."""
    rooms: dict[str, Callable[[], Json]] = {
        "interpret": lambda: reading.measure(size.services, size.rounds),
        "model": lambda: asking.measure(size.services, size.calls, size.thinks, size.at_once),
        "audit": lambda: recording.measure(folder, size.appends, size.entries),
        "decisions": lambda: deciding.measure(folder / "decisions", size.decisions),
        "start": lambda: starting.measure(folder / "start", size.starts),
        "cluster": lambda: operating.measure(folder / "cluster", size.changes, size.rollouts),
        "latency": lambda: answering.measure(folder, size.rates, size.seconds),
    }
    found: Json = {"machine": machine()}
    for name, room in rooms.items():
        if not only or name in only:
            sys.stderr.write(f"bench: {name} …\n")
            found[name] = room()
    return found | {"targets": targets(found)}


def targets(found: Json) -> list[Json]:
    """What two quiet cores should reach, beside what was reached; of what was measured."""

    def get(*path: str) -> float | None:
        value: Any = found
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, int | float) else None

    every = [
        *(
            target(f"a sentence is read in under 1,000 µs at 10,000 services ({name})", took, 1_000)
            for name, took in (
                ("median", get("interpret", "10000_services", "p50_us")),
                ("p99, the processor's time", get("interpret", "10000_services", "processor", "p99_us")),
            )
        ),
        target(
            "a prompt is under 1,500 tokens at 10,000 services", get("model", "10000_services", "tokens_at_most"), 1_500
        ),
        target("the gateway adds less than 10 ms to a call (median)", get("model", "overhead", "added_p50_ms"), 10),
        target(
            "an event is acknowledged in under 100 ms at 80 events/s (p99)",
            get("latency", "80_per_s", "product", "ack", "p99_ms"),
            100,
        ),
        *(
            target(
                f"a card is there in under 300 ms at {rate} events/s, without a model (p99)",
                get("latency", f"{rate}_per_s", "product", "card", "p99_ms"),
                300,
            )
            for rate in (10, 80)
        ),
        target(
            "a card is there in under 300 ms at 80 events/s from two gateways, without a model (p99)",
            get("latency", "80_per_s", "two_gateways", "card", "p99_ms"),
            300,
        ),
        *(one for store in ("sqlite", "postgresql") for one in _of_store(store, get)),
        target("twokey serve is ready in under 2 s", get("start", "serve_seconds"), 2),
        target("twokey serve holds less than 200 MiB", get("start", "serve_resident_mib"), 200),
    ]
    return [one for one in every if one["measured"] is not None]


def _of_store(store: str, get: Callable[..., float | None]) -> list[Json]:
    p99 = get("decisions", store, "decision", "p99_ms")
    return [
        target(f"500,000 entries verified/s ({store})", get("audit", store, "verified_per_s"), 500_000, at_least=True),
        target(f"1,000 durable appends/s ({store})", get("audit", store, "appends_per_s"), 1_000, at_least=True),
        target(f"a decision is recorded in under 50 ms with 50 requests in flight ({store}, p99)", p99, 50),
    ]


def main() -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=["interpret", "model", "audit", "decisions", "start", "cluster", "latency"],
    )
    parser.add_argument("--seconds", type=float, default=Size.seconds, help="of messages at each rate")
    parser.add_argument("--tiny", action="store_true", help="very little of everything, to see that it works")
    given = parser.parse_args()
    size = TINY if given.tiny else Size(seconds=given.seconds)
    with tempfile.TemporaryDirectory(prefix="twokey-bench-") as folder:
        found = measured(Path(folder), size, tuple(given.only))
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
