"""What a model call cost and how it ended. Holds no words of anybody."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Literal, NamedTuple

_log = logging.getLogger("twokey.intents")

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


def record(call: Call) -> None:
    """The default journal: one log line a call."""
    cost = "unpriced" if call.usd is None else f"{call.usd:.6f}"
    _log.info(
        "model call: endpoint=%s model=%s prompt=%.12s ending=%s problem=%s seconds=%.3f attempts=%d "
        "input=%s output=%s usd=%s",
        *call[:-1],
        cost,
    )
