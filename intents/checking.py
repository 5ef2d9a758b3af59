"""What becomes of a model's answer: the catalogue, the evidence and the guards decide, never the model (R1, R4, R6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import JsonValue

from actions import periods
from actions.errors import BadInput
from actions.registry import Registry
from actions.terms import Risk
from intents import evidence, guards, wording
from intents.grammar.changes import Draft
from intents.guards import View
from intents.names import Names
from intents.reading import Command, Context, Reading, Reason, Refusal
from intents.resolve import Resolver
from intents.tokens import Sentence, lower

_REASONS: dict[str, Reason] = {reason: reason for reason in get_args(Reason)}
NOT_UNDERSTOOD = "I did not understand that. Type help to see what I can do here."


class Checker:
    """Turns a model's object into a reading that is safe whatever the object says."""

    def __init__(self, names: Names, registry: Registry, resolver: Resolver) -> None:
        self._names, self._registry, self._resolver = names, registry, resolver

    def reading(
        self,
        data: Mapping[str, JsonValue],
        sentence: Sentence,
        view: View,
        context: Context,
        channel: str | None,
        plain: Reading | None = None,
    ) -> Reading:
        """The reading of an answer that fits the schema. `plain` is what the grammar reads: None where it abstains."""
        verb = data.get("verb")
        if data.get("kind") == "refusal" or not isinstance(verb, str) or verb not in self._registry:
            reason = data.get("reason") if data.get("kind") == "refusal" else None
            return Refusal(reason=_REASONS.get(str(reason), "not_an_operation"), say=NOT_UNDERSTOOD, engine="model")
        said = self._said(verb, data)
        if self._registry[verb].risk is Risk.READ:
            return self._look(verb, said, sentence, view, context, channel)
        return self._change(verb, said, sentence, view, context, plain)

    def _said(self, verb: str, data: Mapping[str, JsonValue]) -> dict[str, Any]:
        """The verb's own arguments, names as the catalogue spells them; names that it does not have are left out."""
        said = {key: data[key] for key in self._registry[verb].spoken() if data.get(key) is not None}
        for key, index in (
            ("service", self._names.services),
            ("environment", self._names.environments),
            ("suite", self._names.suites),
        ):
            if key in said:
                said[key] = index.get(lower(str(said[key])))
        return {key: value for key, value in said.items() if value is not None}

    def _look(
        self, verb: str, said: dict[str, Any], sentence: Sentence, view: View, context: Context, channel: str | None
    ) -> Reading:
        objection = guards.read(view)
        if objection:
            return Refusal(reason=objection.reason, say=objection.say, engine="model")
        for key, mentioned in (("service", view.services), ("environment", view.environments)):
            if key in said and said[key] not in {named.name for named in mentioned}:
                del said[key]  # what was not said comes from the thread or the channel, or is asked
        for key in ("contains", "candidate", "baseline", "who"):
            if key in said and not evidence.said_in(sentence, str(said[key])):
                del said[key]
        spoken = evidence.periods(sentence, self._names)
        for key in ("period", "since", "window"):  # a plain duration is the same however it was said
            if key in said and said[key] not in spoken and (key == "period" or periods.zoned(str(said[key]))):
                del said[key]
        missing = tuple(key for key in ("metric", "candidate", "suite") if self._needs(verb, key) and key not in said)
        return self._resolved(Draft(verb, said, missing), context, channel)

    def _needs(self, verb: str, key: str) -> bool:
        field = self._registry[verb].model_fields.get(key)
        return field is not None and field.is_required()

    def _change(
        self, verb: str, said: dict[str, Any], sentence: Sentence, view: View, context: Context, plain: Reading | None
    ) -> Reading:
        """A change as the model read it. A guard turns it down; what rests on nothing is asked."""
        objection = guards.order(view)
        if objection:
            return Refusal(reason=objection.reason, say=objection.say, engine="model")
        lacking = evidence.lacking(said, sentence, view, self._names, self._resolver.thread(context))
        known = {key: value for key, value in said.items() if key not in lacking}
        missing = tuple(key for key in lacking if key not in ("service", "environment"))
        if verb == "scale" and not {"replicas", "change"} & set(known):
            missing = ("replicas",)
        if verb == "deploy" and "version" not in known:
            missing = ("version",)
        reading = self._resolved(Draft(verb, known, missing), Context(), None)
        return self._agreed(reading, plain) if isinstance(reading, Command) else reading

    def _agreed(self, reading: Command, plain: Reading | None) -> Reading:
        """A change that only the model reads waits for a person's press; where the two differ, nobody guesses.

        Evidence for every argument would not do: it shows that the names and figures were said, not that the order was
        given. The grammar abstained because of a word that it does not know, and that very word may say what no list of
        guards foresees ("restart cart in prod, said the fox"). One press costs less than one wrong change (R1).
        """
        if plain is None:
            return self._resolver.confirm(reading, f"{wording.what(reading.action.as_json())}: is that what you mean?")
        if not isinstance(plain, Command):
            return plain
        if plain.action == reading.action:
            return reading
        if plain.action.risk is Risk.READ:
            return plain
        return self._resolver.confirm(plain, f"{wording.what(plain.action.as_json())}: is that what you mean?")

    def _resolved(self, draft: Draft, context: Context, channel: str | None) -> Reading:
        try:
            return self._resolver.reading(draft, context, channel, "model")
        except BadInput:
            return Refusal(reason="unsupported", say=NOT_UNDERSTOOD, engine="model")
