"""What trips a guard, as one line that people write: `error_rate x2 within 10m`, `latency_p95 800ms within 15m`. Pure.

A threshold is a factor over what was measured before the change (`x2`), or an absolute value with its unit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, NamedTuple, get_args

from pydantic import AfterValidator

from actions.terms import Guarded

NONE = "none"
"""Said in place of a tripwire: no guard, whatever the catalogue has as a default."""
SHORTEST, LONGEST = 1, 60
"""Minutes that a guard watches: a shorter one sees nothing, and a longer one holds its target back from others."""
WINDOW = 10
"""Minutes that a guard watches where nobody said how long."""

_LATENCIES = ("latency_p50", "latency_p95", "latency_p99")
_UNITS: Mapping[str, Mapping[str, Decimal]] = {
    "error_rate": {"%": Decimal("0.01")},
    **{name: {"ms": Decimal("0.001"), "s": Decimal(1)} for name in _LATENCIES},
    "cpu": {"cores": Decimal(1)},
    "memory": {"MiB": Decimal(1024**2), "GiB": Decimal(1024**3)},
    "restarts": {"": Decimal(1)},
}
_LEAST: Mapping[str, Decimal] = {  # what a factor multiplies at least: twice no errors at all would be none
    "error_rate": Decimal("0.001"),
    **dict.fromkeys(_LATENCIES, Decimal("0.01")),
    "cpu": Decimal("0.05"),
    "memory": Decimal(1024**2),
    "restarts": Decimal(1),
}
_LINE = re.compile(
    r"(?P<metric>[a-z0-9_]+) +"
    r"(?:x(?P<factor>\d{1,3}(?:\.\d{1,3})?)|(?P<value>\d{1,7}(?:\.\d{1,6})?) ?(?P<unit>[A-Za-z%]*))"
    r"(?: +within +(?P<minutes>\d{1,4}) ?m)?",
    re.ASCII,
)
_HOW = "it has to look like error_rate x2 within 10m, or latency_p95 800ms within 15m, or none"


class Tripwire(NamedTuple):
    """Trips at `factor` times what was before, or at `value` (ratio, seconds, cores, bytes, restarts); one is None."""

    metric: Guarded
    factor: Decimal | None
    value: Decimal | None
    minutes: int
    threshold: str  # as it is written: "x2", "800ms"

    def __str__(self) -> str:
        return f"{self.metric} {self.threshold} within {self.minutes}m"

    def limit(self, baseline: Decimal | None) -> Decimal:
        """The value at which it trips. Raises ValueError where a factor has nothing to multiply."""
        if self.value is not None:
            return self.value
        if baseline is None or self.factor is None:
            raise ValueError("nothing was measured that could be multiplied")
        return self.factor * max(baseline, _LEAST[self.metric])


def parse(text: str) -> Tripwire:
    """The tripwire of a line. Raises ValueError that says what is wrong, and how it should look."""
    found = _LINE.fullmatch(text.strip())
    if found is None:
        raise ValueError(_HOW)
    metric = next((name for name in get_args(Guarded) if name == found["metric"]), None)
    if metric is None:
        raise ValueError(f"a guard watches one of {', '.join(get_args(Guarded))}")
    minutes = int(found["minutes"] or WINDOW)
    if not SHORTEST <= minutes <= LONGEST:
        raise ValueError(f"a guard watches for {SHORTEST} to {LONGEST} minutes")
    if found["factor"]:
        factor = Decimal(found["factor"])
        if factor <= 1:
            raise ValueError("a guard's factor is more than 1, like x2")
        return Tripwire(metric, factor, None, minutes, f"x{_short(factor)}")
    scale = _UNITS[metric].get(found["unit"])
    if scale is None:
        units = " or ".join(unit or "a bare number" for unit in _UNITS[metric])
        raise ValueError(f"{metric} is measured in {units}, or as a factor like x2")
    value = Decimal(found["value"])
    if value <= 0:
        raise ValueError("a guard's limit is more than 0")
    if metric == "error_rate" and value * scale >= 1:
        raise ValueError("an error rate's limit is less than 100%, or the guard never trips")
    return Tripwire(metric, None, value * scale, minutes, f"{_short(value)}{found['unit']}")


def _canonical(text: str) -> str:
    return NONE if text.strip() == NONE else str(parse(text))


def _short(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


Line = Annotated[str, AfterValidator(_canonical)]
"""A tripwire, or `none`, always spelled in the same way."""
