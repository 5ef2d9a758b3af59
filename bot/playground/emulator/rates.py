"""Rate limits that a test or a person asked for: the next calls of a method are answered with 429."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Limit:
    """How often still, and what `Retry-After` says (seconds)."""

    retry_after: int
    times: int


class RateLimits:
    """Injected limits by method; `*` means every method."""

    def __init__(self) -> None:
        self._limits: dict[str, Limit] = {}

    def inject(self, method: str, retry_after: int, times: int) -> None:
        """The next `times` calls of `method` are refused."""
        self._limits[method] = Limit(retry_after, times)

    def refuses(self, method: str) -> int | None:
        """The seconds to wait if this call is refused (that uses one refusal up), or None."""
        for name in (method, "*"):
            limit = self._limits.get(name)
            if limit is not None and limit.times > 0:
                limit.times -= 1
                return limit.retry_after
        return None
