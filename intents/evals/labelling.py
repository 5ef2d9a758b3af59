"""What people corrected, as labelled cases in the form of the files beside this one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import yaml


def case(kept: Mapping[str, Any]) -> str | None:
    """One line of YAML for a corrected reading of the journal; None where its words were not kept."""
    if not kept.get("words") or not kept.get("meant"):
        return None
    found: dict[str, Any] = {"noise": "corrected", "say": kept["words"]}
    if kept.get("thread"):
        found["thread"] = short(kept["thread"])
    if kept.get("channel"):
        found["channel"] = kept["channel"]
    found["means"] = short(kept["meant"])
    flow = yaml.safe_dump(found, default_flow_style=True, sort_keys=False, allow_unicode=True, width=100_000)
    return f"- {flow.strip()}"


def short(action: Mapping[str, Any]) -> str:
    """An action as the cases write it; `evals.action` is the way back."""
    known = {key: value for key, value in action.items() if value is not None}
    words = [str(known.pop(key)) for key in ("verb", "service", "environment") if key in known]
    return " ".join([*words, *(f"{key}={shlex.quote(str(value))}" for key, value in known.items())])
