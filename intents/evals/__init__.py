"""The labelled cases of reading, and what a reader makes of them."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Iterable
from importlib import resources
from typing import Any, NamedTuple

import yaml

from actions import yamlfile
from actions.catalog import Catalog
from actions.registry import Registry
from actions.terms import Risk
from actions.verbs.history import History
from intents.reading import Command, Context, Question, Reading, Refusal

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FILES = ("orders", "looks", "doubts", "traps", "guards", "guards-languages")
FIELD = (
    "field-orders-1",
    "field-orders-2",
    "field-looks",
    "field-traps-1",
    "field-traps-2",
    "field-traps-3",
    "field-classes",
    "field-languages",
    "field-hurried",
    "field-shop",
    "field-hurried-2",
    "field-hurried-3",
    "field-traps-4",
    "field-fleet",
    "field-media",
    "field-bank",
    "field-travel",
    "field-doubts-1",
    "field-doubts-2",
    "field-doubts-3",
    "field-names",
    "field-town",
    "field-town-2",
)
LANGUAGES = ("de", "el", "es", "fr", "zh")
FROZEN = (
    "frozen",
    "frozen-2",
    *(f"frozen-{code}" for code in LANGUAGES),
    "frozen-shop",
    "frozen-energy",
    "frozen-town",
)  # never tuned on
_CATALOGS: dict[str, tuple[str, ...]] = {  # the rest: catalog-words
    "catalog": FILES,
    "catalog-shop": ("field-shop", "field-hurried-2", "field-hurried-3", "field-traps-4", "frozen-shop"),
    "catalog-fleet": ("field-fleet",),
    "catalog-media": ("field-media",),
    "catalog-bank": ("field-bank",),
    "catalog-travel": ("field-travel",),
    "catalog-doubts": ("field-doubts-1", "field-doubts-2", "field-doubts-3"),
    "catalog-names": ("field-names",),
    "catalog-energy": ("frozen-energy",),
    "catalog-town": ("field-town", "field-town-2", "frozen-town"),
}


class Case(NamedTuple):
    """A sentence and what it has to become."""

    file: str
    say: str
    means: dict[str, Any] | None  # the action without nulls
    asks: frozenset[str]  # what the question has to be about
    refuses: str | None  # the reason
    abstains: bool  # any question or refusal will do, and no command
    context: Context
    channel: str | None
    noise: str  # what makes it hard, in one word; empty for a plain one
    language: str
    loosely: bool  # a symptom in other words will do


class Verdict(NamedTuple):
    """A case and what it became."""

    case: Case
    reading: Reading
    right: bool
    wrong_change: bool  # became a change that nobody ordered: must never be


class Level(NamedTuple):
    """How well a set of cases is read."""

    meant: int  # cases that are an order or a look
    understood: int  # of these became exactly the action that was meant
    commands: int  # actions that came out, whatever was meant
    wrong: int  # of these were not what was meant
    wrong_changes: int  # of these change something
    others: int  # cases that are neither order nor look
    abstained: int  # of these became a question or a refusal

    @property
    def coverage(self) -> float:
        """The share of orders and looks that was understood."""
        return self.understood / self.meant

    @property
    def precision(self) -> float:
        """The share of commands that were meant."""
        return 1 - self.wrong / self.commands

    @property
    def abstention(self) -> float:
        """The share of everything else that ended without a command."""
        return self.abstained / self.others


def catalog(file: str = FILES[0]) -> Catalog:
    """The catalogue that a file's cases speak of."""
    name = f"{_catalog_of(file)}.yaml"
    return yamlfile.parse(_text(name), Catalog, f"intents/evals/{name}")


def cases(files: Iterable[str] = FILES) -> list[Case]:
    """Every labelled case."""
    return [_case(file, entry) for file in files for entry in _entries(file)]


def worlds(files: Iterable[str] = FILES) -> list[tuple[Catalog, list[Case]]]:
    """Every labelled case, by the catalogue that it speaks of."""
    groups: dict[str, list[str]] = {}
    for file in files:
        groups.setdefault(_catalog_of(file), []).append(file)
    return [(catalog(mine[0]), cases(mine)) for mine in groups.values()]


async def judge(
    read: Callable[[str, Context, str | None], Awaitable[Reading]], wanted: Iterable[Case]
) -> list[Verdict]:
    """Has every case read, and says which came out right."""
    return [verdict(case, await read(case.say, case.context, case.channel)) for case in wanted]


def level(verdicts: Iterable[Verdict]) -> Level:
    """Counts verdicts."""
    found = list(verdicts)
    meant = [one for one in found if one.case.means is not None]
    others = [one for one in found if one.case.means is None]
    commands = [one for one in found if isinstance(one.reading, Command)]
    return Level(
        meant=len(meant),
        understood=sum(one.right for one in meant),
        commands=len(commands),
        wrong=sum(one.case.means is None or not one.right for one in commands),
        wrong_changes=sum(one.wrong_change for one in found),
        others=len(others),
        abstained=sum(not isinstance(one.reading, Command) for one in others),
    )


def verdict(case: Case, reading: Reading) -> Verdict:
    """Whether a reading is what the case wants, and whether it is a change that was not ordered."""
    action = _bare(reading.action.as_json()) if isinstance(reading, Command) else None
    changes = isinstance(reading, Command) and reading.action.risk is not Risk.READ
    if case.means is not None:
        right = _as_labelled(case, action) == (_without_symptom(case.means) if case.loosely else case.means)
    elif case.asks:
        right = isinstance(reading, Question) and {*reading.missing, *reading.ambiguous} == case.asks
    elif case.refuses:
        right = isinstance(reading, Refusal) and reading.reason == case.refuses
    elif case.abstains:
        right = action is None
    else:
        right = not changes
    return Verdict(case, reading, right, changes and not right)


def _catalog_of(file: str) -> str:
    return next((name for name, files in _CATALOGS.items() if file in files), "catalog-words")


def _entries(file: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.load(_text(f"{file}.yaml"), Loader=_Loader)  # noqa: S506 - the loader is the safe one
    return found


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _case(file: str, entry: dict[str, Any]) -> Case:
    thread = entry.get("thread")
    earlier = ({"action": action(thread), "state": "succeeded"},) if thread else ()
    return Case(
        file=file,
        say=entry["say"],
        means=action(entry["means"]) if "means" in entry else None,
        asks=frozenset(str(entry.get("asks", "")).split()),
        refuses=entry.get("refuses"),
        abstains=entry.get("abstains", False),
        context=Context.model_validate({"earlier": earlier}),
        channel=entry.get("channel"),
        noise=entry.get("noise", ""),
        language=entry.get("language") or (code if (code := file.rpartition("-")[2]) in LANGUAGES else "en"),
        loosely=entry.get("loosely", False),
    )


def _as_labelled(case: Case, action: dict[str, Any] | None) -> dict[str, Any] | None:
    """The reading in the label's words: a symptom where it counts, and what narrows a look back where a case says so.

    Many labels are older than these arguments, and the frozen ones are not to be changed.
    """
    if action is None or case.means is None:
        return action
    said = _without_symptom(action) if case.loosely else action
    older = action["verb"] == History.verb and not case.means.keys() & History.later
    return {key: value for key, value in said.items() if not older or key not in History.later} if said else said


def _without_symptom(action: dict[str, Any] | None) -> dict[str, Any] | None:
    return action and {key: value for key, value in action.items() if key != "symptom"}


def action(short: str) -> dict[str, Any]:
    """`scale checkout prod replicas=5` as an action; a value in quotation marks is text."""
    verb, *words = shlex.split(short)
    found: dict[str, Any] = {"verb": verb}
    for name, word in zip(("service", "environment"), (w for w in words if "=" not in w), strict=False):
        found[name] = word
    for word in (word for word in words if "=" in word):
        key, _, value = word.partition("=")
        found[key] = int(value) if key in ("replicas", "limit", "to") and value.isdigit() else value
    return found


def _bare(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}


def registered() -> Registry:
    """The verbs that the cases speak of."""
    from actions.verbs import VERBS

    return Registry(VERBS)
