"""Durations as people write them in requests and files: `90s`, `30m`, `2h`, `7d`, `2w`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

from actions.errors import BadInput

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PATTERN = re.compile(r"([1-9]\d{0,5})([smhdw])")


def parse(text: str) -> timedelta:
    """`30m` -> 30 minutes. Raises BadInput for anything else."""
    match = _PATTERN.fullmatch(text)
    if not match:
        raise BadInput(f'"{text}" is no duration; write it like 30m, 2h or 7d.')
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


def spell(seconds: float) -> str:
    """Seconds as a short duration in the largest unit that divides them: 5400 -> `90m`."""
    whole = max(1, round(seconds))
    unit = next(u for u in ("d", "h", "m", "s") if whole % _SECONDS[u] == 0)
    return f"{whole // _SECONDS[unit]}{unit}"


def _checked(text: str) -> str:
    try:
        parse(text)
    except BadInput as error:
        raise ValueError(error.say) from None
    return text


Duration = Annotated[str, AfterValidator(_checked)]
