"""The models that are asked where the grammar abstains: in order, within one deadline, and then not at all (R4, R5).

Whatever comes back is only data to be checked; nothing here trusts it.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from pydantic import JsonValue

from intents import journal
from intents.models import cache, prices, privacy
from intents.models.answers import Tokens
from intents.models.budget import Asker, Book, Budget, MemoryBook
from intents.models.cache import Cache
from intents.models.connection import Connection, Question, Used
from intents.models.endpoints import Models
from intents.models.failures import ModelFailed, NextEndpoint, OverBudget, describe
from intents.models.probe import Probed, probe

NOBODY = Asker()
T = TypeVar("T")


class ModelGateway:
    """Asks for one JSON object. Used on one event loop."""

    def __init__(
        self,
        models: Models,
        record: Callable[[journal.Call], None] = journal.record,
        clock: Callable[[], float] = time.monotonic,
        book: Book | None = None,
    ) -> None:
        """`clock` gives seconds that only grow; `book` is where calls are reserved, in this process if not given."""
        self._models, self._record, self._clock = models, record, clock
        budget = Budget(models.limits, book or MemoryBook(time.time))
        self._connections = [
            Connection(endpoint, budget, clock, models.deadline, content=models.record_content)
            for endpoint in models.endpoints
        ]
        self._cache = Cache(models.remember, clock)
        self._asked_alike = [(c.endpoint.name, c.endpoint.base_url, c.endpoint.model) for c in self._connections]

    @property
    def base_url(self) -> str:
        """Where the first endpoint is."""
        return self._connections[0].endpoint.base_url

    @property
    def model(self) -> str | None:
        """The model that is asked first; None while it is still to be taken from the endpoint's list."""
        return self._connections[0].model

    async def find_model(self) -> str:
        """The model that is asked first, from the endpoint's list where none is configured.

        Raises ModelFailed where the endpoint does not list one within the deadline.
        """
        return await self._in_time(self._connections[0].chosen())

    async def probe(self) -> tuple[Probed, ...]:
        """What each endpoint is found to be. Asks all of them; raises nothing."""
        return tuple(await asyncio.gather(*(self._probed(connection) for connection in self._connections)))

    async def ask(
        self,
        messages: list[dict[str, str]],
        schema: dict[str, Any],
        prompt: str = "",
        asker: Asker = NOBODY,
        rests_on: tuple[str, ...] = (),
        output_tokens: int = 500,
    ) -> dict[str, JsonValue]:
        """The model's object, with only properties of the schema. Raises ModelFailed; always within the deadline.

        `prompt` is the prompt's content hash; `rests_on` whatever else an answer given before must agree in to be given
        again (catalogue, policy, rights).
        """
        question = Question(privacy.safe(messages), schema, prompt, asker, output_tokens)
        kept_as = cache.key(question, rests_on, self._asked_alike)
        started, used = self._clock(), Used()
        known = self._cache.get(kept_as)
        if known is not None:
            self._note(question, used, started, "remembered", None)
            return known
        try:
            answer = await self._in_time(self._in_order(question, used))
        except ModelFailed as error:
            self._note(question, used, started, "failed", error.say)
            raise
        self._note(question, used, started, "answered", None)
        self._cache.keep(kept_as, answer)
        return answer

    async def close(self) -> None:
        """Closes the connections."""
        for connection in self._connections:
            await connection.close()

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives. Raises ModelFailed, whatever goes wrong; the deadline is for everything together."""
        try:
            async with asyncio.timeout(self._models.deadline):
                await asyncio.to_thread(_load)
                return await work
        except TimeoutError:
            raise ModelFailed(f"The model did not answer within {self._models.deadline:g} s.") from None
        except ModelFailed:
            raise
        except Exception as error:
            raise ModelFailed(describe(error)) from error
        finally:
            work.close()  # where the time was over before it began

    async def _in_order(self, question: Question, used: Used) -> dict[str, JsonValue]:
        problem: ModelFailed = ModelFailed("The model's endpoint failed several times and is left alone for a while.")
        end = self._clock() + self._models.deadline
        for position, connection in enumerate(self._connections):
            if not connection.breaker.lets():
                continue
            share = (end - self._clock()) / (len(self._connections) - position)
            try:
                async with asyncio.timeout(connection.endpoint.timeout or share):
                    answer = await connection.ask(question, used)
            except TimeoutError:
                connection.breaker.failed()
                problem = ModelFailed(f"The model did not answer within {self._models.deadline:g} s.")
            except NextEndpoint as error:
                connection.breaker.failed(error.wait)
                problem = error
            except OverBudget as error:  # another may cost nothing
                connection.breaker.gave_up()
                problem = error
            except ModelFailed as error:  # it declined to read: another may not
                connection.breaker.worked()
                problem = error
            except BaseException:
                connection.breaker.gave_up()
                raise
            else:
                connection.breaker.worked()
                return answer
        raise problem

    async def _probed(self, connection: Connection) -> Probed:
        problem = None
        try:
            await self._in_time(probe(connection))
        except ModelFailed as error:
            problem = error.say
        model, a_thousand = connection.model, Tokens(1_000, 1_000)
        priced = bool(model) and prices.cost(connection.endpoint, str(model), a_thousand) is not None
        return Probed(connection.endpoint.name, model, connection.enforces, priced, problem)

    def _note(
        self, question: Question, used: Used, started: float, ending: journal.Ending, problem: str | None
    ) -> None:
        tokens, usd = used.tokens, used.usd if used.tokens.output is not None else None
        self._record(
            journal.Call(
                endpoint=used.endpoint, model=used.model, prompt=question.prompt, ending=ending, problem=problem,
                seconds=self._clock() - started, attempts=used.attempts, input_tokens=tokens.input,
                output_tokens=tokens.output, usd=usd,
            )
        )  # fmt: skip


def _load() -> None:
    """Imports what takes a second, once; the event loop must not wait for it."""
    for name in ("openai", "genai_prices", "opentelemetry.trace", "intents.models.wire"):
        importlib.import_module(name)
