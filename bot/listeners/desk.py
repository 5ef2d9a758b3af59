"""What the listeners work with, and how a place in Slack is made out of a payload."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from actions.catalog import Catalog
from actions.registry import Registry
from approvals.actor import Actor
from approvals.gate import Gate
from approvals.ledger import Ledger
from approvals.request import Request
from bot.cards import Cards
from bot.conversation import Conversation, Said, Stages
from bot.faces import Faces
from bot.homepage import HomePage
from bot.inbox import Inbox
from bot.listeners.closing import Closing
from bot.people import Names
from bot.readings import Readings
from bot.stage import SlackStage
from bot.work import Work, passing


@dataclass(frozen=True)
class Desk:
    """Everything a listener may use."""

    client: AsyncWebClient
    conversation: Conversation
    gate: Gate
    approvers: Callable[[Request], Sequence[Actor]]  # for showing only
    ledger: Ledger
    registry: Registry
    catalog: Catalog
    inbox: Inbox
    cards: Cards
    readings: Readings
    faces: Faces
    names: Names
    home: HomePage
    work: Work
    team_id: str
    bot_user_id: str
    bot_name: str

    async def finish(self, key: str, job: Coroutine[Any, Any, None]) -> None:
        """Do what a delivery asks for, and note it as worked on. It stays open only where Slack was out of reach."""
        try:
            await job
        except Exception as error:
            if not passing(error):
                await self.close(key)
            raise
        await self.close(key)

    async def channel_name(self, place: Place) -> str | None:
        """What the channel is called, for reading and help only; None in a direct conversation."""
        if place.direct:
            return None
        return self.names.remembered(place.channel) or await asyncio.to_thread(self.names.channel, place.channel)

    async def close(self, key: str) -> None:
        """This delivery is worked on."""
        await self._closing.close(key)

    async def leave(self, seconds: float) -> None:
        """The work under way ends within so many seconds, or is left to the next process; what is done is noted."""
        await self.work.finish(seconds)
        await self._closing.finish()

    @cached_property
    def _closing(self) -> Closing:
        return Closing(self.inbox)


@dataclass(frozen=True)
class Place:
    """Where somebody did something: `ts` is the message they spoke with or clicked on."""

    channel: str
    user: str
    ts: str | None = None
    thread: str | None = None

    @property
    def direct(self) -> bool:
        return self.channel.startswith("D")

    def stages(self, client: AsyncWebClient) -> Stages:
        """Where to answer: here, and below in the thread. A direct conversation has no need of threads."""
        here = SlackStage(client, self.channel, self.user, thread=self.thread)
        if self.direct:
            return Stages(here, here)
        return Stages(here, SlackStage(client, self.channel, self.user, thread=self.thread or self.ts))

    def said(self, actor: Actor, delivery: str, channel_name: str | None, again: bool = False) -> Said:
        """The same for the conversation; a direct conversation as a whole is one thread."""
        thread = self.thread or ("" if self.direct else self.ts or delivery)
        return Said(actor, self.channel, thread, self.thread, delivery, channel_name, again)


def actor_of(body: Mapping[str, Any], desk_team: str) -> Actor:
    """The person behind an interaction. Somebody of another workspace keeps their own team."""
    user = body.get("user") or {}
    team = user.get("team_id") or (body.get("team") or {}).get("id") or body.get("team_id") or desk_team
    return Actor(team_id=str(team), user_id=str(user.get("id") or body.get("user_id")))


async def place_of(body: Mapping[str, Any], client: AsyncWebClient) -> Place:
    """Where a click happened; on Home or in a modal that is the direct conversation with the person."""
    user = str((body.get("user") or {}).get("id") or body.get("user_id"))
    container = body.get("container") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id")
    if not channel:
        opened = await client.conversations_open(users=user)
        return Place(str(opened["channel"]["id"]), user)
    message = body.get("message") or {}
    ts = container.get("message_ts") or message.get("ts")
    thread = message.get("thread_ts") or container.get("thread_ts")
    inside = thread and thread != ts  # a thread's first message carries its own ts
    return Place(str(channel), user, str(ts) if ts else None, str(thread) if inside else None)
