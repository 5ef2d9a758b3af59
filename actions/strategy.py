"""How a workload replaces its pods: how many it may take down at once, and whether new ones come first.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

from actions import objects

_SHARE = "25%"  # the API's default of both bounds of a Deployment


def at_once(live: Mapping[str, Any]) -> int:
    """How many pods may be down at the same time for the sake of a rollout."""
    running = objects.running(live)
    kind, spec = live.get("kind"), live["spec"]
    if kind != "Deployment":
        rolling = (spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
        return min(running, max(1, share(rolling.get("maxUnavailable", 1), running, ceil)))
    found = spec.get("strategy") or {}
    if found.get("type") == "Recreate":
        return running
    rolling = found.get("rollingUpdate") or {}
    surge = share(rolling.get("maxSurge", _SHARE), running, ceil)
    down = share(rolling.get("maxUnavailable", _SHARE), running, floor)
    return min(running, down if down or surge else 1)  # one of them moves, or nothing would


def starts_first(live: Mapping[str, Any]) -> bool:
    """Whether no pod is stopped before a new one runs."""
    return live.get("kind") == "Deployment" and at_once(live) == 0


def share(bound: object, total: int, rounded: Any) -> int:
    """A bound that is a number, or a percentage of `total`."""
    said = str(bound)
    return int(rounded(int(said[:-1]) * total / 100)) if said.endswith("%") else int(said)
