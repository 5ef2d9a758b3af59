"""The one door: words in, a reading out. The grammar goes first, then a model; both pass the same checks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from pydantic import JsonValue

from actions.catalog import Catalog
from actions.errors import TwokeyError
from actions.registry import Registry
from intents import asking, clause, explaining, guards, languages, prompts, reasons, schema, spelling
from intents.checking import NOT_UNDERSTOOD, Checker
from intents.clause import Clause
from intents.gateway import NOBODY, ModelGateway
from intents.grammar.interpreter import Grammar
from intents.guards import View
from intents.models import cache
from intents.models.budget import Asker
from intents.models.probe import Probed
from intents.names import Names
from intents.reading import Context, Reading, Refusal
from intents.tokens import Sentence

Mode = Literal["grammar", "model", "auto"]
NO_CONTEXT = Context()
_BELOW_ZERO = re.compile(r" to (?:-|minus )\d+(?:\.\d+)? ", re.ASCII)
_NO_COUNT = "A number of replicas is 0 or more. To have fewer than now, say: scale checkout down by 1 in prod."
_TOO_LONG = "That is too long for me to read safely. Please say in one sentence what you want."


class _Head(NamedTuple):
    """What stands before a guard's clause, read as a sentence of its own."""

    sentence: Sentence
    view: View
    clause: Clause


class Reader:
    """Reads sentences for one catalogue."""

    def __init__(
        self,
        catalog: Catalog,
        registry: Registry,
        gateway: ModelGateway | None = None,
        policy: Callable[[], str] = lambda: "",
    ) -> None:
        """`policy` is the version in force; an answer that a model gave under another one is not given again.

        It is called in a thread, and may raise TwokeyError: then no model is asked.
        """
        self._names, self._gateway, self._registry = Names(catalog), gateway, registry
        self._grammar = Grammar(self._names, registry)
        self._lexicon = self._grammar.lexicon
        self._english = self._lexicon.vocabulary | reasons.VOCABULARY
        self._checker = Checker(self._names, registry, self._grammar.resolver)
        self._schema = schema.emit(registry)
        self._catalog_key = cache.key(catalog.model_dump(mode="json")) if gateway else ""
        self._policy = policy
        self._trouble: str | None = None

    @property
    def note(self) -> str | None:
        """One sentence if it reads without a model although one is configured (R5)."""
        if self._gateway is None or self._trouble is None:
            return None
        return f"I am reading without the model for now: {self._trouble}"

    @property
    def has_model(self) -> bool:
        """Whether there is a model to ask at all."""
        return self._gateway is not None

    @property
    def model(self) -> str | None:
        """The name of the model that is asked where the grammar abstains; None without one, or before it is known."""
        return self._gateway.model if self._gateway is not None else None

    async def get_ready(self) -> tuple[Probed, ...]:
        """Finds what each endpoint enforces before the first sentence; nothing without a model."""
        return await self._gateway.probe() if self._gateway is not None else ()

    async def close(self) -> None:
        """Closes the connections to models."""
        if self._gateway is not None:
            await self._gateway.close()

    def explain(self, text: str, context: Context, reading: Reading) -> tuple[str, ...]:
        """Why these words were read so, in a few lines: each argument and the words it stands in. Asks no model."""
        try:
            sentence, view = self._seen(text)
        except ValueError:
            return (_TOO_LONG,)
        thread = self._grammar.resolver.thread(context)
        found = clause.find(sentence, self._names)
        if found is None:
            return explaining.lines(reading, sentence, view, self._names, thread)
        head = self._before(sentence, found)
        told = explaining.lines(reading, head.sentence, head.view, self._names, thread)
        guard = f"guard: you wrote “{sentence.written(found.start, len(sentence.words))}”"
        return (*(line for line in told if not line.startswith("guard ")), guard)

    def _seen(self, text: str) -> tuple[Sentence, View]:
        """The sentence as grammar and guards see it. Raises ValueError where it is too long."""
        sentence = Sentence(text)
        if not languages.understand(sentence, self._names, self._english):
            spelling.mend(sentence, self._names)
        return sentence, View(sentence, self._names)

    async def read(
        self, text: str, context: Context = NO_CONTEXT, channel: str | None = None, asker: Asker = NOBODY
    ) -> Reading:
        """What the words mean: never a guess, never an exception, within the gateway's deadline (R1, R4)."""
        return await self.read_with("auto", text, context, channel, asker)

    async def read_with(
        self,
        engine: Mode,
        text: str,
        context: Context = NO_CONTEXT,
        channel: str | None = None,
        asker: Asker = NOBODY,
    ) -> Reading:
        """The same by one engine alone. `model` falls back to the grammar where the model fails, as `auto` does."""
        try:
            sentence, view = self._seen(text)
        except ValueError:
            return Refusal(reason="unsupported", say=_TOO_LONG)
        objection = guards.never(view)
        if objection:
            return Refusal(reason=objection.reason, say=objection.say)
        found = clause.find(sentence, self._names)
        head = self._before(sentence, found) if found else None
        plain = self._plain(sentence, view, context, channel, head)
        if engine == "grammar" or (engine == "auto" and plain is not None):
            return plain or _abstained(view)
        answer = await self._ask(sentence, view, context, asker)
        if answer is None:
            return plain or _abstained(view)
        if head is not None and answer.get("verb") == "deploy":
            bare = {**answer, "guard": None}  # the words themselves say it, or nothing does
            before = self._grammar.read(head.sentence, head.view, context, channel)
            reading = self._checker.reading(bare, head.sentence, head.view, context, channel, before)
            return clause.applied(reading, head.clause, self._registry) or reading
        return self._checker.reading(answer, sentence, view, context, channel, plain)

    def _before(self, sentence: Sentence, found: Clause) -> _Head:
        before = sentence.before(found.start)
        return _Head(before, View(before, self._names), found)

    def _plain(
        self, sentence: Sentence, view: View, context: Context, channel: str | None, head: _Head | None
    ) -> Reading | None:
        """As the grammar reads it: an order to deploy and the guard behind it, or the sentence as a whole."""
        if head is not None:
            before = self._grammar.read(head.sentence, head.view, context, channel)
            guarded = clause.applied(before, head.clause, self._registry)
            if guarded is not None:
                return guarded
        return self._grammar.read(sentence, view, context, channel)

    async def _ask(self, sentence: Sentence, view: View, context: Context, asker: Asker) -> dict[str, JsonValue] | None:
        """What the model answers; None where there is no model or it fails."""
        if self._gateway is None or not view.text.strip():
            return None
        messages = asking.messages(sentence, context, self._names, self._lexicon)
        try:
            prompt = prompts.load("read")
            rests_on = (self._catalog_key, await asyncio.to_thread(self._policy))
            data = await self._gateway.ask(messages, self._schema, prompt.digest, asker, rests_on, prompt.output_tokens)
        except TwokeyError as error:
            self._trouble = error.say
            return None
        self._trouble = None
        return data


def _abstained(view: View) -> Refusal:
    """Nothing was understood whole, and nobody guesses."""
    if len({named.name for named in view.services}) > 1:
        return Refusal(reason="several_actions", say="I read one service at a time. Please send them one by one.")
    if view.services and _BELOW_ZERO.search(f" {' '.join(view.sentence.words)} "):
        return Refusal(reason="unsupported", say=_NO_COUNT)
    if (view.wants_change() and (view.services or view.environments)) or (view.services and view.environments):
        say = "I did not understand every word of that, so I do nothing. Say it shorter: scale checkout to 5 in prod."
        return Refusal(reason="unsupported", say=say)
    return Refusal(reason="not_an_operation", say=NOT_UNDERSTOOD)
