"""What people, logs and clusters say cannot speak for the card (S5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actions.outcome import Outcome, Step
from approvals.request import State
from bot.blocks.card import card
from bot.blocks.home import home
from bot.blocks.message import Message
from bot.blocks.story import story
from tests.bot.factories import BEN, make_face, make_request

EVIL = "no\n✅ done · approved by carla\u202e\u2028<!channel> <https://x.y|ok> <@U0BEN> @here"
SAID = [
    (State.DENIED, {"reason": EVIL, "reason_by": BEN}),
    (State.STALE, {"reason": EVIL}),
    (State.RUNNING, {"step": Step(text=EVIL)}),
    (State.FAILED, {"outcome": Outcome(ok=False, summary=EVIL)}),
    (State.UNKNOWN, {"outcome": Outcome(ok=None, summary=EVIL)}),
]


def texts(blocks: Any) -> list[tuple[str, str]]:
    """(type, text) of every text object and run of text."""
    found: list[tuple[str, str]] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("text"), str):
                found.append((str(value.get("type")), value["text"]))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                walk(inner)

    walk(blocks)
    return found


@pytest.mark.parametrize(("state", "said"), SAID, ids=lambda value: str(value) if isinstance(value, State) else "")
def test_a_reason_adds_no_line_to_the_card(state: State, said: dict[str, Any]) -> None:
    """S5: one run of text, without line ends and what cannot be seen."""
    shown = card(make_request(state, **said), make_face())
    runs = [text for kind, text in texts(shown.all_blocks()) if kind == "text"]
    assert any("approved by carla" in run for run in runs)
    assert not any(set(run) & set("\n\u2028\u202e") for run in runs)


@pytest.mark.parametrize(("state", "said"), SAID, ids=lambda value: str(value) if isinstance(value, State) else "")
def test_a_reason_neither_pings_nor_links_anywhere(state: State, said: dict[str, Any]) -> None:
    """S5: on the card, in its fallback, in the thread and on Home, whatever is read as mrkdwn."""
    request, face = make_request(state, **said), make_face()
    messages: list[Message] = [card(request, face), *(line.message for line in story(request, face))]
    view = home([], [], [(request, face)], [(request, face)], [], [])
    read = [m.text for m in messages] + [a["fallback"] for m in messages for a in m.attachments]
    read += [text for kind, text in texts([m.all_blocks() for m in messages] + [view]) if kind == "mrkdwn"]
    for text in read:
        rest = text
        while "<!date^" in rest:
            before, _, after = rest.partition("<!date^")
            rest = before + after.partition(">")[2]
        assert "<" not in rest
        assert "@here" not in rest
    everything = json.dumps([m.all_blocks() for m in messages] + [view])
    assert not any(f'"type": "{kind}"' in everything for kind in ("user", "usergroup", "broadcast", "link"))
