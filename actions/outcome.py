"""What a run needs (Grant), what it says while it runs (Step) and what came of it (Outcome)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, JsonValue


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Grant(_Value):
    """Leave to execute one plan once. Made by the gate alone, checked by the executor."""

    request_id: str
    digest: str
    expires_at: datetime


class Chart(_Value):
    """A picture for the thread."""

    kind: Literal["chart"] = "chart"
    title: str
    png: Base64Bytes
    alt: str  # says the same in words


class TextFile(_Value):
    """A file for the thread: log lines, CSV."""

    kind: Literal["file"] = "file"
    name: str
    content: str


class Quote(_Value):
    """Text from logs or events: shown as it is, never believed, never formatted."""

    kind: Literal["quote"] = "quote"
    title: str
    lines: tuple[str, ...]


class Table(_Value):
    """Rows under headings, 100 x 20 at most."""

    kind: Literal["table"] = "table"
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Evidence = Annotated[Chart | TextFile | Quote | Table, Field(discriminator="kind")]


class Suggestion(_Value):
    """A next step as a button. A change still becomes a card of its own; nothing runs by itself."""

    label: str
    action: dict[str, JsonValue]


class Step(_Value):
    """How far a running action is; the newest one replaces the one before."""

    text: str  # "4 of 5 ready"
    done: int | None = None
    total: int | None = None


class Outcome(_Value):
    """What came of it. `ok` is None where that is not known (E1): said so, never retried blindly."""

    ok: bool | None
    summary: str  # one line that answers
    details: tuple[str, ...] = ()  # short lines that fold below it
    evidence: tuple[Evidence, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
