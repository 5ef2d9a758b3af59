"""Where an answer appears: one message that can be shown and changed, files below it, and private words."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from actions.outcome import Chart, Evidence, TextFile
from bot.blocks.message import Message
from bot.blocks.text import clip, seen
from bot.work import GONE, TROUBLE, code_of, patiently

_log = logging.getLogger(__name__)


class Stage(Protocol):
    """What the conversation writes on. One stage an exchange."""

    async def show(self, message: Message) -> None:
        """Post the message; the second time, change it."""
        ...

    async def whisper(self, message: Message) -> None:
        """Show it to the person who acted, and to nobody else."""
        ...

    async def attach(self, piece: Evidence) -> None:
        """Put a chart or a file into the thread; other evidence belongs into the message."""
        ...

    async def link(self, channel: str, ts: str) -> str | None:
        """The address of a message; None where it is gone."""
        ...


@dataclass
class SlackStage:
    """A place in Slack. `thread` None is the channel itself; `ts` is an existing message of ours."""

    client: AsyncWebClient
    channel: str
    user: str
    thread: str | None = None
    ts: str | None = None

    async def show(self, message: Message) -> None:
        payload = message.payload()
        if self.ts is not None:
            await _while_there(lambda: self.client.chat_update(channel=self.channel, ts=self.ts or "", **payload))
            return
        answer = await _while_there(
            lambda: self.client.chat_postMessage(
                channel=self.channel, thread_ts=self.thread, unfurl_links=False, unfurl_media=False, **payload
            )
        )
        self.ts = str(answer["ts"]) if answer is not None else None

    async def whisper(self, message: Message) -> None:
        payload = message.payload()
        if self.channel.startswith("D"):
            await _while_there(
                lambda: self.client.chat_postMessage(
                    channel=self.channel, thread_ts=self.thread, unfurl_links=False, unfurl_media=False, **payload
                )
            )
            return
        await _while_there(
            lambda: self.client.chat_postEphemeral(
                channel=self.channel, user=self.user, thread_ts=self.thread, **payload
            )
        )

    async def attach(self, piece: Evidence) -> None:
        await upload(self.client, self.channel, self.thread or self.ts, piece)

    async def link(self, channel: str, ts: str) -> str | None:
        found = await _while_there(lambda: self.client.chat_getPermalink(channel=channel, message_ts=ts))
        return str(found["permalink"]) if found is not None else None


async def _while_there(call: Callable[[], Awaitable[AsyncSlackResponse]]) -> AsyncSlackResponse | None:
    """Slack's answer; None where the message or the channel is gone meanwhile, and nobody is left to tell."""
    try:
        return await patiently(call)
    except SlackApiError as error:
        if code_of(error) not in GONE:
            raise
        _log.warning("an answer found no place: %s", code_of(error))
        return None


async def upload(client: AsyncWebClient, channel: str, thread: str | None, piece: Evidence) -> None:
    """A chart with its words as alt text, or a file. One that Slack does not take is logged and left out."""
    try:
        if isinstance(piece, Chart):
            title = clip(seen(piece.title), 150)
            await patiently(
                lambda: client.files_upload_v2(
                    channel=channel,
                    thread_ts=thread,
                    content=piece.png,
                    filename="chart.png",
                    title=title,
                    alt_txt=clip(seen(piece.alt), 900),
                )
            )
        elif isinstance(piece, TextFile):
            await patiently(
                lambda: client.files_upload_v2(
                    channel=channel,
                    thread_ts=thread,
                    content=piece.content.encode("utf-8", "replace"),
                    filename=clip(seen(piece.name), 100) or "file.txt",
                    title=clip(seen(piece.name), 100) or "file.txt",
                )
            )
    except TROUBLE as error:
        _log.warning("a file could not be uploaded to %s: %s", channel, code_of(error))
