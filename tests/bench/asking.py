"""What a model costs beside its own time: the size of a prompt, what the gateway adds, and readings side by side."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from aiohttp import ClientSession, web

from actions.registry import Registry
from actions.verbs import VERBS
from bot.playground.host import Host
from intents import asking, schema
from intents.gateway import ModelGateway
from intents.grammar.lexicon import english
from intents.grammar.piece import READS
from intents.models.endpoints import Models
from intents.names import Names
from intents.reader import Reader
from intents.reading import Context
from intents.tokens import Sentence
from tests.bench.figures import Json, quantile, spread
from tests.bench.reading import SENTENCES, catalogue
from tests.intents.endpoint import Endpoint, content

ANSWER = {"kind": "question", "verb": "restart"}


def measure(sizes: tuple[int, ...], calls: int, thinks: float, at_once: int) -> Json:
    """Prompts by size of the catalogue, `calls` in a row, and `at_once` readings by a model that `thinks` so long."""
    return {
        "what": "the deciding call: its size, what the gateway adds to the endpoint's time, and many at once",
        **{f"{size}_services": prompt(size) for size in sizes},
        "overhead": asyncio.run(_overhead(calls)),
        "at_once": asyncio.run(_at_once(thinks, at_once)),
    }


def prompt(size: int) -> Json:
    """Characters of the largest request for any of the bench's sentences, schema included.

    English and JSON come to more than three characters a token with the vocabularies in use, so a third of the
    characters is an upper bound.
    """
    names = Names(catalogue(size))
    listed = list(names.catalog.services)
    emitted = len(json.dumps(schema.emit(Registry(VERBS)), separators=(",", ":")))
    sizes = []
    for sentence in SENTENCES:
        words = Sentence(sentence.format(a=listed[size // 3], b=listed[size // 2]))
        messages = asking.messages(words, Context(), names, english(READS))
        sizes.append(sum(len(message["content"]) for message in messages) + emitted)
    return {"characters_max": max(sizes), "tokens_at_most": max(sizes) // 3}


async def _overhead(calls: int) -> Json:
    """The same request by a bare client and by the gateway, in turn, at an endpoint that answers at once."""

    async def answer(_: dict[str, Any]) -> web.Response:
        return content(ANSWER)

    emitted = schema.emit(Registry(VERBS))
    messages = [{"role": "user", "content": "x" * 2_000}]
    with Host(Endpoint(answer).app()) as url:
        gateway = ModelGateway(_models(url))
        bare, whole = [], []
        async with ClientSession() as session:
            for _ in range(calls + 5):
                began = time.perf_counter()
                async with session.post(f"{url}/v1/chat/completions", json={"messages": messages}) as response:
                    await response.read()
                middle = time.perf_counter()
                await gateway.ask(messages, emitted)
                bare.append(middle - began)
                whole.append(time.perf_counter() - middle)
        await gateway.close()
    added = [one - other for one, other in zip(whole[5:], bare[5:], strict=True)]
    return {"bare": spread(bare[5:], "ms"), "gateway": spread(whole[5:], "ms"), "added_p50_ms": _ms(added)}


async def _at_once(thinks: float, at_once: int) -> Json:
    """Sentences that only the model reads, all at the same time."""

    async def answer(_: dict[str, Any]) -> web.Response:
        await asyncio.sleep(thinks)
        return content(ANSWER)

    with Host(Endpoint(answer).app()) as url:
        gateway = ModelGateway(_models(url, concurrent=at_once))
        reader = Reader(catalogue(1_000), Registry(VERBS), gateway)
        await reader.read("gimme the vibe of cart-api-00000")
        began = time.perf_counter()
        await asyncio.gather(*(reader.read(f"gimme vibe number {n} of cart-api-00000") for n in range(at_once)))
        took = time.perf_counter() - began
        await gateway.close()
    return {"model_seconds": thinks, "readings": at_once, "readings_per_s": round(at_once / took, 1)}


def _models(url: str, **more: Any) -> Models:
    endpoint = {"base_url": f"{url}/v1", "model": "m", **more}
    return Models.model_validate({"endpoints": [endpoint], "remember": 0, "deadline": 30})


def _ms(values: list[float]) -> float:
    return round(quantile(values, 0.5) * 1e3, 2)
