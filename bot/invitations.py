"""Those who may approve are asked: a copy of the card for whom the channel does not reach, a reminder, an escalation.

Each is claimed in the store before it is sent, so that two replicas ask once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from actions.errors import TwokeyError
from approvals.actor import Actor
from approvals.request import Request, State
from bot.blocks import nudge
from bot.blocks.card import Face
from bot.cards import Cards, Claim, Copy, Shown
from bot.people import GLIMPSE_AGE
from bot.posting import Part, Posting
from bot.work import TROUBLE, code_of, passing, retry_after

FIRST = "invited"
LATER = 10.0  # seconds until invitations that could not be sent are tried again
INVITED = 10  # approvers who get a copy in their direct messages, and who are named in a reminder

_log = logging.getLogger(__name__)

Post = Callable[[Request, str, Face, str | None, Claim], Awaitable[Copy | None]]


class Invitations:
    """`approvers` says who could still approve; it may block and may fail. `post` posts a reserved copy of the card.

    `again` has a request looked at once more, so many seconds from now.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        cards: Cards,
        approvers: Callable[[Request], Sequence[Actor]],
        post: Post,
        posting: Posting,
        again: Callable[[str, float], None],
    ) -> None:
        self._client, self._cards, self._approvers, self._post = client, cards, approvers, post
        self._posting = posting
        self._present: dict[str, tuple[set[str], float]] = {}  # channel -> who is in it, and when that was asked
        self._again = again
        self._not_before: dict[str, float] = {}  # request -> when, on the loop's clock, invitations are tried again

    async def bring_up_to_date(self, request: Request, face: Face, shown: Shown, home: str) -> bool:
        """Ask whoever is to be asked by now; whether everything that is due was said."""
        if request.state is not State.WAITING:
            self._not_before.pop(request.id, None)
            return True
        said = FIRST in shown.told or await self._invite(request, face, home, FIRST)
        if request.escalated_at:
            said = await self._invite(request, face, home, "invited after escalation") and said
            said = await self._nudge(request, face, shown.copies, "escalated") and said
        if request.reminded_at:
            said = await self._nudge(request, face, shown.copies, "reminded") and said
        return said

    async def _invite(self, request: Request, face: Face, home: str, key: str) -> bool:
        """Approvers who are not in the channel get a copy in their direct messages; whether nothing of it is due.

        What Slack holds back or cannot do now is tried again; what it refuses for good is let be.
        """
        now = asyncio.get_running_loop().time()
        if self._not_before.get(request.id, 0.0) > now:
            return False
        wait = LATER
        try:
            if await self._send_copies(request, face, home, key):
                self._not_before.pop(request.id, None)
                return True
        except TwokeyError as error:
            _log.warning("approvers of %s outside the channel are not told yet: %s", request.id, error.say)
        except TROUBLE as error:
            limit = retry_after(error) if isinstance(error, SlackApiError) else None
            _log.warning("approvers of %s outside the channel are not told: %s", request.id, code_of(error))
            if limit is None and not passing(error):
                return True
            wait = limit or LATER
        await asyncio.to_thread(self._cards.untell, request.id, key)
        self._not_before[request.id] = now + wait
        self._again(request.id, wait)
        return False

    async def _send_copies(self, request: Request, face: Face, home: str, key: str) -> bool:
        """Whether everybody has theirs, from here or from another process; nobody gets a second."""
        approvers = await asyncio.to_thread(self._claim, request, key)
        if not approvers:
            return True
        present, all_sent = await self._members(home), True
        for actor in [a for a in approvers if a.user_id not in present][:INVITED]:
            opened = await self._client.conversations_open(users=actor.user_id)
            channel = str(opened["channel"]["id"])
            claim = await asyncio.to_thread(self._cards.reserve, request.id, channel)
            if claim is not None:
                all_sent = await self._post(request, channel, face, None, claim) is not None and all_sent
        return all_sent

    def _claim(self, request: Request, key: str) -> Sequence[Actor]:
        """Whom to ask; nobody where somebody else asks them."""
        return self._approvers(request) if self._cards.tell(request.id, key) else ()

    async def _nudge(self, request: Request, face: Face, copies: Sequence[Copy], key: str) -> bool:
        """One line in the thread of each copy that names who is asked; whether every thread has it."""
        for copy in copies:
            line = f"{key} {copy.channel}"
            if not copy.ts or not await asyncio.to_thread(self._cards.tell, request.id, line):
                continue
            try:
                people = await asyncio.to_thread(self._approvers, request)
            except TwokeyError:
                people = ()  # the line still says which groups are asked
            message = nudge.nudge(request, face, [a.user_id for a in people[:INVITED]], escalated=key == "escalated")
            if await self._posting.post(Part(request.id, copy.channel, key), message.payload(), copy.thread) is None:
                await asyncio.to_thread(self._cards.untell, request.id, line)
                return False
        return True

    async def _members(self, channel: str) -> set[str]:
        """Everybody in a channel, as it was within the last minute: it says who gets a copy, never who may approve."""
        now = asyncio.get_running_loop().time()
        found, at = self._present.get(channel, (set(), float("-inf")))
        if now - at >= GLIMPSE_AGE:
            found = await self._everybody(channel)
            self._present[channel] = (found, now)
        return found

    async def _everybody(self, channel: str) -> set[str]:
        """As Slack says now; a page may hold fewer than were asked for."""
        found: set[str] = set()
        cursor: str | None = None
        while True:
            answer = await self._client.conversations_members(channel=channel, limit=1000, cursor=cursor)
            page: list[str] = answer.get("members") or []
            found.update(page)
            following = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not following or following == cursor:
                return found
            cursor = following
