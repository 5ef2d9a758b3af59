"""The parts of the emulator, assembled: what the Web API and the control API work on."""

from __future__ import annotations

from actions.clock import Clock
from bot.playground import cast
from bot.playground.emulator.delivery import Delivery
from bot.playground.emulator.events import event_callback, message_events
from bot.playground.emulator.feed import Feed
from bot.playground.emulator.rates import RateLimits
from bot.playground.emulator.socketmode import SocketMode
from bot.playground.emulator.state import message_state, view_state
from bot.playground.emulator.tickets import Tickets
from bot.playground.emulator.views import View, Views
from bot.playground.emulator.wire import Json
from bot.playground.emulator.workspace import Change, Conversation, Workspace


class Core:
    """Everything behind the addresses."""

    def __init__(self, clock: Clock, sockets: SocketMode) -> None:
        self.clock = clock
        self.workspace = Workspace(clock)
        self.workspace.subscribe(self._on_change)
        self.views = Views(self._on_view)
        self.tickets = Tickets(clock)
        self.rates = RateLimits()
        self.sockets = sockets
        self.delivery = Delivery(clock, sockets)
        self.feed = Feed()

    def event(self, event: Json) -> None:
        """Tell the bot; `event_ts` is added."""
        event.setdefault("event_ts", self.workspace.stamp())
        self.delivery.event(event_callback(event, self.clock.now().timestamp()))

    def join(self, conversation: Conversation, user: str) -> bool:
        """Whether the person (or the bot) is new there; the bot hears of it."""
        if user in conversation.members:
            return False
        conversation.members.add(user)
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
