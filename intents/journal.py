"""What is kept of readings and of model calls: how each ended, what it cost. No secrets, and words by opt-in."""

from __future__ import annotations

import hashlib
import logging
from decimal import Decimal
from typing import Literal, NamedTuple

from pydantic import JsonValue

from intents.models import privacy
from intents.reading import Command, Context, Engine, Question, Reading, Reason, Refusal

_log = logging.getLogger(__name__)

Ending = Literal["answered", "remembered", "failed"]


class Call(NamedTuple):
    """One attempt to have a sentence read by a model."""

    endpoint: str  # the last one that was asked; empty where none was
    model: str
    prompt: str  # the prompt's content hash
    ending: Ending
    problem: str | None  # in the words of `ModelFailed`
    seconds: float
    attempts: int  # requests sent
    input_tokens: int | None  # None: not reported
    output_tokens: int | None
    usd: Decimal | None  # None: unpriced, which is not free


class Entry(NamedTuple):
    """How one sentence was read. `words` only where people opted for that; secrets are in no part of it (L6)."""

    words_hash: str  # SHA-256 of the words, secrets taken out first
    words: str | None
    engine: Engine
    kind: str  # command, question or refusal
    reason: Reason | None
    action: dict[str, JsonValue] | None  # what was understood, as far as it was
    thread: dict[str, JsonValue] | None  # the newest action in the thread, which the words may point at
    channel: str | None


def entry(text: str, context: Context, channel: str | None, reading: Reading, *, words: bool) -> Entry:
    """What the journal keeps of a reading."""
    plain = privacy.hidden(text)
    action = None
    if isinstance(reading, Command):
        action = reading.action.as_json()
    elif isinstance(reading, Question):
        action = reading.so_far
    return Entry(
        words_hash=hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest(),
        words=plain if words else None,
        engine=reading.engine,
        kind=type(reading).__name__.lower(),
        reason=reading.reason if isinstance(reading, Refusal) else None,
        action=without_secrets(action),
        thread=without_secrets(context.earlier[-1].action if context.earlier else None),
        channel=channel if words else None,
    )


def without_secrets(action: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
    """A typed action whose texts may be kept."""
    return action and {k: privacy.hidden(v) if isinstance(v, str) else v for k, v in action.items()}


def record(call: Call) -> None:
    """The default journal: one log line a call."""
    cost = "unpriced" if call.usd is None else f"{call.usd:.6f}"
    _log.info(
        "model call: endpoint=%s model=%s prompt=%.12s ending=%s problem=%s seconds=%.3f attempts=%d "
        "input=%s output=%s usd=%s",
        *call[:-1],
        cost,
    )
