"""The grammar as a whole: a sentence in, a reading out, or nothing where it does not understand every word."""

from __future__ import annotations

from pydantic import JsonValue

from actions.action import Change
from actions.registry import Registry
from intents import doubts, guards, wording
from intents.grammar import arguments, changes, looks, unknown
from intents.grammar.lexicon import english
from intents.grammar.piece import READS
from intents.grammar.search import Parse, mutating, parses
from intents.grammar.thread import Thread
from intents.guards import View
from intents.names import Names
from intents.reading import Command, Context, Question, Reading, Refusal
from intents.resolve import Resolver
from intents.tokens import Sentence, is_mark

_SPOKEN_TO = frozenset(("bot", "robot", "chatbot", "assistant", "agent", "ai", "operator", "computer"))
_TWO_WAYS = "I can read that in two ways. Please say it another way."
_GREETINGS = frozenset(("hey", "hi", "hello", "yo", "ok", "okay", "please", "pls", "dear", "twokey", "so"))
_MANY = frozenset(("all", "everything", "every", "both", "each", "any", "anything", "everyone", "others"))
_NOUNS = frozenset(("service", "app", "deployment", "workload"))


class Grammar:
    """Deterministic; needs no model."""

    def __init__(self, names: Names, registry: Registry) -> None:
        self._names, self._registry = names, registry
        self.resolver = Resolver(names, registry)
        self.lexicon = english(READS)

    def read(self, sentence: Sentence, view: View, context: Context, channel: str | None) -> Reading | None:
        """The reading, or None where a word is not understood. Guards have the first word on every order."""
        found = parses(arguments.Text(sentence, self._names, view.reasons), self.lexicon)
        thread = Thread(context, self._registry)
        orders = [draft for parse in found if (draft := changes.change(parse)) is not None]
        orders = orders or [draft for parse in found if (draft := changes.verbless(parse)) is not None]
        taken_back = thread.withdrawal(view)
        if taken_back is not None:
            return taken_back
        if orders:
            return self._guarded(view) or _version_asked(self._order(view, orders, found, thread, context), sentence)
        for parse in found:
            again = thread.follow_up(parse, self.resolver)
            if isinstance(again, Command) and _changes(again):
                doubtful = sentence.asks or view.reasons_name() or doubts.doubtful(view, again.action.verb, None)
                return self._guarded(view) or (self._asks(again) if doubtful else again)
            if again is not None:
                return again
        looked = self._look(view, found, context, channel)
        if looked is not None:
            return _refused(guards.read(view)) or looked
        points = bool(context.earlier) and view.points()
        if (view.wants_change() or view.dangerous() or points) and (objection := self._guarded(view)):
            return objection
        return unknown.name(sentence, self._names, self.lexicon, self.resolver, channel)

    def _guarded(self, view: View) -> Refusal | None:
        """The guards' refusal of an order; where it hangs on a condition, with what can be done now instead."""
        objection = guards.order(view)
        if objection is None:
            return None
        instead = self._instead(view) if objection.reason == "conditional" else ()
        return Refusal(reason=objection.reason, say=objection.say, suggestions=instead)

    def _instead(self, view: View) -> tuple[dict[str, JsonValue], ...]:
        """Looking first, and the rollback if that is what was spoken of."""
        if len({named.name for named in view.services}) != 1 or len({named.name for named in view.environments}) != 1:
            return ()
        target: dict[str, JsonValue] = {"service": view.services[0].name}
        actions: list[dict[str, JsonValue]] = [
            {"verb": "query_metrics", "metric": "error_rate", **target},
            {"verb": "status", **target},
        ]
        if view.speaks_of_rollback():
            actions.append({"verb": "rollback", **target})
        place = view.environments[0].name
        return tuple(found for one in actions for found in self.resolver.complete(one, "environment", (place,)))

    def _order(
        self, view: View, orders: list[changes.Draft], found: list[Parse], thread: Thread, context: Context
    ) -> Reading:
        readings = []
        for draft in orders:
            reading = thread.objection(draft, self.resolver) or self.resolver.reading(draft, context, None)
            if reading not in readings:
                readings.append(reading)
        reading = self._choose(readings) if len(readings) > 1 else readings[0]
        unsure = _asked(view, found) or _addressed(view) or (view.names_order() and not _begged(found))
        of_thread = self.resolver.thread(context).get("service")
        doubtful = unsure or all(draft.unsure for draft in orders)
        if not isinstance(reading, Command):
            return reading
        return self._asks(reading) if doubtful or doubts.doubtful(view, reading.action.verb, of_thread) else reading

    def _asks(self, command: Command) -> Question:
        return self.resolver.confirm(command, f"{wording.what(command.action.as_json())}: shall I?")

    def _choose(self, readings: list[Reading]) -> Reading:
        """Several understandings: a person decides, unless all of them come to the same question."""
        commands = [reading for reading in readings if isinstance(reading, Command)]
        known = [
            r.action.as_json() if isinstance(r, Command) else dict(r.so_far)
            for r in readings
            if not isinstance(r, Refusal)
        ]
        if not known:
            return readings[0]
        shared = {k: v for k, v in known[0].items() if v is not None and all(other.get(k) == v for other in known)}
        if "verb" not in shared:
            return Refusal(reason="unsupported", say=_TWO_WAYS)
        options: dict[str, tuple[str | int, ...]] = {}
        for key in known[0]:
            values = tuple(dict.fromkeys(v for other in known if isinstance(v := other.get(key), str | int)))
            if key not in shared and values:
                options[key] = values
        if len(commands) == 1 and not options:
            return commands[0]
        say = wording.question(shared, (), tuple(options))
        return Question(ambiguous=tuple(options), so_far=shared, options=options, say=say)

    def _look(self, view: View, found: list[Parse], context: Context, channel: str | None) -> Reading | None:
        ranked = [ranked for parse in found if (ranked := looks.look(parse)) is not None]
        if not ranked:
            return None
        targets = {draft.said.get("service") for _, draft in ranked} - {None}
        if len(targets) > 1:  # "status of history" where both are services as well
            of = {named.name for named in view.services if view.sentence.words[named.start - 1] in ("of", "for", "on")}
            ranked = [(rank, draft) for rank, draft in ranked if draft.said.get("service") in of]
            if not ranked or len(of & targets) > 1:
                return Refusal(reason="unsupported", say=_TWO_WAYS)
        draft = min(ranked, key=lambda item: (item[0], str(item[1].said)))[1]
        return self.resolver.reading(draft, context, channel)


def _begged(found: list[Parse]) -> bool:
    """Whether a "please" or a "thanks" makes an order of what is only named or asked."""
    return any(parse.slots.get("begs") for parse in found)


def _asked(view: View, found: list[Parse]) -> bool:
    """Whether an order is put as a question: politeness makes none of one, "can we" alone may only ask."""
    polite = any(parse.slots.get("polite") for parse in found)
    plainly = any(mutating(parse) and not parse.slots.get("we") for parse in found)  # "can we get two more pods"
    pondered = any(parse.slots.get("we") for parse in found) and not plainly and not _begged(found)
    return pondered or (view.sentence.asks and not polite)


def _addressed(view: View) -> bool:
    """Whether what looks like the only service may be none: `bot, please restart in prod`, `restart all in prod`."""
    words = view.sentence.words
    for named in view.services:
        before = [word for word in words[: named.start] if not is_mark(word)]
        spoken_to = words[named.start] in _SPOKEN_TO and (not set(before) - _GREETINGS or before[-1] in ("the", "this"))
        many = words[named.start] in _MANY and not {*before[-1:], *words[named.end : named.end + 1]} & _NOUNS
        if not spoken_to and not many:
            return False
    return bool(view.services)


def _version_asked(reading: Reading, sentence: Sentence) -> Reading:
    """The question for a version says what is none, where marks were put in its place."""
    if not isinstance(reading, Question) or reading.missing != ("version",) or sentence.blank is None:
        return reading
    return reading.model_copy(update={"say": wording.no_version(sentence.blank, reading.so_far)})


def _refused(objection: guards.Objection | None) -> Refusal | None:
    return None if objection is None else Refusal(reason=objection.reason, say=objection.say)


def _changes(reading: Reading) -> bool:
    return isinstance(reading, Command) and isinstance(reading.action, Change)
