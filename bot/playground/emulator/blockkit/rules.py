"""The few kinds of rules that the tables are made of. A rule looks at one value and notes what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

Rule = Callable[[Any, str, "Report"], None]  # a value, its JSON pointer, where to note what is wrong


@dataclass
class Report:
    """What is wrong, in Slack's words, each with the pointer to the place."""

    problems: list[str] = field(default_factory=list)

    def note(self, pointer: str, message: str) -> None:
        self.problems.append(f"{message} [json-pointer:{pointer}]")


def string(high: int, low: int = 1, pattern: str = "") -> Rule:
    """Text of `low` to `high` characters, perhaps of a form."""

    def rule(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, str):
            report.note(pointer, "must be a string")
        elif len(value) < low:
            report.note(pointer, f"must be more than {low - 1} characters")
        elif len(value) > high:
            report.note(pointer, f"must be less than {high + 1} characters")
        elif pattern and not re.fullmatch(pattern, value):
            report.note(pointer, f"does not match the form {pattern}")

    return rule


def choice(*allowed: str) -> Rule:
    """One of these words."""

    def rule(value: Any, pointer: str, report: Report) -> None:
        if value not in allowed:
            report.note(pointer, f"must be a valid enum value: {', '.join(allowed)}")

    return rule


def boolean(value: Any, pointer: str, report: Report) -> None:
    """True or false."""
    if not isinstance(value, bool):
        report.note(pointer, "must be a boolean")


def integer(low: int, high: int) -> Rule:
    """A whole number from `low` to `high`."""

    def rule(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.note(pointer, "must be an integer")
        elif not low <= value <= high:
            report.note(pointer, f"must be between {low} and {high}")

    return rule


def anything(value: Any, pointer: str, report: Report) -> None:
    """Slack fills this in or ignores it."""


def each(rule: Rule, high: int, low: int = 1) -> Rule:
    """A list of `low` to `high` values that keep `rule`."""

    def check(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, list):
            report.note(pointer, "must be an array")
            return
        if len(value) < low:
            report.note(pointer, f"no less than {low} items allowed")
        if len(value) > high:
            report.note(pointer, f"no more than {high} items allowed")
        for number, item in enumerate(value[:high]):
            rule(item, f"{pointer}/{number}", report)

    return check


@dataclass(frozen=True)
class Shape:
    """An object: its required and optional fields, and rules about it as a whole."""

    required: Mapping[str, Rule] = field(default_factory=dict)
    optional: Mapping[str, Rule] = field(default_factory=dict)
    whole: tuple[Rule, ...] = ()

    def __call__(self, value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.note(pointer, "must be an object")
            return
        for name in self.required:
            if name not in value:
                report.note(pointer, f"missing required field: {name}")
        known = {**self.required, **self.optional}
        for name, item in value.items():
            if name not in known:
                report.note(pointer, f"invalid additional property: {name}")
            else:
                known[name](item, f"{pointer}/{name}", report)
        for rule in self.whole:
            rule(value, pointer, report)


def without_type(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields besides `type`, which only blocks, elements and texts have: options, for one, may not."""
    return {name: item for name, item in value.items() if name != "type"}


def typed(shapes: Mapping[str, Rule], among: Collection[str] | None = None) -> Rule:
    """An object whose `type` says which shape it must have; only those `among` are allowed here."""
    allowed = {name: rule for name, rule in shapes.items() if among is None or name in among}

    def rule(value: Any, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.note(pointer, "must be an object")
        elif "type" not in value:
            report.note(pointer, "missing required field: type")
        elif not isinstance(value["type"], str) or value["type"] not in allowed:
            report.note(f"{pointer}/type", f"unsupported type: {value['type']}")
        else:
            allowed[value["type"]](without_type(value), pointer, report)

    return rule


def exactly_one(*names: str) -> Rule:
    """Of these fields one must be there, and no two."""

    def rule(value: Any, pointer: str, report: Report) -> None:
        given = [name for name in names if name in value]
        if not given:
            report.note(pointer, f"must define either {' or '.join(f'`{name}`' for name in names)}")
        elif len(given) > 1:
            report.note(pointer, f"cannot define both {' and '.join(f'`{name}`' for name in given)}")

    return rule


def at_least_one(*names: str) -> Rule:
    """Of these fields one must be there."""

    def rule(value: Any, pointer: str, report: Report) -> None:
        if all(name not in value for name in names):
            report.note(pointer, f"must define either {' or '.join(f'`{name}`' for name in names)}")

    return rule
