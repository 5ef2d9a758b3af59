"""The parts of the emulator, assembled: what the Web API and the control API work on."""

from __future__ import annotations

from actions.clock import Clock
from bot.playground import cast
from bot.playground.emulator.delivery import Delivery
from bot.playground.emulator.events import event_callback, message_events
from bot.playground.emulator.feed import Feed
from bot.playground.emulator.httpmode import HttpMode
from bot.playground.emulator.losses import LostAnswers
from bot.playground.emulator.rates import RateLimits
from bot.playground.emulator.socketmode import SocketMode
from bot.playground.emulator.state import message_state, view_state
from bot.playground.emulator.tickets import Tickets
from bot.playground.emulator.views import View, Views
from bot.playground.emulator.wire import Json
from bot.playground.emulator.workspace import Change, Conversation, Workspace


class Core:
    """Everything behind the addresses."""

    def __init__(self, clock: Clock, ack_timeout: float, warning_grace: float) -> None:
        self.clock, self._ack_timeout = clock, ack_timeout
        self.workspace = Workspace(clock)
        self.workspace.subscribe(self._on_change)
        self.views = Views(self._on_view)
        self.tickets = Tickets(clock)
        self.rates = RateLimits()
        self.losses = LostAnswers()
        self.sockets = SocketMode(ack_timeout, warning_grace)
        self.delivery = Delivery(clock, self.sockets)
        self._endpoints: list[HttpMode] = []
        self.feed = Feed()

    def event(self, event: Json) -> None:
        """Tell the bot; `event_ts` is added."""
        event.setdefault("event_ts", self.workspace.stamp())
        self.delivery.event(event_callback(event, self.clock.now().timestamp()))

    def deliver_to(self, url: str | None) -> None:
        """Deliver by HTTP requests to this address from now on; with None by Socket Mode again."""
        if url is None:
            self.delivery.transport = self.sockets
        else:
            self._endpoints.append(HttpMode(url, self._ack_timeout))
            self.delivery.transport = self._endpoints[-1]

    async def close(self) -> None:
        """Ends everything that is under way and every connection."""
        self.feed.close()
        await self.delivery.close()
        await self.sockets.close()
        for endpoint in self._endpoints:
            await endpoint.close()

    def join(self, conversation: Conversation, user: str) -> bool:
        """Whether the person (or the bot) is new there; the bot hears of it."""
        if user in conversation.members:
            return False
        conversation.members.add(user)
        self.feed.publish({"type": "workspace"})
        place = {"channel": conversation.id, "channel_type": "C", "team": cast.TEAM_ID}
        if cast.BOT_USER_ID in conversation.members:
            self.event({"type": "member_joined_channel", "user": user, **place})
        return True

    def _on_change(self, change: Change) -> None:
        self.feed.publish({"type": change.kind, **message_state(change.message)})
        for event in message_events(self.workspace, change):
            self.event(event)

    def _on_view(self, kind: str, view: View) -> None:
        shown = view_state(view)
        self.feed.publish({**shown, "type": kind, "view_type": shown["type"]})
