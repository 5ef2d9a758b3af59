"""What a model call cost and how it ended. Holds no words of anybody."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import Literal, NamedTuple

from pydantic import JsonValue

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


class Correction(NamedTuple):
    """What was understood, and what the person made of it in the form: typed actions, no words."""

    read: dict[str, JsonValue]
    meant: dict[str, JsonValue]

    @property
    def changed(self) -> tuple[str, ...]:
        """The arguments that were corrected."""
        keys = dict.fromkeys((*self.read, *self.meant))
        return tuple(key for key in keys if self.read.get(key) != self.meant.get(key))


def corrected(correction: Correction) -> None:
    """Feedback for whoever labels sentences: one log line, where anything was corrected at all."""
    if correction.changed:
        _log.info(
            "reading corrected: changed=%s read=%s meant=%s",
            ",".join(correction.changed), *(json.dumps(data, sort_keys=True) for data in correction),
        )  # fmt: skip


def record(call: Call) -> None:
    """The default journal: one log line a call."""
    cost = "unpriced" if call.usd is None else f"{call.usd:.6f}"
    _log.info(
        "model call: endpoint=%s model=%s prompt=%.12s ending=%s problem=%s seconds=%.3f attempts=%d "
        "input=%s output=%s usd=%s",
        *call[:-1],
        cost,
    )
