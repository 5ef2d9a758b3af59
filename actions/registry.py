"""Which verbs there are. An instance, passed in; a verb is registered whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from actions.action import Action
from actions.errors import BadInput


class Registry:
    """The verbs by name, in the order of their declaration."""

    def __init__(self, verbs: Iterable[type[Action]]) -> None:
        self._verbs: dict[str, type[Action]] = {}
        for verb in verbs:
            missing = [n for n in ("verb", "risk", "rules", "help", "examples") if not hasattr(verb, n)]
            if missing:
                raise TypeError(f"{verb.__name__} does not declare {', '.join(missing)}")
            if verb.verb in self._verbs:
                raise TypeError(f"two actions are called {verb.verb}")
            self._verbs[verb.verb] = verb

    def __iter__(self) -> Iterator[type[Action]]:
        return iter(self._verbs.values())

    def __contains__(self, verb: object) -> bool:
        return verb in self._verbs

    def __getitem__(self, verb: str) -> type[Action]:
        if verb not in self._verbs:
            raise BadInput(f'I know no action "{verb}". I know: {", ".join(self._verbs)}.')
        return self._verbs[verb]

    def parse(self, data: Mapping[str, Any]) -> Action:
        """An action from its JSON form. Raises BadInput that names the argument at fault."""
        found = self._read(data)
        if isinstance(found, Action):
            return found
        where, words = next(iter(found.items()))
        raise BadInput(f"{where}: {words}.")

    def wrong(self, data: Mapping[str, Any]) -> dict[str, str]:
        """Every argument at fault, and what is wrong with it; what the action as a whole lacks stands by its verb.

        Empty for what `parse` takes. Raises BadInput for an unknown verb.
        """
        found = self._read(data)
        return {} if isinstance(found, Action) else found

    def _read(self, data: Mapping[str, Any]) -> Action | dict[str, str]:
        rest = dict(data)
        verb = self[str(rest.pop("verb", ""))]
        try:
            return verb.model_validate(rest)
        except ValidationError as error:
            found: dict[str, str] = {}
            for one in error.errors(include_url=False):
                kind = one["type"] if len(one["loc"]) == 1 or one["type"] not in _FORMS else "none_of_several"
                where = str(one["loc"][0]) if one["loc"] else verb.verb
                found.setdefault(where, _in_words(kind, one["msg"], one.get("ctx") or {}))
            return found


UNREADABLE = "I cannot read that"
_FORMS = {
    "int_parsing": "it has to be a whole number, like 5",
    "int_type": "it has to be a whole number, like 5",
    "int_from_float": "it has to be a whole number, like 5",
    "string_type": UNREADABLE,
    "string_pattern_mismatch": UNREADABLE,
    "none_of_several": UNREADABLE,
    "missing": "it is missing",
}


def _in_words(kind: str, message: str, limits: Mapping[str, Any]) -> str:
    """Pydantic's complaint as one would say it to a person."""
    if kind == "less_than_equal":
        return f"{limits['le']:,} is the most I take"
    if kind == "greater_than_equal":
        return f"it has to be {limits['ge']} or more"
    if kind == "literal_error":
        return f"it has to be {str(limits['expected']).replace(chr(39), '')}"
    if kind in _FORMS:
        return _FORMS[kind]
    return message.removeprefix("Value error, ").rstrip(".")
