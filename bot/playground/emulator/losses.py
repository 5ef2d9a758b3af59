"""Answers that a test asked to lose: the call is done, and its connection is cut before anybody hears so."""

from __future__ import annotations


class LostAnswers:
    """How many answers of a method are still to be lost."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}

    def inject(self, method: str, times: int) -> None:
        """The answers to the next `times` calls of `method` that succeed are lost."""
        self._left[method] = times

    def loses(self, method: str) -> bool:
        """Whether this answer is lost (that uses one up)."""
        left = self._left.get(method, 0)
        self._left[method] = max(0, left - 1)
        return left > 0
