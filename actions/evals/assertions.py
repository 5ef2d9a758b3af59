"""Whether an answer passes. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from actions.clients.protocols import Completion
from actions.evals.suite import Assertion

_CHECKS: dict[str, Callable[[Assertion, Completion], bool]] = {
    "equals": lambda a, c: c.text == str(a.value),
    "contains": lambda a, c: str(a.value) in c.text,
    "icontains": lambda a, c: str(a.value).lower() in c.text.lower(),
    "regex": lambda a, c: re.search(str(a.value), c.text) is not None,
    "is-json": lambda _, c: _is_json(c.text),
    "latency": lambda a, c: c.latency * 1000 <= (a.threshold or 0),
}

_SAID = {  # what a failure says, and what one of the negated assertion says
    "equals": ("is not “{}”", "is “{}”"),
    "contains": ("lacks “{}”", "has “{}” in it"),
    "icontains": ("lacks “{}”", "has “{}” in it"),
    "regex": ("does not match {}", "matches {}"),
    "is-json": ("is no JSON", "is JSON"),
}


def failures(asserts: tuple[Assertion, ...], completion: Completion) -> tuple[str, ...]:
    """What does not hold, in words; empty when the answer passes."""
    return tuple(_say(a, completion) for a in asserts if _CHECKS[a.kind](a, completion) == a.negated)


def _say(assertion: Assertion, completion: Completion) -> str:
    if assertion.kind == "latency":
        return f"{assertion.type}: took {completion.latency * 1000:.0f} ms, limit {assertion.threshold:.0f} ms"
    wanted, found = _SAID[assertion.kind]
    return (found if assertion.negated else wanted).format(assertion.value)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
