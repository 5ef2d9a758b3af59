"""The one door: words in, a reading out. The grammar goes first; where it abstains, the model reads; both are checked."""

from __future__ import annotations

from typing import Literal

from actions.catalog import Catalog
from actions.registry import Registry
from intents import guards
from intents.grammar.interpreter import Grammar
from intents.guards import View
from intents.names import Names
from intents.reading import Context, Reading, Refusal
from intents.tokens import Sentence

Mode = Literal["grammar", "model", "auto"]
NO_CONTEXT = Context()


class Reader:
    """Reads sentences for one catalogue."""

    def __init__(self, catalog: Catalog, registry: Registry) -> None:
        self._names, self._registry = Names(catalog), registry
        self._grammar = Grammar(self._names, registry)

    async def read(self, text: str, context: Context = NO_CONTEXT, channel: str | None = None) -> Reading:
        """What the words mean: never a guess, never an exception."""
        return await self.read_with("auto", text, context, channel)

    async def read_with(
        self, engine: Mode, text: str, context: Context = NO_CONTEXT, channel: str | None = None
    ) -> Reading:
        try:
            sentence = Sentence(text)
        except ValueError:
            return Refusal(
                reason="unsupported", say="That is too long for me to read safely. Please say it in one sentence."
            )
        view = View(sentence, self._names)
        refused = guards.never(view)
        if refused:
            return Refusal(reason=refused.reason, say=refused.say)
        reading = self._grammar.read(sentence, view, context, channel)
        if reading is not None:
            return reading
        return Refusal(reason="not_an_operation", say="abstained")
