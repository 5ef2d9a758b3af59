"""What a version has to pass: the suite's entry in the catalogue and the questions of its file, as one digest.

A run proves a version under exactly what it was asked. A suite that asks something else by now, or wants more of it,
has another digest, whatever it is called.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from pydantic import JsonValue

from actions import canonical, yamlfile
from actions.catalog import Catalog, EvalSuite
from actions.errors import ConfigError
from actions.evals.suite import Question, Suite

_KEPT = 16  # suites that were parsed; each file is read every time, and parsed again only when it changed


class NoBar(ConfigError):
    """The suite has no threshold, so any baseline would do. Give it one in the catalogue."""


class Standard(NamedTuple):
    """What a suite asks, and the digest of that."""

    questions: tuple[Question, ...]
    digest: str


def read(catalog: Catalog, entry: EvalSuite) -> Standard:
    """As the suite's file stands there now. Raises ConfigError with file, line and key."""
    path = catalog.path_of(entry.file or f"evals/{entry.suite}.yaml")
    return _parsed(entry, yamlfile.read(path), str(path))


def now(catalog: Catalog, service: str, suite: str) -> str:
    """The digest of a service's suite as it is now. Raises ConfigError where that cannot be told."""
    return read(catalog, _entry(catalog, service, suite)).digest


def binding(catalog: Catalog, service: str, suite: str) -> str:
    """The same of a suite that a rule rests on. Raises NoBar where no number of its own has to be reached."""
    entry = _entry(catalog, service, suite)
    if entry.threshold is None:
        raise NoBar
    return read(catalog, entry).digest


def _entry(catalog: Catalog, service: str, suite: str) -> EvalSuite:
    known = catalog.services.get(service)
    entry = next((each for each in known.evals if each.suite == suite), None) if known else None
    if entry is None:
        raise ConfigError(f"The catalogue has no suite {suite} of {service}.")
    return entry


@lru_cache(_KEPT)
def _parsed(entry: EvalSuite, text: str, name: str) -> Standard:
    questions = yamlfile.parse(text, Suite, name).questions()
    return Standard(questions, _digest(entry, questions))


def _digest(entry: EvalSuite, questions: tuple[Question, ...]) -> str:
    """SHA-256 over endpoint, model, threshold, prompts and assertions, as 64 hexadecimal digits.

    Without what is as it is by default, so that a later release which knows more has the same digest.
    """
    said = entry.model_dump(mode="json", include={"base_url", "model", "threshold"}, exclude_defaults=True)
    asked: list[JsonValue] = [question.model_dump(mode="json", exclude_defaults=True) for question in questions]
    return canonical.digest(canonical.exact({"suite": said, "questions": asked}))
