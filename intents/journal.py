"""What a model call cost and how it ended. Holds no words of anybody."""

from __future__ import annotations

import logging
from typing import Literal, NamedTuple

_log = logging.getLogger("twokey.intents")

Ending = Literal["answered", "failed"]


class Call(NamedTuple):
    """One attempt to have a sentence read by a model."""

    model: str
    prompt: str  # the prompt's content hash
    ending: Ending
    problem: str | None  # in the words of `ModelFailed`
    seconds: float
    attempts: int
    input_tokens: int | None  # None: not reported
    output_tokens: int | None


def record(call: Call) -> None:
    """The default journal: one log line a call."""
    _log.info(
        "model call: model=%s prompt=%.12s ending=%s problem=%s seconds=%.3f attempts=%d input=%s output=%s", *call
    )
