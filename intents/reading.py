"""What may leave this room: a Command, a Question or a Refusal. Nothing else."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue, SerializeAsAny

from actions.action import Action
from actions.terms import Value

Engine = Literal["grammar", "model"]
Reason = Literal[
    "not_an_operation",
    "unsupported",
    "unsafe",
    "unknown_service",
    "unknown_environment",
    "several_actions",
    "negated",
    "conditional",
]


class Command(Value):
    """The words were understood whole."""

    action: SerializeAsAny[Action]
    engine: Engine

    def as_json(self) -> dict[str, JsonValue]:
        return {"kind": "command", "action": self.action.as_json(), "engine": self.engine}


class Question(Value):
    """Something is missing or means two things; the options complete `so_far`, and a person presses one.

    `options` maps an argument to the values that fit, the likeliest first, 25 at most each.
    """

    missing: tuple[str, ...] = ()  # arguments that were not said
    ambiguous: tuple[str, ...] = ()  # arguments that mean several things
    so_far: dict[str, JsonValue]  # {"verb": …, the arguments that are known}
    options: dict[str, tuple[str | int, ...]] = Field(default={})
    say: str  # the question in words
    engine: Engine = "grammar"

    def as_json(self) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {"kind": "question", "missing": list(self.missing), "so_far": self.so_far}
        if self.ambiguous:
            found["ambiguous"] = list(self.ambiguous)
        found["options"] = {key: list(values) for key, values in self.options.items()}
        return {**found, "say": self.say, "engine": self.engine}


class Refusal(Value):
    """Not acted on, and why; `say` tells the person what to do instead.

    `takes_back` is for words like "cancel that": where no thread tells what is meant, only the requests here can.
    """

    reason: Reason
    say: str
    suggestions: tuple[dict[str, JsonValue], ...] = ()  # complete actions offered as buttons
    engine: Engine = "grammar"
    takes_back: bool = False

    def as_json(self) -> dict[str, JsonValue]:
        return {"kind": "refusal", "reason": self.reason, "say": self.say, "engine": self.engine}


Reading = Command | Question | Refusal


class Earlier(Value):
    """An action of the bot's own in this thread, and how far it is."""

    action: dict[str, JsonValue]
    state: str = ""


class Context(Value):
    """What the thread already holds, newest last: the bot's own earlier actions, never anybody's text."""

    earlier: tuple[Earlier, ...] = ()
