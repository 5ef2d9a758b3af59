"""`cancel that`, where no thread tells which request is meant: the person's own open ones here. Nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass

from approvals.actor import Actor
from approvals.ledger import Ledger
from approvals.request import Request, State
from bot.blocks.card import status
from bot.cards import Cards
from bot.faces import Faces
from intents.grammar.thread import taken_back

OPEN = frozenset(state.value for state in State if not state.final)
LATELY = 50  # of a person's newest requests; an older one has expired long since


@dataclass(frozen=True)
class Standing:
    """An open request: what it is and how it stands, what its requester can do, and its card's channel and message."""

    what: str
    say: str
    card: tuple[str, str] | None


class TakingBack:
    """Gathers what is to be shown. May block, and raise StoreDown."""

    def __init__(self, ledger: Ledger, cards: Cards, faces: Faces) -> None:
        self._ledger, self._cards, self._faces = ledger, cards, faces

    def standing(self, actor: Actor, channel: str) -> tuple[Standing, ...]:
        """What this person asked for in this channel and what is not over, newest first."""
        asked = self._ledger.asked_by(actor, LATELY)
        return tuple(self._seen(r, channel) for r in asked if not r.state.final and r.origin.get("channel") == channel)

    def _seen(self, request: Request, channel: str) -> Standing:
        face = self._faces.of(request)
        what = f"{face.title} · {status(request, face)}"
        copies = [c for c in self._cards.of(request.id).copies if c.channel == channel and c.ts]
        return Standing(what, taken_back(request.state.value), (channel, str(copies[0].ts)) if copies else None)
