"""The state machine, explored exhaustively against a model of DESIGN 2 that shares nothing with it."""

from __future__ import annotations

import pytest

from approvals.request import TRANSITIONS, Event, IllegalMove, State, advance

# DESIGN 2, and what a guard adds to it: it trips while its request runs, and ends that as rolled back.
DESIGN = """
proposed -> waiting | ready | refused
waiting -> ready | denied | expired | withdrawn | stale | adopted
ready -> running | expired | refused | stale
running -> running | succeeded | failed | rolled_back | unknown
unknown -> succeeded | failed | rolled_back
"""
EDGES = {
    (State(source.strip()), State(target.strip()))
    for source, targets in (line.split(" -> ") for line in DESIGN.strip().splitlines())
    for target in targets.split("|")
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_a_request_goes_where_the_design_says_and_nowhere_else(state: State, event: Event) -> None:
    """A11: every state crossed with every event is an edge of the design, or refused."""
    try:
        after = advance(state, event)
    except IllegalMove:
        assert (state, event) not in TRANSITIONS
    else:
        assert (state, after) in EDGES


def test_every_edge_of_the_design_can_be_taken() -> None:
    """A11."""
    assert {(source, target) for (source, _), target in TRANSITIONS.items()} == EDGES


def test_nothing_follows_a_final_state() -> None:
    """A11: a denied request stays denied (A5), a succeeded one is never run again (E1)."""
    assert {state for state in State if state.final} == set(State) - {source for source, _ in EDGES}
