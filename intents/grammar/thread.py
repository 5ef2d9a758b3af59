"""Follow-ups, which rest on the bot's own actions: `same in staging`, `make it 8`, `roll that back`."""

from __future__ import annotations

from typing import Any

from actions.action import Action
from actions.errors import BadInput
from actions.registry import Registry
from actions.terms import Risk
from intents import wording
from intents.grammar.changes import Draft
from intents.grammar.piece import READS
from intents.grammar.search import Parse
from intents.guards import View
from intents.reading import Command, Context, Question, Reading, Refusal
from intents.resolve import Resolver

_HAPPENED = frozenset(("", "succeeded", "failed", "unknown", "running"))
_TAKES_BACK = frozenset(("cancel", "withdraw", "abort", "nevermind", "mind", "stop", "forget", "scratch", "nope"))
_BESIDE = frozenset(
    ("it", "that", "this", "one", "never", "please", "pls", "the", "request", "no", "ok", "oh", "!", ",", ";")
)
_TAKEN_BACK = {
    "waiting": "I withdraw nothing by words. Press Withdraw on its card; whoever asked for it can.",
    "ready": "It is approved and starts now. Once it runs, its card offers Undo…, a change with its own approval.",
    "unknown": "It started, and I cannot tell yet what became of it; I keep reading the cluster. Wait for its card.",
    "running": "It is running. On its card, Stop watching leaves it to itself, and Undo… asks for the way back: "
    "a change of its own, which somebody else approves and which does not wait for this one.",
    "answered": "That was only a look: nothing was changed, and there is nothing to cancel.",
}
_NOTHING = "I do not know what you mean: nothing was asked for here. Say it in the thread of the card that you mean."
_DONE = "That one is over, so there is nothing to cancel. To go back, say: roll that back, or: make it 3."
_NARROWS = {"query_logs": "since", "query_metrics": "window"}


def taken_back(state: str) -> str:
    """What somebody can do who would take back a request in this state."""
    return _TAKEN_BACK.get(state, _DONE)


class Thread:
    """What the thread holds, and what a follow-up makes of it."""

    def __init__(self, context: Context, registry: Registry) -> None:
        self._registry = registry
        self.context = context
        self.last = self._parsed(-1)
        self.state = context.earlier[-1].state if context.earlier else ""

    def _parsed(self, position: int) -> Action | None:
        """An earlier action; None for one with arguments that no sentence can say, so that none says them again."""
        try:
            found = self._registry.parse(self.context.earlier[position].action)
        except (BadInput, IndexError):
            return None
        return None if found.pressed & found.as_json().keys() else found

    def follow_up(self, parse: Parse, resolver: Resolver) -> Reading | None:
        """The reading of `same in …`, `what about …` and a bare time span; None where the sentence is none of these."""
        slots = {key: value for key, value in parse.slots.items() if key not in ("polite", "begs", "ref", "asks")}
        if "order" in slots or self.last is None:
            return None
        kind = "same" if slots.pop("same", None) else "varies" if slots.pop("varies", None) else ""
        fits = parse.verbs is None or self.last.verb in parse.verbs  # a word of another verb is none of this one's
        if kind and fits and not set(slots) - {"service", "environment", "varies"}:
            return self._again(kind, slots, resolver)
        if self.last.verb == "scale" and set(slots) - {"counted"} == {"change"} and parse.verbs == frozenset({"scale"}):
            return self._more(str(slots["change"]), resolver)
        if set(slots) == {"window"} and self.last.verb in _NARROWS and self.last.verb in (parse.verbs or READS):
            data = {**self.last.as_json(), _NARROWS[self.last.verb]: slots["window"]}
            return Command(action=self._registry.parse(data), engine="grammar")
        return None

    def _more(self, change: str, resolver: Resolver) -> Reading | None:
        """`two more` after a scale: most likely of the same, and so a button."""
        assert self.last is not None  # noqa: S101 - the caller looked
        data = {**self.last.as_json(), "replicas": None, "change": change}
        reading = resolver.reading(Draft(str(data.pop("verb")), data), Context(), None)
        if isinstance(reading, Command):
            return resolver.confirm(reading, f"{wording.what(reading.action.as_json())}: is that what you mean?")
        return reading

    def _again(self, kind: str, slots: dict[str, Any], resolver: Resolver) -> Reading | None:
        assert self.last is not None  # noqa: S101 - the caller looked
        if self.last.verb == "run_eval":
            return Command(action=self.last, engine="grammar") if not slots else None
        data = {**self.last.as_json(), **{k: v for k, v in slots.items() if k != "varies"}}
        verb = str(data.pop("verb"))
        reading = resolver.reading(Draft(verb, data), Context(), None)
        if isinstance(reading, Command) and kind == "varies" and self.last.risk is not Risk.READ:
            return resolver.confirm(reading, f"{wording.what(reading.action.as_json())}?")
        return reading

    def withdrawal(self, view: View) -> Refusal | None:
        """`cancel that`, `never mind`: nothing is withdrawn by words, but the way to do it is said."""
        words = set(view.sentence.words)
        if not words & _TAKES_BACK or words - _TAKES_BACK - _BESIDE:
            return None
        say = taken_back(self.state) if self.context.earlier else _NOTHING
        return Refusal(reason="negated", say=say, takes_back=True)

    def objection(self, draft: Draft, resolver: Resolver) -> Reading | None:
        """What speaks against an order that points at the thread: "roll that back" after a scale undoes no scale."""
        named = {key for key in ("service", "environment") if draft.said.get(key)}
        if self.last is None or len(named) == 2:
            return None
        if draft.verb == self.last.verb == "scale" and not named and draft.said.get("change") and not draft.ref:
            return self._more(str(draft.said["change"]), resolver)
        if not draft.ref:
            return None
        if draft.verb == "rollback" and draft.said.get("to") is None:
            return self._undo()
        if draft.verb == "scale" and draft.vague and self.last.verb != "scale":
            return self._doubted(draft, resolver)
        return None

    def _undo(self) -> Refusal | None:
        assert self.last is not None  # noqa: S101 - the caller looked
        if self.state == "rolled_back":
            return Refusal(
                reason="unsupported", say="Its guard rolled that one back already, so nothing is left of it."
            )
        if self.state not in _HAPPENED:
            say = f"That one is {self.state}: nothing to roll back. Press Withdraw on its card if it still waits."
            return Refusal(reason="unsupported", say=say)
        if self.last.verb == "scale":
            return Refusal(
                reason="unsupported",
                say="A rollback changes the version and not the replicas. Say how many replicas you want: make it 3.",
            )
        if self.last.verb in ("restart", "rollback"):
            return Refusal(
                reason="unsupported",
                say=f"A {self.last.verb} can't be undone that way. Say which version you want instead.",
            )
        return None

    def _doubted(self, draft: Draft, resolver: Resolver) -> Question | None:
        reading = resolver.reading(draft, self.context, None)
        if not isinstance(reading, Command):
            return None
        return resolver.confirm(reading, f"{wording.what(reading.action.as_json())}: is that what you mean?")
