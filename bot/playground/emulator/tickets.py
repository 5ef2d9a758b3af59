"""Permissions that Slack hands out with an interaction and that run out: trigger ids and response URLs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from actions.clock import Clock
from bot.playground.emulator.wire import ApiError

TRIGGER_LIFE = timedelta(seconds=3)  # docs.slack.dev, "Handling user interaction"
RESPONSE_LIFE = timedelta(minutes=30)  # the same page: 5 times within 30 minutes
RESPONSE_USES = 5
FORGET_AFTER = timedelta(minutes=35)


@dataclass
class Trigger:
    """May open one view for this person; `view_id` names the modal in which they clicked, if any."""

    user: str
    view_id: str | None
    expires: datetime
    spent: bool = False


@dataclass
class Reply:
    """May answer an interaction; `message_ts` is the message in which was clicked, if any."""

    user: str
    channel: str
    message_ts: str | None
    thread_ts: str | None
    expires: datetime
    left: int = RESPONSE_USES


class Tickets:
    """Issues and redeems both kinds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._triggers: dict[str, Trigger] = {}
        self._replies: dict[str, Reply] = {}

    def trigger(self, user: str, view_id: str | None = None) -> str:
        """A new trigger id, good for one use within 3 s."""
        self._forget_old()
        now = self._clock.now()
        ticket = f"{int(now.timestamp() * 1000)}.{secrets.randbelow(10**10):010d}.{secrets.token_hex(16)}"
        self._triggers[ticket] = Trigger(user, view_id, now + TRIGGER_LIFE)
        return ticket

    def redeem(self, ticket: str) -> Trigger:
        """Raises invalid_trigger_id, exchanged_trigger_id or expired_trigger_id."""
        found = self._triggers.get(ticket)
        if found is None:
            raise ApiError("invalid_trigger_id")
        if found.spent:
            raise ApiError("exchanged_trigger_id")
        if self._clock.now() > found.expires:
            raise ApiError("expired_trigger_id")
        found.spent = True
        return found

    def reply(self, user: str, channel: str, message_ts: str | None = None, thread_ts: str | None = None) -> str:
        """The secret part of a new response URL, good for 5 answers within 30 minutes."""
        ticket = secrets.token_urlsafe(18)
        self._replies[ticket] = Reply(user, channel, message_ts, thread_ts, self._clock.now() + RESPONSE_LIFE)
        return ticket

    def use_reply(self, ticket: str) -> Reply:
        """Raises expired_url for one that ran out, invalid_url for one never given; counts one use."""
        found = self._replies.get(ticket)
        if found is None:
            raise ApiError("invalid_url")
        if found.left <= 0 or self._clock.now() > found.expires:
            raise ApiError("expired_url")
        found.left -= 1
        return found

    def _forget_old(self) -> None:
        limit = self._clock.now() - FORGET_AFTER
        _drop(self._triggers, limit)
        _drop(self._replies, limit)


class _Expiring(Protocol):
    expires: datetime


Ticket = TypeVar("Ticket", bound=_Expiring)


def _drop(book: dict[str, Ticket], limit: datetime) -> None:
    """Dictionaries keep the order of insertion, so what is old stands first."""
    while book and next(iter(book.values())).expires < limit:
        del book[next(iter(book))]
