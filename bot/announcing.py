"""Says once, in a channel, that a policy is held back, so that somebody can ask for it with a button (A9)."""

from __future__ import annotations

import asyncio
import logging

from slack_sdk.web.async_client import AsyncWebClient

from actions.errors import TwokeyError
from approvals.charter import Charter, Draft
from bot.blocks import amendment
from bot.cards import Cards
from bot.work import TROUBLE, code_of, passing

AGAIN = 30.0  # seconds until it is tried again, where Slack or the store is out of reach
_LINE = "held back"

_log = logging.getLogger(__name__)


class Announcing:
    """One per gateway process; of several one says it, claimed in the store. Without a channel nothing is said."""

    def __init__(self, client: AsyncWebClient, charter: Charter, cards: Cards, channel: str | None) -> None:
        self._client, self._charter, self._cards, self._channel = client, charter, cards, channel

    async def run(self, stop: asyncio.Event) -> None:
        """Say what is to be said, once each; ends when all is said, or at `stop`."""
        while self._channel and not stop.is_set() and not await self._all_said(self._channel):
            ended = asyncio.create_task(stop.wait())
            await asyncio.wait({ended}, timeout=AGAIN)
            ended.cancel()

    async def _all_said(self, channel: str) -> bool:
        try:
            drafts = await asyncio.to_thread(self._charter.drafts)
            said = [await self._say(channel, draft) for draft in drafts]
        except TwokeyError as error:
            _log.warning("it is not said yet which policies are held back: %s", error.say)
            return False
        return all(said)

    async def _say(self, channel: str, draft: Draft) -> bool:
        """Whether nothing is left to say of it; what Slack refuses for good is logged and let be."""
        if not await asyncio.to_thread(self._cards.tell, draft.id, _LINE):
            return True
        payload = amendment.notice(draft).payload()
        try:
            await self._client.chat_postMessage(channel=channel, unfurl_links=False, unfurl_media=False, **payload)
        except TROUBLE as error:
            _log.warning("that a policy is held back cannot be said in %s: %s", channel, code_of(error))
            if passing(error):
                await asyncio.to_thread(self._cards.untell, draft.id, _LINE)
                return False
        return True
