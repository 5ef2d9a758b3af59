"""What a run needs (Grant), what it says while it runs (Step) and what came of it (Outcome)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Base64Bytes, Field, JsonValue

from actions.terms import Value


class Grant(Value):
    """Leave to execute one plan once. Made by the gate alone, checked by the executor."""

    request_id: str
    digest: str
    expires_at: datetime


class Chart(Value):
    """A picture for the thread."""

    kind: Literal["chart"] = "chart"
    title: str
    png: Base64Bytes
    alt: str  # says the same in words


class TextFile(Value):
    """A file for the thread: log lines, CSV."""

    kind: Literal["file"] = "file"
    name: str
    content: str


class Quote(Value):
    """Text from logs or events: shown as it is, never believed, never formatted.

    `ours`: the lines are our own words, so the times in them may be written in the reader's zone.
    """

    kind: Literal["quote"] = "quote"
    title: str
    lines: tuple[str, ...]
    ours: bool = False


class Table(Value):
    """Rows under headings, 100 x 20 at most."""

    kind: Literal["table"] = "table"
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Evidence = Annotated[Chart | TextFile | Quote | Table, Field(discriminator="kind")]


class Suggestion(Value):
    """A next step as a button. A change still becomes a card of its own; nothing runs by itself."""

    label: str
    action: dict[str, JsonValue]


class EvalRun(Value):
    """What an eval says of one version: the part that is recorded, and that a deploy may rest on."""

    id: str
    service: str
    suite: str
    version: str
    baseline: str | None
    standard: str = (
        ""  # the digest of what the suite asked (`actions.evals.standard`); of runs before it was kept: none
    )
    passed: bool  # ready for prod
    summary: str


class Step(Value):
    """How far a running action is; the newest one replaces the one before."""

    text: str  # "4 of 5 ready"
    done: int | None = None
    total: int | None = None


class Trip(Value):
    """A guard's limit was reached: what was measured, in the guard's own units, and how long after the rollout."""

    measured: str
    limit: str
    after: int  # seconds


class Outcome(Value):
    """What came of it. `ok` is None where that is not known (E1): said so, never retried blindly."""

    ok: bool | None
    summary: str  # one line that answers
    details: tuple[str, ...] = ()  # short lines that fold below it
    evidence: tuple[Evidence, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    rolled_back: bool = False  # its guard took the change back; `ok` is False then
    run: EvalRun | None = None  # of an eval; its evidence is kept under the run's id, for whoever asks for it later
