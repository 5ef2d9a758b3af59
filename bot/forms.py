"""The form that corrects an action's arguments: made from the action's own fields, read back into an action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import JsonValue
from pydantic.fields import FieldInfo

from actions.action import Action
from actions.catalog import Catalog
from actions.registry import UNREADABLE, Registry
from bot.blocks.modals import Field

_HINTS = {
    "change": "+2, -1, x1.5 or 50%, instead of a number of replicas",
    "to": "a revision's number or a version; empty for the one before",
    "since": "a time like 30m, 2h, today or since 14:00",
    "window": "a time like 30m, 2h, today or since 14:00",
    "version": "a tag, or sha256:…",
    "guard": "like error_rate x2 within 10m; none for no guard; empty for the catalogue's own",
}


def fields(verb: type[Action], so_far: Mapping[str, JsonValue], catalog: Catalog) -> list[Field]:
    """One field an argument, filled with what is known."""
    return [
        Field(
            name=name,
            label=name.replace("_", " ").capitalize(),
            value=_shown(so_far.get(name)),
            choices=choices(name, info, so_far, catalog),
            hint=_HINTS.get(name, ""),
            optional=not info.is_required(),
        )
        for name, info in verb.spoken().items()
    ]


def choices(name: str, info: FieldInfo, so_far: Mapping[str, JsonValue], catalog: Catalog) -> tuple[str, ...]:
    """The values that an argument may have, where they can be counted."""
    if name == "service":
        return tuple(catalog.services) if len(catalog.services) <= 100 else ()
    if name == "environment":
        service = so_far.get("service")
        known = service if isinstance(service, str) and service in catalog.services else None
        return catalog.environments_of(known) if known else tuple(catalog.environments)
    if name == "suite":
        return tuple(dict.fromkeys(suite.suite for _, suite in catalog.suites.values()))
    return tuple(str(value) for value in _literals(info.annotation))


def partial(verb: str, values: Mapping[str, str | None], registry: Registry) -> dict[str, JsonValue]:
    """The action's JSON form as filled in; not yet checked. Digits are a number where the argument takes one."""
    found: dict[str, JsonValue] = {"verb": verb}
    for name, info in registry[verb].spoken().items():
        text = (values.get(name) or "").strip()
        if text:
            found[name] = int(text) if text.isdecimal() and _takes_int(info.annotation) else text
    return found


def kept(verb: type[Action], so_far: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The arguments that no form shows, and that a corrected action keeps."""
    return {name: so_far[name] for name in sorted(verb.pressed) if so_far.get(name) is not None}


def complaints(verb: type[Action], wrong: Mapping[str, str]) -> dict[str, str]:
    """What `Registry.wrong` found, each beside its field as a sentence that says what to enter instead.

    What is wrong with no field of the form stands beside the last one.
    """
    names = list(verb.spoken())
    found: dict[str, str] = {}
    for argument, words in wrong.items():
        hint = _HINTS.get(argument)
        more = f". I take {hint}" if words == UNREADABLE and hint else ""
        sentence = f"{words[:1].upper()}{words[1:]}{more}"
        field = argument if argument in names else names[-1]
        found.setdefault(field, sentence if sentence.endswith("…") else f"{sentence}.")
    return found


def first_missing(verb: type[Action], so_far: Mapping[str, JsonValue]) -> str | None:
    """The first required argument that is not known yet."""
    return next((n for n, info in verb.model_fields.items() if info.is_required() and so_far.get(n) is None), None)


def _literals(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((found for inner in get_args(annotation) if (found := _literals(inner))), ())


def _takes_int(annotation: Any) -> bool:
    return annotation is int or any(_takes_int(inner) for inner in get_args(annotation))


def _shown(value: JsonValue) -> str:
    return "" if value is None else str(value)
