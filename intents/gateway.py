"""One OpenAI-compatible endpoint, whatever it can enforce and however it fails. One deadline for everything (R4).

What an endpoint honours is found by using it: a strict schema, then a required tool, then plain JSON with one repair.
A way is given up only where that is proven: by an answer that says so (400, 404, 422 …), or by failing several times in
a row while a weaker way works; one 500 that passes costs one question its speed. Whatever comes back is only data to be
checked; nothing here trusts it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from pydantic import JsonValue

from actions.errors import TwokeyError
from intents import journal

if TYPE_CHECKING:  # imported where it is used: it takes a second to load
    from openai import AsyncOpenAI

Enforcement = Literal["json_schema", "tools", "json_object"]
_ORDER: tuple[Enforcement, ...] = ("json_schema", "tools", "json_object")
_TOOL = "read"
_LONGEST = 8_000  # characters of an answer that are looked at
_TOKENS = 500  # an answer is a small object
_NOT_TAKEN = frozenset((400, 404, 405, 415, 422, 501))  # the endpoint says itself that it does not know this way
_PROVEN = 3  # failures of a way in a row, each beside a weaker way that worked, that count as much as saying so


class ModelFailed(TwokeyError):
    """The model gave no usable answer."""


class _NextWay(Exception):
    """This way of asking did not work; another may. `proof` of the endpoint not taking it, `_PROVEN` being enough."""

    def __init__(self, say: str, proof: int = 1) -> None:
        super().__init__(say)
        self.proof = proof


class ModelGateway:
    """Asks a model for one JSON object."""

    def __init__(
        self,
        base_url: str | None,
        api_key: str | None,
        model: str | None,
        deadline: float = 8.0,
        record: Callable[[journal.Call], None] = journal.record,
    ) -> None:
        """`deadline` in seconds, for all attempts together. Without a `model` the endpoint's first one is taken."""
        self._base_url, self._api_key = base_url or "https://api.openai.com/v1", api_key or "none"
        self._model, self._deadline, self._record = model, deadline, record
        self._against: dict[Enforcement, int] = {}  # what speaks against a way of asking
        self._client: AsyncOpenAI | None = None

    @property
    def base_url(self) -> str:
        """Where the endpoint is."""
        return self._base_url

    @property
    def model(self) -> str | None:
        """The model that is asked; None while it is still to be taken from the endpoint's list."""
        return self._model

    async def find_model(self) -> str:
        """The model that is asked, from the endpoint's list where none is configured.

        Raises ModelFailed where the endpoint does not list one within the deadline.
        """
        await asyncio.to_thread(importlib.import_module, "openai")
        try:
            async with asyncio.timeout(self._deadline):
                return await self._chosen()
        except Exception as error:
            raise ModelFailed(_describe(error)) from error

    async def _chosen(self) -> str:
        if self._model is None:
            self._model = (await self._connected().models.list()).data[0].id
        return self._model

    async def ask(
        self, messages: list[dict[str, str]], schema: dict[str, Any], prompt: str = ""
    ) -> dict[str, JsonValue]:
        """The model's object, with only properties of the schema. Raises ModelFailed; always within the deadline."""
        await asyncio.to_thread(importlib.import_module, "openai")  # takes a second, once; the event loop must not wait
        started, usage = time.monotonic(), _Usage()
        problem: str | None = None
        try:
            async with asyncio.timeout(self._deadline):
                return await self._each_way(messages, schema, usage)
        except TimeoutError:
            problem = f"The model did not answer within {self._deadline:g} s."
        except ModelFailed as error:
            problem = error.say
        except Exception as error:
            problem = _describe(error)
        finally:
            ending: journal.Ending = "failed" if problem else "answered"
            seconds = time.monotonic() - started
            self._record(journal.Call(self._model or "?", prompt, ending, problem, seconds, *usage.counts()))
        raise ModelFailed(problem)

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _each_way(
        self, messages: list[dict[str, str]], schema: dict[str, Any], usage: _Usage
    ) -> dict[str, JsonValue]:
        ways = [way for way in _ORDER if self._against.get(way, 0) < _PROVEN]
        problem, failed = "The model gave no answer.", dict[Enforcement, int]()
        for way in ways or _ORDER:
            try:
                answer = await self._ask(way, messages, schema, usage)
            except _NextWay as error:
                problem, failed[way] = str(error), error.proof
                continue
            self._learn(way, failed)
            return answer
        raise ModelFailed(problem)

    def _learn(self, worked: Enforcement, failed: dict[Enforcement, int]) -> None:
        """Only beside a way that worked does a failure speak against a way; else it was the endpoint itself."""
        self._against[worked] = 0
        for way, proof in failed.items():
            self._against[way] = self._against.get(way, 0) + proof

    async def _ask(
        self, way: Enforcement, messages: list[dict[str, str]], schema: dict[str, Any], usage: _Usage
    ) -> dict[str, JsonValue]:
        text = await self._complete(way, messages, schema, usage)
        try:
            return _object(text, schema)
        except _NextWay as error:
            if way != "json_object":
                raise
            repair = {"role": "user", "content": f"That was not usable: {error} Answer with the JSON object alone."}
            said = {"role": "assistant", "content": text[:_LONGEST]}
            return _object(await self._complete(way, [*messages, said, repair], schema, usage), schema)

    async def _complete(
        self, way: Enforcement, messages: list[dict[str, str]], schema: dict[str, Any], usage: _Usage
    ) -> str:
        """The text of one answer. Raises _NextWay where the endpoint does not take this way, ModelFailed for good."""
        import openai

        client = self._connected()
        try:
            model = await self._chosen()
            usage.attempts += 1
            create: Any = client.chat.completions.create
            body = {"model": model, "messages": messages, "max_tokens": _TOKENS, "temperature": 0}
            try:
                answer = await create(**body, **_format(way, schema))
            except openai.APIConnectionError:  # a connection that was kept too long, mostly
                answer = await create(**body, **_format(way, schema))
        except (openai.AuthenticationError, openai.PermissionDeniedError, openai.RateLimitError) as error:
            raise ModelFailed(_describe(error)) from error
        except openai.APIStatusError as error:
            raise _NextWay(_describe(error), _PROVEN if error.status_code in _NOT_TAKEN else 1) from error
        usage.add(answer)
        return _text(answer)

    def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            from openai import AsyncOpenAI

            # The SDK's retries would wait as long as a Retry-After says: the grammar answers sooner.
            self._client = AsyncOpenAI(
                base_url=self._base_url, api_key=self._api_key, max_retries=0, timeout=self._deadline
            )
        return self._client


class _Usage:
    """What the attempts of one question used."""

    def __init__(self) -> None:
        self.attempts = 0
        self._input: int | None = None
        self._output: int | None = None

    def add(self, answer: Any) -> None:
        reported = getattr(answer, "usage", None)
        for mine, theirs in (("_input", "prompt_tokens"), ("_output", "completion_tokens")):
            count = getattr(reported, theirs, None)
            if isinstance(count, int):
                setattr(self, mine, (getattr(self, mine) or 0) + count)

    def counts(self) -> tuple[int, int | None, int | None]:
        return self.attempts, self._input, self._output


def _format(way: Enforcement, schema: dict[str, Any]) -> dict[str, Any]:
    if way == "json_schema":
        wanted = {"name": _TOOL, "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": wanted}}
    if way == "tools":
        function = {"name": _TOOL, "description": "How the sentence reads", "strict": True, "parameters": schema}
        chosen = {"type": "function", "function": {"name": _TOOL}}
        return {"tools": [{"type": "function", "function": function}], "tool_choice": chosen}
    return {"response_format": {"type": "json_object"}}


def _text(answer: Any) -> str:
    """The answer's text or tool arguments. Raises _NextWay or ModelFailed."""
    choices = getattr(answer, "choices", None)
    if not choices:
        raise _NextWay("The model's answer holds no choice.")
    message, finish = choices[0].message, choices[0].finish_reason
    if finish == "content_filter" or getattr(message, "refusal", None):
        raise ModelFailed("The model declined to read this.")
    if finish == "length":
        raise _NextWay("The model's answer was cut off.")
    for call in getattr(message, "tool_calls", None) or ():
        function: Any = getattr(call, "function", None)
        if getattr(function, "name", None) != _TOOL:
            raise _NextWay("The model called a tool that does not exist.")
        return str(function.arguments)
    return str(getattr(message, "content", None) or "")


def _object(text: str, schema: dict[str, Any]) -> dict[str, JsonValue]:
    """The JSON object in a text, each property of a type that the schema allows. Raises _NextWay."""
    if len(text) > _LONGEST:
        raise _NextWay("The model's answer is too long.")
    start, end = text.find("{"), text.rfind("}")
    try:
        data = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        raise _NextWay("The model's answer is no JSON.") from None
    if not isinstance(data, dict):
        raise _NextWay("The model's answer is no object.")
    known: dict[str, Any] = schema["properties"]
    for key, value in data.items():
        if key not in known or not _fits(value, known[key]):
            raise _NextWay(f"The model's answer has a wrong {key[:40]}.")
    if "kind" not in data:
        raise _NextWay("The model's answer lacks its kind.")
    return data


def _fits(value: Any, part: dict[str, Any]) -> bool:
    types = part["type"] if isinstance(part["type"], list) else [part["type"]]
    names: dict[type, str] = {str: "string", int: "integer", type(None): "null"}
    return names.get(type(value)) in types and ("enum" not in part or value in part["enum"])


def _describe(error: BaseException) -> str:
    """The problem in words; never the endpoint's own text, which may hold anything."""
    status = getattr(error, "status_code", None)
    if status == 429:
        return "The model's endpoint says: too many requests."
    if status in (401, 403):
        return "The model's endpoint does not accept our key."
    if status is not None:
        return f"The model's endpoint answered {status}."
    return f"The model's endpoint could not be used ({type(error).__name__})."
