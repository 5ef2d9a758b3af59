"""One endpoint at work: which model, which way of asking, how often, and whether to ask it at all.

What an endpoint honours is found by the probe and by using it: a strict schema, then a named tool, then plain JSON with
one repair. A way is given up only where that is proven: by an answer that says so (400, 404, 422 …), or by failing
several times in a row while a weaker way works; one 500 that passes costs one question its speed.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import JsonValue

from intents.models import answers, prices, spans
from intents.models.answers import Tokens
from intents.models.breaker import Breaker
from intents.models.budget import Asker, Budget
from intents.models.endpoints import Endpoint
from intents.models.failures import ModelFailed, NextEndpoint, NextWay, describe
from intents.models.providers import Way

if TYPE_CHECKING:  # imported where it is used: it takes a second to load
    from openai import AsyncOpenAI

TRIES = 3  # of one request, where an endpoint is overloaded or hangs up
PROVEN = 3  # failures of a way in a row, each beside a weaker way that worked, that count as much as saying so
_NOT_TAKEN = frozenset((400, 404, 405, 415, 422, 501))  # the endpoint says itself that it does not know this way
_BUSY = frozenset((408, 409, 502, 503, 504, 529))
_SOON = 1.0  # seconds of a Retry-After that are waited for; after more the next endpoint is faster
_FIRST_PAUSE = 0.1  # seconds at most before the second try; doubled for each further one


class Question(NamedTuple):
    """What a model is asked."""

    messages: list[dict[str, str]]  # as they may leave
    schema: dict[str, Any]
    prompt: str  # the prompt's content hash
    asker: Asker
    output_tokens: int = 500  # of the longest answer that makes sense


class Used:
    """What the attempts at one question used."""

    def __init__(self) -> None:
        self.attempts, self.tokens, self.endpoint, self.model = 0, Tokens(), "", ""
        self.usd: Decimal | None = Decimal(0)  # None as soon as one answer is unpriced

    def add(self, tokens: Tokens, usd: Decimal | None) -> None:
        """One more answer."""
        self.tokens += tokens
        self.usd = None if usd is None or self.usd is None else self.usd + usd


class Connection:
    """Asks one endpoint. Used on one event loop."""

    def __init__(
        self, endpoint: Endpoint, budget: Budget, clock: Callable[[], float], deadline: float, *, content: bool
    ) -> None:
        self.endpoint, self.model = endpoint, endpoint.model
        self.breaker = Breaker(clock)
        self.enforces: Way | None = None  # what the probe saw it hold to
        self._budget, self._deadline, self._content = budget, deadline, content
        self._against: dict[Way, int] = {}  # what speaks against a way of asking
        self._unwanted: set[str] = set()  # parameters that it refused by name
        self._room = asyncio.Semaphore(endpoint.concurrent)
        self._client: AsyncOpenAI | None = None

    async def chosen(self) -> str:
        """The model: the configured one, or the first that the endpoint lists. Raises NextEndpoint."""
        if self.model is None:
            try:
                listed = (await self._connected().models.list()).data
                self.model = listed[0].id
            except Exception as error:
                raise NextEndpoint(describe(error)) from error
        return self.model

    async def ask(self, question: Question, used: Used) -> dict[str, JsonValue]:
        """The model's object. Raises NextEndpoint, or ModelFailed where no other endpoint would do better."""
        ways = [way for way in self.endpoint.provider.ways if self._against.get(way, 0) < PROVEN]
        problem, failed = "The model gave no answer.", dict[Way, int]()
        async with self._room:
            for way in ways or self.endpoint.provider.ways:
                try:
                    answer = await self._ask(way, question, used)
                except NextWay as error:
                    problem, failed[way] = error.say, error.proof
                    continue
                self._learn(way, failed)
                return answer
        raise NextEndpoint(problem)

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def found(self, way: Way, *, taken: bool, enforced: bool) -> None:
        """What the probe saw of a way."""
        self._against[way] = 0 if taken else PROVEN
        if enforced:
            self.enforces = way

    def _learn(self, worked: Way, failed: dict[Way, int]) -> None:
        """Only beside a way that worked does a failure speak against a way; else it was the endpoint itself."""
        self._against[worked] = 0
        for way, proof in failed.items():
            self._against[way] = self._against.get(way, 0) + proof

    async def _ask(self, way: Way, question: Question, used: Used) -> dict[str, JsonValue]:
        text = await self.complete(way, question, used)
        try:
            return answers.an_object(text, question.schema)
        except NextWay as error:
            if way != "json_object":
                raise
            said = {"role": "assistant", "content": text[: answers.LONGEST]}
            repair = {"role": "user", "content": f"That was not usable: {error.say} Answer with the JSON object alone."}
            again = question._replace(messages=[*question.messages, said, repair])
            return answers.an_object(await self.complete(way, again, used), question.schema)

    async def complete(self, way: Way, question: Question, used: Used) -> str:
        """The text of one answer. Raises NextWay, NextEndpoint or ModelFailed."""
        model = await self.chosen()
        used.endpoint, used.model = self.endpoint.name, model
        provider, most = self.endpoint.provider, self._most(question)
        traced: dict[str, str | int] = {
            spans.OPERATION: "chat", spans.PROVIDER: provider.traced_as, spans.REQUEST_MODEL: model,
            spans.MAX_TOKENS: most, spans.OUTPUT_TYPE: "json", spans.WAY: way, spans.ENDPOINT: self.endpoint.name,
            spans.PROMPT: question.prompt[:12],
        }  # fmt: skip
        with spans.call(traced, content=self._content) as span:
            span.asked(question.messages)
            answer, usd = await self._paid(model, way, question, used)
            tokens = answers.tokens(answer)
            used.add(tokens, usd)
            text = answers.text(answer)
            span.answered(str(answer.get("model") or model)[:100], tokens, text, usd)
            return text

    async def _paid(
        self, model: str, way: Way, question: Question, used: Used
    ) -> tuple[dict[str, Any], Decimal | None]:
        """An answer and its price. The most that it can cost is set aside first: no token is less than a byte."""
        sent = {"model": model, "messages": question.messages, **answers.wanted(way, question.schema)}
        size = len(json.dumps(sent, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        most = prices.cost(self.endpoint, model, Tokens(size, self._most(question)))
        reserved = await self._budget.reserve(question.asker, most)
        try:
            answer = await self._tried(sent, self._most(question), used)
        except (NextWay, NextEndpoint):  # it was not answered, so it is not charged
            await self._budget.settle(reserved, Decimal(0))
            raise
        usd = prices.cost(self.endpoint, model, answers.tokens(answer))
        await self._budget.settle(reserved, usd)
        return answer, usd

    async def _tried(self, sent: dict[str, Any], most: int, used: Used) -> dict[str, Any]:
        """The answer, after some tries where the endpoint is busy."""
        for left in reversed(range(TRIES)):
            used.attempts += 1
            try:
                return await self._sent(sent, most)
            except NextEndpoint as error:
                if not left or not error.passing or (error.wait or 0) > _SOON:
                    raise
                spread = random.uniform(0, _FIRST_PAUSE * 2 ** (TRIES - 1 - left))  # noqa: S311 - jitter, no secret
                await asyncio.sleep((error.wait or 0) + spread)
        raise AssertionError

    async def _sent(self, sent: dict[str, Any], most: int) -> dict[str, Any]:
        import openai

        try:
            raw: Any = await self._connected().chat.completions.with_raw_response.create(
                **sent, **self._parameters(most)
            )
            answer = json.loads(raw.http_response.content)
        except openai.APIStatusError as error:
            raise self._refused(error) from error
        except openai.APITimeoutError as error:
            raise NextEndpoint(describe(error), passing=False) from error
        except openai.APIError as error:  # a connection that was kept too long, mostly
            raise NextEndpoint(describe(error)) from error
        except (ValueError, RecursionError):
            raise NextWay("The endpoint's answer is no JSON.") from None
        if not isinstance(answer, dict):
            raise NextWay("The endpoint's answer is no object.")
        return answer

    def _most(self, question: Question) -> int:
        """Tokens of the longest answer that is wanted."""
        return min(question.output_tokens, self.endpoint.max_output_tokens)

    def _parameters(self, most: int) -> dict[str, Any]:
        provider = self.endpoint.provider
        found: dict[str, Any] = {provider.length: most}
        if provider.temperature:
            found["temperature"] = 0
        return {name: value for name, value in found.items() if name not in self._unwanted}

    def _refused(self, error: Any) -> ModelFailed:
        status: int = error.status_code
        if status == 429:
            return NextEndpoint(describe(error), _retry_after(error))
        if status in (401, 403):
            return NextEndpoint(describe(error), passing=False)
        if status in _BUSY:
            return NextEndpoint(describe(error), _retry_after(error))
        unwanted = getattr(error, "param", None)
        if status == 400 and unwanted in self._parameters(0):
            self._unwanted.add(unwanted)
            return NextEndpoint(describe(error))  # the same again without it
        return NextWay(describe(error), PROVEN if status in _NOT_TAKEN else 1)

    def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            from intents.models import wire

            self._client = wire.connect(self.endpoint, self._deadline)
        return self._client


def _retry_after(error: Any) -> float | None:
    """Seconds, where they are said as a number; a date is not worth waiting for."""
    said = error.response.headers.get("retry-after", "")
    return float(said) if said.isascii() and said.isdigit() else None
