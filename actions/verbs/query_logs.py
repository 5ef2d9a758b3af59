"""query_logs: lines of a service's log."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from actions.action import Name, Read, Rule
from actions.durations import Duration


class QueryLogs(Read):
    """Lines from a service's log, grouped."""

    verb: ClassVar[str] = "query_logs"
    rules: ClassVar[tuple[Rule, ...]] = (Rule("", "pods", ("list",)), Rule("", "pods/log", ("get",)))
    help: ClassVar[str] = "Lines from a service's log, grouped"
    examples: ClassVar[tuple[str, ...]] = (
        "logs of payments in prod last 30m",
        "errors in the cart logs in staging",
    )

    service: Name
    environment: Name
    since: Duration | None = None
    contains: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    level: Literal["debug", "info", "warning", "error"] | None = None
    limit: Annotated[int, Field(ge=1, le=5000)] | None = None
