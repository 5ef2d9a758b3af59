"""Answers given before, for exactly the same question: same prompt, words, catalogue, policy, person and thread."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import JsonValue

FRESH = 3_600.0  # seconds


class Cache:
    """Keeps objects by the hash of everything that they rest on, and so holds nobody's words."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most, self._clock = most, clock
        self._kept: OrderedDict[str, tuple[float, dict[str, JsonValue]]] = OrderedDict()

    def get(self, key: str) -> dict[str, JsonValue] | None:
        """A copy of what was kept, not older than `FRESH`."""
        at, found = self._kept.get(key, (float("-inf"), None))
        if found is None or self._clock() - at > FRESH:
            return None
        self._kept.move_to_end(key)
        return dict(found)

    def keep(self, key: str, answer: Mapping[str, JsonValue]) -> None:
        """Makes room by forgetting what was not asked for longest."""
        if self._most:
            self._kept[key] = self._clock(), dict(answer)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def key(*parts: Any) -> str:
    """One hash over all parts; different parts give different hashes."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
