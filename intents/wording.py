"""The sentences that questions and refusals say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actions.errors import BadInput

_ASKED = {
    "service": "which service",
    "environment": "in which environment",
    "version": "which version",
    "replicas": "how many replicas",
    "change": "to that number, or by it",
    "metric": "which metric",
    "to": "to which version or revision",
    "suite": "which eval suite",
    "candidate": "which version",
    "guard": "at which limit is it rolled back",
}


def what(action: Mapping[str, Any]) -> str:
    """An action in a few words: `Scale checkout to 5 in prod`."""
    words = [str(action.get("verb", "")).replace("_", " ").capitalize()]
    if action.get("service"):
        words.append(str(action["service"]))
    for key, before in (("version", "to"), ("replicas", "to"), ("change", "by"), ("to", "to")):
        if key == "change" and str(action.get(key)).endswith("%"):
            words.append(f"to {action[key]} of what runs now")
        elif action.get(key) is not None:
            words.append(f"{before} {action[key]}")
    if action.get("environment"):
        words.append(f"in {action['environment']}")
    if action.get("guard"):
        guard = str(action["guard"])
        words.append("without a guard" if guard == "none" else f"and roll back at {guard}")
    return " ".join(words)


def question(known: Mapping[str, Any], missing: Sequence[str], ambiguous: Sequence[str]) -> str:
    """`Scale checkout to 5: in which environment?`"""
    asked = [_ASKED.get(key, key) for key in dict.fromkeys((*missing, *ambiguous))]
    if set(ambiguous) >= {"change", "replicas"}:
        asked = ["to that number, or by it"]
    return f"{what(known)}: {' and '.join(asked)}?"


def no_version(word: str, known: Mapping[str, Any]) -> str:
    """Something that stands where a version should."""
    return (
        f'"{word}" is no version. A version is a tag like 1.4.2 or v2.1, or a digest that begins with sha256:. '
        f"{question(known, ('version',), ())}"
    )


def not_understood(word: str, question: str) -> str:
    """A word where a version was expected."""
    return f'I do not understand "{word}": a version is a tag like 1.4.2 or v2.1, or a digest (sha256:…). {question}'


def not_its_name(word: str, name: str, service: str) -> str:
    """A word behind the name of a service, with which it would be a service that nobody knows."""
    return f'I do not understand "{word}": I know {service}, but no service "{name}". Did you mean {service}?'


def unknown_service(name: str, offered: Sequence[str]) -> str:
    """A name that is like no service, and services to choose from."""
    return f'I know no service "{name}".' + (" Which one do you mean?" if offered else "")


def runs_elsewhere(service: str, place: str, places: Sequence[str]) -> str:
    """A service that is not there."""
    return f"{service} does not run in {place}. It runs in {' and '.join(places) or 'no environment'}."


def bad_argument(verb: str, said: Mapping[str, Any], error: BadInput) -> str:
    """An argument that no action takes."""
    return f"I can't {verb.replace('_', ' ')} {said.get('service', 'that')} like this: {error.say}"


def no_suite(service: str) -> str:
    """A service without evals."""
    return f"{service} has no eval suite in the catalogue. Add one under its `evals`."


def other_suite(suite: str, service: str) -> str:
    """A suite of another service."""
    return f"The suite {suite} is not for {service}."
