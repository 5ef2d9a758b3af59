"""How long a sentence takes to read, by the size of the catalogue."""

from __future__ import annotations

import asyncio
import time

from actions.catalog import Catalog
from actions.registry import Registry
from actions.verbs import VERBS
from intents.reader import Reader
from tests.bench.figures import Json, spread

SENTENCES = (
    "scale {a} to 5 in prod",
    "scale up {a} by two in staging",
    "double {b} in staging",
    "bring {a} down to half in dev",
    "deploy {a} 1.4.2 to prod",
    "please roll out {b} v2.1.0 to staging",
    "ship 3.0.1 of {a} to production",
    "roll back {b} in staging",
    "roll back {a} in prod to revision 4",
    "restart {a} in prod",
    "could you restart {b} in dev?",
    "how is {a} doing in prod?",
    "history of {b} in prod",
    "p99 of {a} in prod last 6h",
    "error rate of {b} in staging over the last 30m",
    "errors in the {a} logs in prod",
    "logs of {b} in prod since 2h containing timeout",
    "{a} is slow, what changed?",
    "don't restart {a} in prod",
    "restart {a} and {b} in prod",
    "scale {a}",
    "scale chekout-gateway to 5 in prod",
    "restart svc-000x7 in prod",
    "deploy warehouse 1.2.3 to staging",
    "how is the billing-frontend doing in prod?",
    "what is for lunch today?",
)


def measure(sizes: tuple[int, ...], rounds: int) -> Json:
    """Every sentence `rounds` times for each size of the catalogue."""
    return {
        "what": "Reader.read without a model (the grammar reads), whole: words in, reading out",
        "sentences": len(SENTENCES),
        **{f"{size}_services": _at(size, rounds) for size in sizes},
    }


def catalogue(size: int) -> Catalog:
    """Services with the names that such things have: parts of words, joints, numbers, an alias for every third."""
    areas, kinds = ("cart", "order", "ledger", "search", "stock", "user", "mail"), ("api", "worker", "web", "job", "db")
    services = {}
    for number in range(size):
        name = f"{areas[number % 7]}-{kinds[number % 5]}-{number:05d}"
        services[name] = {"image": f"registry.example/{name}"} | (
            {"aliases": [f"{areas[number % 7]}{number}"]} if number % 3 == 0 else {}
        )
    environments = {"prod": {"aliases": ["production", "live"]}, "staging": {"aliases": ["stage"]}, "dev": {}}
    return Catalog.model_validate({"environments": environments, "services": services})


def _at(size: int, rounds: int) -> Json:
    catalog = catalogue(size)
    began = time.perf_counter()
    reader = Reader(catalog, Registry(VERBS))
    built = time.perf_counter() - began
    names = list(catalog.services)
    a, b = names[size // 3], names[size // 2]
    words = [sentence.format(a=a, b=b) for sentence in SENTENCES]
    took, cpu = asyncio.run(_read(reader, words, rounds))
    slowest = max(words, key=lambda sentence: sorted(took[sentence])[rounds // 2])
    return {
        **spread([one for each in took.values() for one in each], "us", 1),
        "processor": spread(cpu, "us", 1),  # of others on the same cores it knows nothing
        "slowest_sentence": slowest,
        "slowest_sentence_us": round(sorted(took[slowest])[rounds // 2] * 1e6, 1),
        "reader_built_ms": round(built * 1e3, 1),
    }


async def _read(reader: Reader, words: list[str], rounds: int) -> tuple[dict[str, list[float]], list[float]]:
    """Seconds by sentence, and the processor's seconds of each."""
    for sentence in words:
        await reader.read(sentence)
    took: dict[str, list[float]] = {sentence: [] for sentence in words}
    cpu = []
    for _ in range(rounds):
        for sentence in words:
            began, worked = time.perf_counter(), time.thread_time()
            await reader.read(sentence)
            cpu.append(time.thread_time() - worked)
            took[sentence].append(time.perf_counter() - began)
    return took, cpu
