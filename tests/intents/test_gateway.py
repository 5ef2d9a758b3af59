"""The gateway against an endpoint on the wire: what it asks, and every way in which an endpoint fails."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from actions.catalog import Catalog
from actions.registry import Registry
from bot.playground.host import Host
from intents import schema
from intents.gateway import ModelGateway
from intents.models.budget import Asker, MemoryBook
from intents.models.endpoints import Limit, single
from intents.models.failures import ModelFailed
from intents.reader import Reader
from intents.reading import Command, Context, Question, Refusal
from tests.intents.endpoint import Answer, content, says, serving, tool_call
from tests.waiting import PATIENCE

GOOD = {"kind": "command", "verb": "scale", "service": "checkout", "environment": "prod", "replicas": 5}
ODD = "scale poor checkout in prod up to five"  # the grammar does not know every word of it
ASK = [{"role": "user", "content": "x"}]


@pytest.fixture
def emitted(registry: Registry) -> dict[str, Any]:
    return schema.emit(registry)


async def test_a_strict_schema_is_asked_for_first(emitted: dict[str, Any]) -> None:
    with serving(says(GOOD)) as (gateway, endpoint):
        assert await gateway.ask(ASK, emitted) == GOOD
        await gateway.close()
    wanted = endpoint.bodies[0]["response_format"]["json_schema"]
    assert wanted["strict"] is True
    assert wanted["schema"] == emitted


async def test_what_an_endpoint_enforces_is_found_and_remembered(emitted: dict[str, Any]) -> None:
    """An endpoint that refuses schema and tools with 400 is asked for plain JSON, the second time at once; one that
    answers 500 instead is believed after three times."""

    def plain_only(refused: int) -> Answer:
        async def answer(body: dict[str, Any]) -> web.Response:
            if "tools" in body:
                return web.json_response({"error": {"message": "no tools"}}, status=400)
            if body["response_format"]["type"] == "json_schema":
                return web.json_response({"error": {"message": "boom"}}, status=refused)
            return content(GOOD)

        return answer

    for status, requests in ((400, [3, 1, 1, 1]), (500, [3, 2, 2, 1])):
        with serving(plain_only(status)) as (gateway, endpoint):
            for expected in requests:
                before = len(endpoint.bodies)
                assert await gateway.ask(ASK, emitted) == GOOD
                assert len(endpoint.bodies) - before == expected
            await gateway.close()


async def test_one_500_that_passes_costs_no_strictness(emitted: dict[str, Any]) -> None:
    """A way of asking is given up only where that is proven; the next question is asked with the schema again."""
    answers = iter([500, 200, 200])

    async def hiccup(body: dict[str, Any]) -> web.Response:
        return content(GOOD) if next(answers) == 200 else web.json_response({"error": {}}, status=500)

    with serving(hiccup) as (gateway, endpoint):
        for _ in range(2):
            assert await gateway.ask(ASK, emitted) == GOOD
        await gateway.close()
    assert ["tools" in body for body in endpoint.bodies] == [False, True, False]
    assert endpoint.bodies[-1]["response_format"]["type"] == "json_schema"


async def test_the_name_of_the_model_can_be_said(emitted: dict[str, Any]) -> None:
    """Without a configured one it is the first that the endpoint lists, and is known before the first question."""
    with serving(says(GOOD), model=None) as (gateway, endpoint):
        names = [gateway.model, await gateway.find_model(), gateway.model]
        assert names == [None, "first", "first"]
        await gateway.ask(ASK, emitted)
        await gateway.close()
    assert endpoint.bodies[0]["model"] == "first"


async def test_a_tool_is_a_way_to_answer(emitted: dict[str, Any]) -> None:
    async def tools_only(body: dict[str, Any]) -> web.Response:
        return tool_call("read", json.dumps(GOOD)) if "tools" in body else content("prose")

    with serving(tools_only) as (gateway, _):
        assert await gateway.ask(ASK, emitted) == GOOD
        await gateway.close()


async def test_prose_is_repaired_once(emitted: dict[str, Any]) -> None:
    async def after_repair(body: dict[str, Any]) -> web.Response:
        repaired = "not usable" in str(body["messages"][-1]["content"])
        return content(f"Here it is: {json.dumps(GOOD)}. Bye.") if repaired else content("Sure!")

    with serving(after_repair) as (gateway, _):
        assert await gateway.ask(ASK, emitted) == GOOD
        await gateway.close()


async def test_without_a_model_the_endpoints_first_is_taken(emitted: dict[str, Any]) -> None:
    with serving(says(GOOD), model=None) as (gateway, endpoint):
        await gateway.ask(ASK, emitted)
        await gateway.close()
    assert endpoint.bodies[0]["model"] == "first"


async def _status(code: int, **headers: str) -> web.Response:
    return web.json_response({"error": {"message": "no"}}, status=code, headers=headers)


async def _silent(_: dict[str, Any]) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


class _Drip:
    """Sends white space for ever, so that no single read takes long."""

    async def prepare_and_drip(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("patience", [None, PATIENCE])
async def test_an_answer_that_drips_for_ever_ends_at_the_deadline(
    emitted: dict[str, Any], patience: float | None
) -> None:
    """R4: the deadline is for everything, not for one read, whatever patience an endpoint is given by itself."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", _Drip().prepare_and_drip)
    with Host(app) as url:
        models = single(f"{url}/v1", "key", "small", deadline=0.3)
        alone = models.endpoints[0].model_copy(update={"timeout": patience})
        gateway = ModelGateway(models.model_copy(update={"endpoints": (alone,)}))
        async with asyncio.timeout(PATIENCE / 2):
            with pytest.raises(ModelFailed, match=r"did not answer within 0\.3 s"):
                await gateway.ask(ASK, emitted)
        await gateway.close()


class _Raw:
    """Answers with these bytes, whatever they are."""

    def __init__(self, body: bytes, kind: str = "application/json") -> None:
        self._body, self._kind = body, kind

    async def __call__(self, _: dict[str, Any]) -> web.Response:
        return web.Response(body=self._body, content_type=self._kind)


FAILURES: dict[str, Answer] = {
    "429": lambda _: _status(429, **{"Retry-After": "30"}),
    "500": lambda _: _status(500),
    "401": lambda _: _status(401),
    "silent": _silent,
    "no JSON at all": _Raw(b"<html>gateway</html>", "text/html"),
    "broken JSON": _Raw(b'{"choices": ['),
    "no choices": _Raw(b'{"choices": []}'),
    "null": _Raw(b"null"),
    "message null": _Raw(b'{"choices": [{"index": 0, "message": null, "finish_reason": "stop"}]}'),
    "binary": _Raw(bytes(range(256))),
    "prose": says("I would rather not."),
    "a list": says([1, 2]),
    "unknown property": says({**GOOD, "approve": True}),
    "unknown verb": says({**GOOD, "verb": "approve"}),
    "wrong type": says({**GOOD, "replicas": "5"}),
    "no kind": says({"verb": "scale"}),
    "deep": says("[" * 5_000),
    "long": says('{"kind": "' + "x" * 100_000 + '"}'),
    "cut off": lambda _: _soon(content('{"kind": "comm', "length")),
    "filtered": lambda _: _soon(content(None, "content_filter")),
    "declined": lambda _: _soon(content(None, refusal="I can't help with that.")),
    "another tool": lambda _: _soon(tool_call("approve", "{}")),
}


async def _soon(response: web.Response) -> web.Response:
    await asyncio.sleep(0)
    return response


@pytest.mark.parametrize("kind", FAILURES)
async def test_every_failure_of_a_model_ends_in_the_grammars_answer(
    kind: str, catalog: Catalog, registry: Registry
) -> None:
    """R4, R5: one deadline, a valid reading, a note that says so, and sentences it knows still work."""
    deadline = 0.4 if kind == "silent" else PATIENCE  # only what is silent has to be given up
    with serving(FAILURES[kind], deadline) as (gateway, _):
        reader = Reader(catalog, registry, gateway)
        async with asyncio.timeout(PATIENCE):
            reading = await reader.read(ODD)
        assert isinstance(reading, Refusal)
        assert reading.engine == "grammar"
        assert reader.note is not None
        assert reader.note.startswith("I am reading without the model")
        assert isinstance(await reader.read("scale checkout to 5 in prod"), Command)
        await gateway.close()


async def test_an_endpoint_that_is_not_there_is_no_trouble(catalog: Catalog, registry: Registry) -> None:
    """R5."""
    gateway = ModelGateway(single("http://127.0.0.1:9/v1", "key", "small", deadline=3))
    reader = Reader(catalog, registry, gateway)
    assert isinstance(await reader.read(ODD), Refusal)
    assert reader.note
    assert isinstance(await reader.read("restart cart in prod"), Command)
    await gateway.close()


async def test_the_note_goes_when_the_model_is_back(catalog: Catalog, registry: Registry) -> None:
    """R5."""
    answers = iter([_status(401), _soon(content(GOOD))])
    with serving(lambda _: next(answers)) as (gateway, _):
        reader = Reader(catalog, registry, gateway)
        await reader.read(ODD)
        during = reader.note
        reading = await reader.read(ODD)
        after = reader.note
        await gateway.close()
    assert during is not None
    assert after is None
    assert isinstance(reading, Question)  # "poor" is a word that nobody consumed: a person confirms
    assert reading.so_far == {"verb": "scale", "service": "checkout", "replicas": 5}


async def test_no_call_raises_anything_but_its_own_error(emitted: dict[str, Any]) -> None:
    """R4."""
    with serving(FAILURES["binary"]) as (gateway, _):
        with pytest.raises(ModelFailed):
            await gateway.ask(ASK, emitted)
        await gateway.close()


class BrokenBook(MemoryBook):
    """Breaks in a way that nothing about models foresees."""

    def reserve(self, asker: Asker, usd: Decimal, limits: Sequence[Limit]) -> int:
        raise LookupError("an odd failure")


async def test_a_failure_that_nothing_foresees_ends_in_the_grammars_answer_too(
    catalog: Catalog, registry: Registry
) -> None:
    """R4: the gateway's own last net, without those below it."""
    limits = (Limit(per="all", calls_per_day=9),)
    with serving(says(GOOD), book=BrokenBook(time.time), limits=limits) as (gateway, endpoint):
        reading = await Reader(catalog, registry, gateway).read(ODD)
        await gateway.close()
    assert isinstance(reading, Refusal)
    assert (reading.engine, endpoint.bodies) == ("grammar", [])


async def test_the_grammar_is_asked_first_and_costs_no_call(catalog: Catalog, registry: Registry) -> None:
    with serving(says(GOOD)) as (gateway, endpoint):
        await Reader(catalog, registry, gateway).read("restart cart in prod")
    assert endpoint.bodies == []


async def test_the_deciding_call_holds_only_the_words_and_typed_actions(catalog: Catalog, registry: Registry) -> None:
    """R3: byte-stable up to the thread, sorted catalogue entries, a bounded size, nothing else."""
    with serving(says(GOOD)) as (gateway, endpoint):
        reader = Reader(catalog, registry, gateway)
        context = Context.model_validate(
            {"earlier": [{"action": {"verb": "restart", "service": "cart"}, "state": "x"}]}
        )
        await reader.read_with("model", ODD, context)
        await reader.read_with("model", ODD, context)
        await gateway.close()
    first, second = endpoint.bodies
    assert first == second
    assert [message["role"] for message in first["messages"]] == ["system", *["user", "assistant"] * 3, "user"]
    asked = json.loads(first["messages"][-1]["content"])
    assert set(asked) == {"catalogue", "thread", "sentence"}
    assert asked["sentence"] == ODD
    assert asked["catalogue"]["services"] == sorted(asked["catalogue"]["services"])
    assert len(asked["catalogue"]["services"]) <= 8
    assert len(json.dumps(first["messages"])) < 6_000
