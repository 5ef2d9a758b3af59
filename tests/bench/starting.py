"""How long the program takes to start, and how much memory it then holds."""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from bot.playground.demo import playground
from tests.bench.figures import Json
from tests.bench.processes import Child

SERVE = ("bot", "serve")
READY = "twokey: ready"


def measure(folder: Path, times: int) -> Json:
    """`twokey serve` against a playground in this process, and `twokey demo` by itself."""
    with playground(folder) as (addresses, _, _):
        served = [serve(addresses.environ()) for _ in range(times)]
    shown = [_demo() for _ in range(times)]
    return {
        "what": "twokey serve from exec to 'twokey: ready' against the playground; twokey demo from exec to a page "
        "that answers; the median of n; VmRSS right after 'ready'",
        "n": times,
        "serve_seconds": round(statistics.median(seconds for seconds, _, _ in served), 2),
        "serve_cpu_seconds": round(statistics.median(cpu for _, cpu, _ in served), 2),
        "serve_resident_mib": round(statistics.median(resident for _, _, resident in served), 1),
        "demo_seconds_to_page": round(statistics.median(shown), 2),
    }


def serve(environ: Mapping[str, str]) -> tuple[float, float, float]:
    """Seconds until it is ready, processor seconds of it, MiB resident."""
    with Child(SERVE, environ) as child:
        ready(child)
        return time.perf_counter() - child.began, child.cpu(), child.resident()


def ready(child: Child) -> None:
    """Wait until `twokey serve` says that it is ready."""
    while child.line() != READY:
        pass


def _demo() -> float:
    with (
        tempfile.TemporaryDirectory(prefix="twokey-bench-") as folder,
        Child(("bot", "demo", "--no-browser", "--json", "--data", folder), {}) as child,
    ):
        place = urlsplit(json.loads(child.line())["url"])
        with closing(http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)) as connection:
            connection.request("GET", "/")
            if connection.getresponse().status != http.client.OK:
                raise RuntimeError("the demo's page does not answer")
        return time.perf_counter() - child.began
