"""Several endpoints in order: fallback, retries, the breaker, the probe, what is remembered, and what never leaves."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from actions import yamlfile
from actions.catalog import Catalog
from actions.errors import ConfigError
from actions.registry import Registry
from bot.playground.host import Host
from intents import journal
from intents.gateway import ModelGateway
from intents.models import endpoints
from intents.models.breaker import FAILURES, LONGEST, SHORTEST, Breaker
from intents.models.budget import Asker
from intents.models.endpoints import Models
from intents.models.failures import ModelFailed
from intents.models.providers import kind_of
from intents.reader import Reader
from tests.intents.endpoint import Answer, Endpoint, content, says, serving, tool_call
from tests.waiting import PATIENCE

ASK = [{"role": "user", "content": "x"}]
SMALL: dict[str, Any] = {
    "type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"], "additionalProperties": False,
}  # fmt: skip
FIRST, SECOND = {"kind": "first"}, {"kind": "second"}
SPANS = InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def _traced() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(SPANS))
    trace.set_tracer_provider(provider)


async def status(code: int, **headers: str) -> web.Response:
    return web.json_response({"error": {"message": "no"}}, status=code, headers=headers)


async def silent(_: dict[str, Any]) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


class Clock:
    """Seconds, as the test says."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def several(*answers: Answer, clock: Clock | None = None, **more: Any) -> Iterator[tuple[ModelGateway, list[Endpoint]]]:
    """A gateway to several endpoints in this order."""
    found = [Endpoint(answer) for answer in answers]
    with ExitStack() as stack:
        urls = [stack.enter_context(Host(endpoint.app())) for endpoint in found]
        entries = [{"name": f"e{n}", "base_url": f"{url}/v1", "model": "small"} for n, url in enumerate(urls)]
        models = Models.model_validate({"endpoints": entries, "remember": 0, "deadline": PATIENCE, **more})
        yield ModelGateway(models, clock=clock or time.monotonic), found


async def test_the_next_endpoint_answers_where_one_does_not() -> None:
    """R5: in order; who answers is in the journal."""
    calls: list[journal.Call] = []
    with several(lambda _: status(401), says(SECOND)) as (gateway, asked):
        gateway._record = calls.append
        assert await gateway.ask(ASK, SMALL) == SECOND
        await gateway.close()
    assert [len(one.bodies) for one in asked] == [1, 1]
    assert (calls[0].endpoint, calls[0].ending, calls[0].attempts) == ("e1", "answered", 2)
    assert calls[0].usd is None, "a model without a known price is unpriced, never free"


async def test_one_that_hangs_leaves_the_others_their_time() -> None:
    """R4: one deadline for all endpoints together."""
    with several(silent, says(SECOND), deadline=8.0) as (gateway, _):
        assert await gateway.ask(ASK, SMALL) == SECOND
        await gateway.close()
    with several(silent, silent, deadline=0.5) as (gateway, _):
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(ModelFailed):
                await gateway.ask(ASK, SMALL)
        await gateway.close()


async def test_a_busy_endpoint_is_asked_again_soon_and_a_long_wait_is_not_waited_for() -> None:
    codes = iter([503, 429, 200])

    async def busy(_: dict[str, Any]) -> web.Response:
        code = next(codes)
        return content(FIRST) if code == 200 else await status(code)

    with several(busy, says(SECOND)) as (gateway, asked):
        assert await gateway.ask(ASK, SMALL) == FIRST
        await gateway.close()
    assert [len(one.bodies) for one in asked] == [3, 0]
    with several(lambda _: status(429, **{"Retry-After": "30"}), says(SECOND)) as (gateway, asked):
        for _ in range(2):
            assert await gateway.ask(ASK, SMALL) == SECOND
        await gateway.close()
    assert [len(one.bodies) for one in asked] == [1, 2], "it said when, so it is left alone until then"


async def test_an_endpoint_that_keeps_failing_is_left_alone_and_tried_once_after_a_while() -> None:
    clock, works = Clock(), [False]

    async def unwell(_: dict[str, Any]) -> web.Response:
        return content(FIRST) if works[0] else await status(401)

    with several(unwell, says(SECOND), clock=clock) as (gateway, asked):
        for _ in range(FAILURES + 2):
            assert await gateway.ask(ASK, SMALL) == SECOND
        assert len(asked[0].bodies) == FAILURES
        works[0] = True
        clock.now += SHORTEST
        assert await gateway.ask(ASK, SMALL) == FIRST
        await gateway.close()


def test_a_breaker_opens_longer_each_time_and_lets_one_trial_through() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        assert breaker.lets()
        breaker.failed()
    pause = SHORTEST
    for _ in range(8):
        assert not breaker.lets()
        clock.now += pause
        assert [breaker.lets(), breaker.lets()] == [True, False]
        breaker.failed()
        pause = min(pause * 2, LONGEST)
    clock.now += LONGEST
    assert breaker.lets()
    breaker.gave_up()
    assert breaker.lets()
    breaker.worked()
    assert [breaker.lets(), breaker.lets()] == [True, True]


async def _llama(body: dict[str, Any]) -> web.Response:
    """As llama.cpp's server was measured: 500 on a schema, a named tool held to, prose otherwise."""
    if body.get("response_format", {}).get("type") == "json_schema":
        return await status(500)
    if "tools" in body:
        allowed = body["tools"][0]["function"]["parameters"]["properties"]
        return tool_call("read", json.dumps({name: part["enum"][0] for name, part in allowed.items()}))
    return content("The sky is blue.")


async def _obeys(body: dict[str, Any]) -> web.Response:
    allowed = body["response_format"]["json_schema"]["schema"]["properties"]
    return content({name: part["enum"][0] for name, part in allowed.items()})


@pytest.mark.parametrize(
    ("answer", "finds", "requests"),
    [
        (_obeys, "json_schema", 1),
        (_llama, "tools", 2),
        (says("The sky is blue."), "enforces nothing; its answers are repaired", 3),
        (lambda _: status(401), "The model's endpoint does not accept our key.", 1),
        (lambda _: status(400), "The model's endpoint answered 400.", 3),
    ],
)
async def test_the_probe_sees_what_an_endpoint_holds_to(answer: Answer, finds: str, requests: int) -> None:
    """A schema that is taken but not held to is not believed."""
    with several(answer) as (gateway, asked):
        assert [(found.name, found.say) for found in await gateway.probe()] == [("e0", finds)]
        await gateway.close()
    assert len(asked[0].bodies) == requests


async def test_a_parameter_that_is_refused_by_name_is_left_out_from_then_on() -> None:
    async def fussy(body: dict[str, Any]) -> web.Response:
        if "temperature" in body:
            return web.json_response({"error": {"message": "no", "param": "temperature"}}, status=400)
        return content(FIRST)

    with several(fussy) as (gateway, asked):
        for _ in range(2):
            assert await gateway.ask(ASK, SMALL) == FIRST
        await gateway.close()
    assert ["temperature" in body for body in asked[0].bodies] == [True, False, False]


class Raw:
    """An application that answers with endless or compressed bytes."""

    def __init__(self, code: int, *, packed: bool = False) -> None:
        self.code, self.packed = code, packed

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self.pour)
        return app

    async def pour(self, request: web.Request) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip"} if self.packed else {}
        response = web.StreamResponse(status=self.code, headers={"Content-Type": "application/json", **headers})
        await response.prepare(request)
        while True:
            await response.write(b" " * 65_536)


@pytest.mark.parametrize("app", [Raw(200), Raw(500), Raw(200, packed=True)])
async def test_an_endless_answer_is_dropped_long_before_the_deadline(app: Raw) -> None:
    """R4: neither time nor memory, also where an error goes on for ever or is compressed."""
    with Host(app.app()) as url:
        gateway = ModelGateway(endpoints.single(f"{url}/v1", "key", "small", 60.0))
        began = time.monotonic()
        with pytest.raises(ModelFailed):
            await gateway.ask(ASK, SMALL)
        assert time.monotonic() - began < 45
        await gateway.close()


async def test_a_redirect_is_not_followed() -> None:
    """The words and the key go to the configured address and to no other."""
    with serving(says(FIRST)) as (_, elsewhere), Host(elsewhere.app()) as target:
        app = web.Application()

        async def moved(_: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(f"{target}/v1/chat/completions")

        app.router.add_post("/v1/chat/completions", moved)
        with Host(app) as url:
            gateway = ModelGateway(endpoints.single(f"{url}/v1", "key", "small"))
            with pytest.raises(ModelFailed):
                await gateway.ask(ASK, SMALL)
            await gateway.close()
    assert elsewhere.bodies == []


async def test_the_same_question_is_asked_once_and_any_other_anew() -> None:
    """The key holds the words, the prompt, the person, and what else the answer rests on."""
    calls: list[journal.Call] = []
    clock = Clock()
    with several(says(FIRST), clock=clock, remember=100) as (gateway, asked):
        gateway._record = calls.append
        ana, ben = Asker("ana", "t", "c"), Asker("ben", "t", "c")
        again: list[tuple[Any, ...]] = [
            (ASK, SMALL, "p", ana, ("catalogue", "policy")),
            ([{"role": "user", "content": "y"}], SMALL, "p", ana, ("catalogue", "policy")),
            (ASK, SMALL, "q", ana, ("catalogue", "policy")),
            (ASK, SMALL, "p", ben, ("catalogue", "policy")),
            (ASK, SMALL, "p", ana, ("catalogue", "policy 2")),
        ]
        for arguments in again * 2:
            assert await gateway.ask(*arguments) == FIRST
        assert len(asked[0].bodies) == len(again)
        clock.now += 3_601
        await gateway.ask(*again[0])
        assert len(asked[0].bodies) == len(again) + 1
        await gateway.close()
    assert [call.ending for call in calls] == ["answered"] * 5 + ["remembered"] * 5 + ["answered"]


async def test_an_answer_holds_under_the_policy_in_force_alone(catalog: Catalog, registry: Registry) -> None:
    """What another process adopted meanwhile counts; where nobody can say which policy holds, no model is asked."""
    versions = iter(["one", "one", "two"])

    def in_force() -> str:
        for version in versions:
            return version
        raise ConfigError("the store is down")

    with several(says({"kind": "question", "verb": "restart"}), remember=9) as (gateway, asked):
        reader = Reader(catalog, registry, gateway, in_force)
        counts = []
        for _ in range(4):
            await reader.read_with("model", "gimme the vibe of cart")
            counts.append(len(asked[0].bodies))
        await gateway.close()
    assert counts == [1, 1, 2, 2]
    assert reader.note == "I am reading without the model for now: the store is down"


CANARIES = (
    "xoxb-1234567890-canary0canary", "ghp_canarycanarycanarycanary12345", "AKIACANARYCANARY1234",
    "sk-canary-canary-1canary", "eyJjYW5hcnkiOiJ4In0.eyJjYW5hcnkiOiJ4In0.c2ln", "ana.canary@example.org",
    "cAnaRy7cAnaRy7cAnaRy7cAnaRy7cAnaRy7x",
)  # fmt: skip


@pytest.mark.parametrize("recorded", [False, True])
async def test_no_secret_leaves_for_a_model_nor_into_a_trace_the_cache_or_the_journal(
    recorded: bool, catalog: Catalog, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """L6: also where prompts and answers are recorded."""
    SPANS.clear()
    words = "scale poor checkout in prod up to five, password=canary-pass " + " ".join(CANARIES)
    with caplog.at_level(logging.INFO), several(says(FIRST), record_content=recorded, remember=9) as (gateway, asked):
        await Reader(catalog, registry, gateway).read_with("model", words)
        kept = repr(gateway._cache._kept)
        await gateway.close()
    assert asked[0].bodies
    traced = json.dumps([dict(span.attributes or {}) for span in SPANS.get_finished_spans()])
    assert ("poor checkout" in traced) is recorded
    sent = json.dumps(asked[0].bodies, ensure_ascii=False)
    for canary in (*CANARIES, "canary-pass"):
        for place in (sent, traced, kept, caplog.text):
            assert canary not in place


async def test_a_call_is_traced_under_the_names_of_the_conventions() -> None:
    SPANS.clear()
    with several(lambda _: status(500), says(FIRST)) as (gateway, _):
        await gateway.ask(ASK, SMALL, "f00d" * 16)
        await gateway.close()
    spans: list[ReadableSpan] = list(SPANS.get_finished_spans())
    failed, answered = dict(spans[0].attributes or {}), dict(spans[-1].attributes or {})
    assert failed["error.type"] == "NextWay"
    assert spans[-1].name == "chat small"
    assert answered["gen_ai.operation.name"] == "chat"
    assert answered["gen_ai.request.model"] == answered["gen_ai.response.model"] == "small"
    assert (answered["gen_ai.usage.input_tokens"], answered["gen_ai.usage.output_tokens"]) == (100, 20)
    assert "gen_ai.input.messages" not in answered


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://mine.openai.azure.com/openai/v1", "azure"),
        ("http://127.0.0.1:11434/v1", "ollama"),
        ("http://vllm.internal:8000/v1", "other"),
    ],
)
def test_a_kind_is_told_from_the_address_where_that_is_plain(url: str, kind: str) -> None:
    assert kind_of(url) == kind


def test_a_file_names_endpoints_limits_and_what_is_wrong(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("s3cret\n")
    file = tmp_path / "models.yaml"
    file.write_text(
        f"endpoints:\n  - {{name: house, base_url: 'http://vllm:8000/v1', kind: vllm, api_key_file: {key}}}\n"
        "  - {name: spare, model: gpt-4o-mini}\nlimits:\n  - {per: person, calls_per_minute: 10, usd_per_day: 0.5}\n"
    )
    models = endpoints.load(file)
    assert [endpoint.name for endpoint in models.endpoints] == ["house", "spare"]
    assert models.endpoints[0].key() == "s3cret"
    assert "s3cret" not in repr(models)
    for wrong, line in (
        ("endpoints: []\n", 1),
        ("endpoints:\n  - {base_url: 'http://u:p@h/v1'}\n", 2),
        ("endpoints:\n  - {name: a}\n  - {name: a}\n", 1),
        ("endpoints:\n  - {name: a}\nlimits:\n  - {per: dog}\n", 4),
    ):
        file.write_text(wrong)
        with pytest.raises(ConfigError, match=rf"models\.yaml:{line}: "):
            endpoints.load(file)
    file.write_text("endpoints:\n  - {api_key_file: /no/such/key}\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        endpoints.load(file)


def test_the_published_schema_is_fresh() -> None:
    published = Path(endpoints.__file__).parents[1] / "models.schema.json"
    assert published.read_text() == yamlfile.schema(Models), "write actions.yamlfile.schema(Models) there again"
