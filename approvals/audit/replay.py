"""Every request's state, told by the log alone (L5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from actions.errors import BadInput
from approvals.request import TRANSITIONS, State

_WORDS = [state.value for state in State]
_LEGAL = {(source, target) for (source, _), target in TRANSITIONS.items()} | {(state, state) for state in State}


def replay(events: Iterable[Mapping[str, Any]], before: Mapping[str, State] | None = None) -> dict[str, State]:
    """Every request's state after these entries; `before` are the states that came before the first of them.

    Raises BadInput at a step that no request can take.
    """
    states: dict[str, State] = dict(before or {})
    for event in events:
        request, data = event["request"], event["data"]
        if request is None or not isinstance(data, dict) or "state" not in data:
            continue
        if data["state"] not in _WORDS:
            raise BadInput(f"Entry {event['seq']}: it brings request {request} into a state that is none.")
        was, becomes = states.get(request, State.PROPOSED), State(data["state"])
        if (was, becomes) not in _LEGAL:
            raise BadInput(f"Entry {event['seq']}: request {request} cannot go from {was} to {becomes}.")
        states[request] = becomes
    return states


def disagreement(log: Mapping[str, State], table: Mapping[str, State]) -> str | None:
    """Where the requests' table says something else than the log; None if nowhere (L5)."""
    for request in sorted({*log, *table}):
        if log.get(request) != table.get(request):
            there, here = log.get(request, "not there"), table.get(request, "not there")
            return f"request {request} is {here} in the table and {there} in the log"
    return None
