"""What a thread already holds: the bot's own typed actions in it, never anybody's text (R3, R6)."""

from __future__ import annotations

from datetime import timedelta

from pydantic import JsonValue
from sqlalchemy import bindparam, insert, select

from actions.clock import Clock
from actions.errors import BadInput
from approvals.actor import Actor
from approvals.ledger import Effect, Ledger, Recording
from approvals.request import Request
from approvals.tables import as_text, requests
from bot.cards import Cards
from bot.inbox import Inbox
from bot.tables import threads
from bot.writer import Writer
from intents.reading import Context, Earlier

LATELY = timedelta(minutes=30)  # a direct conversation is one endless thread; older words are no context
MOST = 8

# Made once: building a statement costs more than running it.
_ADD = insert(threads)
_LAST = (
    select(threads.c.action, threads.c.request_id)
    .where(
        threads.c.channel == bindparam("channel"),
        threads.c.thread == bindparam("thread"),
        threads.c.at >= bindparam("since"),
    )
    .order_by(threads.c.id.desc())
    .limit(MOST)
)
_CAME_OF = select(requests.c.id).where(
    requests.c.requester_user == bindparam("user"), requests.c.origin["delivery"].as_string() == bindparam("delivery")
)


class Memory:
    """Safe between threads. Every method may raise StoreDown."""

    def __init__(self, writer: Writer, clock: Clock, ledger: Ledger, cards: Cards, inbox: Inbox) -> None:
        self._writer, self._clock, self._ledger, self._cards, self._inbox = writer, clock, ledger, cards, inbox

    def remember(self, channel: str, thread: str, action: dict[str, JsonValue]) -> None:
        """The bot answered this in this thread; an empty thread is the direct conversation as a whole."""
        row = {**self._place(channel, thread), "action": action, "request_id": None}
        self._writer.write(lambda connection: connection.execute(_ADD, row))

    def with_request(self, channel: str, thread: str, delivery: str) -> Effect:
        """Remembers a request there in the very transaction that records it, if its delivery is ours still (S2)."""
        place = self._place(channel, thread)

        def effect(record: Recording, request: Request) -> None:
            self._inbox.require_ours(record.connection, delivery)
            record.connection.execute(_ADD, {**place, "action": request.plan.action, "request_id": request.id})

        return effect

    def came_of(self, delivery: str, actor: Actor) -> Request | None:
        """The request that somebody made with this delivery, whichever process recorded it."""
        asked = {"user": actor.user_id, "delivery": delivery}
        found = self._writer.read(lambda connection: connection.execute(_CAME_OF, asked).scalar())
        return self._ledger.get(found) if found else None

    def recall(self, channel: str, thread: str) -> Context:
        """What is there already, newest last. A card's own thread knows the card's request."""
        since = "" if thread else as_text(self._clock.now() - LATELY)
        place = {"channel": channel, "thread": thread, "since": since}
        rows = self._writer.read(lambda connection: connection.execute(_LAST, place).all())
        found = [(dict(action), request_id) for action, request_id in rows][::-1]
        card = self._cards.at(channel, thread) if thread else None
        if card and all(request_id != card for _, request_id in found):
            found.insert(0, (self._ledger.get(card).plan.action, card))
        return Context(earlier=tuple(Earlier(action=a, state=self._state(r)) for a, r in found))

    def _place(self, channel: str, thread: str) -> dict[str, str]:
        return {"channel": channel, "thread": thread, "at": as_text(self._clock.now())}

    def _state(self, request_id: str | None) -> str:
        try:
            return self._ledger.get(request_id).state.value if request_id else "answered"
        except BadInput:
            return ""
