"""Keeps every card as the ledger has it: posts it, updates all copies, and tells the thread the story.

A card is a projection. Whatever was missed (a crash, a rate limit, a lost bell) is caught up by comparing revisions,
so the final state always lands (S3, S7).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from actions.clock import Clock
from actions.errors import TwokeyError
from actions.outcome import Evidence
from approvals import breakglass
from approvals.actor import Actor
from approvals.ledger import Ledger
from approvals.request import Request, State
from bot.blocks.card import Face, card
from bot.blocks.story import OUTCOME, story
from bot.cards import Cards, Claim, Copy, Shown
from bot.faces import Faces
from bot.invitations import Invitations
from bot.posting import Part, Posting
from bot.stage import upload
from bot.work import Work

POLL = 1.0  # seconds between looks at the ledger; the bell makes it faster, never necessary
GENTLE = 1.2  # seconds between two progress updates of one card: chat.update takes 50 a minute
ELAPSE = 10.0  # seconds after which a running card says for how long, though nothing else is new
APART = 3.0  # seconds for each running card; so all of them together take 20 of the 50 updates a minute
CARD = "card"
AT_ONCE = 16  # cards brought up to date side by side

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Sight:
    """A request, its face, the channel it was asked in, what is shown of it, and the right to post what is not."""

    request: Request
    face: Face
    home: str
    shown: Shown
    claim: Claim


class Projector:
    """One per gateway process. `us` is our own user id. `approvers` says who could still approve; may block or fail."""

    def __init__(
        self,
        ledger: Ledger,
        cards: Cards,
        faces: Faces,
        client: AsyncWebClient,
        us: str,
        approvers: Callable[[Request], Sequence[Actor]],
        clock: Clock,
    ) -> None:
        self._ledger, self._cards, self._faces, self._client, self._clock = ledger, cards, faces, client, clock
        self._posting = Posting(client, us, clock, self._again)
        self._invitations = Invitations(client, cards, approvers, self._post, self._posting, self._again)
        self._work = Work()
        self._due: dict[str, Request | None] = {}  # and itself, of a new one
        self._busy: set[str] = set()
        self._updated: dict[tuple[str, str], float] = {}  # (request, channel) -> when, on the loop's clock
        self._level: dict[str, int] = {}  # the revision at which everything about a request was shown
        self._running: dict[str, datetime] = {}  # running requests -> when their card last said for how long
        self._bell = asyncio.Event()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._loop: asyncio.AbstractEventLoop | None = None

    def ring(self, request_id: str, new: Request | None = None) -> None:
        """This request changed, or is new. May be called from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._mark, request_id, new)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is under way then is finished."""
        self._loop = loop = asyncio.get_running_loop()
        ended = asyncio.create_task(self._ring_at(stop))
        next_look = loop.time() + POLL
        try:
            await self._look(everything=True)
            while not stop.is_set():
                if loop.time() >= next_look:
                    await self._look(everything=False)
                    next_look = loop.time() + POLL
                self._bell.clear()
                self._start_due()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._bell.wait(), max(0.0, next_look - loop.time()))
        finally:
            ended.cancel()
            self._loop = None
            await self._work.finish(5.0)

    async def _ring_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._bell.set()

    def _mark(self, request_id: str, new: Request | None = None) -> None:
        self._due[request_id] = new if request_id not in self._due else None  # which is not new any more
        self._bell.set()

    async def _look(self, everything: bool) -> None:
        """Find what no bell told of; at the start everything that may still change, for its thread's sake."""
        self._due |= {request_id: None for request_id in self._running if self._aged(request_id)}
        try:
            found = await asyncio.to_thread(self._cards.unfinished) if everything else set()
            self._due |= dict.fromkeys(found | await asyncio.to_thread(self._cards.behind))
        except TwokeyError as error:
            _log.warning("cards are not looked after: %s", error.say)

    def _start_due(self) -> None:
        """One task a request; a bell for one that is being worked on is heard after it."""
        for request_id in self._due.keys() - self._busy:
            new = self._due.pop(request_id)
            self._busy.add(request_id)
            self._work.start(self._bring(request_id, new), f"card of {request_id}")

    async def _bring(self, request_id: str, new: Request | None) -> None:
        try:
            async with self._room:
                await self._bring_up_to_date(request_id, new)
        except TwokeyError as error:
            _log.warning("card of %s: %s", request_id, error.say)
        finally:
            self._busy.discard(request_id)
            if request_id in self._due:
                self._bell.set()

    async def _bring_up_to_date(self, request_id: str, new: Request | None) -> None:
        sight = await asyncio.to_thread(self._see, request_id, new)
        if sight is None:
            return
        request, face, home, shown = sight.request, sight.face, sight.home, sight.shown
        if not shown.there(home):
            posted = await self._post(request, home, face, _thread(request), sight.claim)
            if posted is None:
                return
            shown = replace(shown, copies=(posted, *(c for c in shown.copies if c.channel != home)))
        level = [await self._update(request, copy, face) for copy in shown.copies if copy.ts]
        told = await self._tell(request, face, next(c for c in shown.copies if c.channel == home), shown.told)
        asked = await self._invitations.bring_up_to_date(request, face, shown, home)
        if all(level) and told and asked:
            await self._leave(request, face)

    def _see(self, request_id: str, new: Request | None) -> _Sight | None:
        """All that a card needs, looked up in one thread; None where there is nothing for us to show.

        Where its card is not in the channel yet, it is ours to post now. Of a new one nothing is shown before that.
        """
        request = new or self._ledger.get(request_id)
        home = request.origin.get("channel")
        if not isinstance(home, str) or (self._level.get(request_id) == request.rev and not self._aged(request_id)):
            return None  # not asked in Slack, or shown already
        shown = Shown() if new else self._cards.of(request_id)
        if shown.settled or (not shown.copies and _refused_at_once(request)):
            self._running.pop(request_id, None)
            return None  # over, or answered in words, where it was asked
        claim = Claim() if shown.there(home) else self._cards.reserve(request_id, home)
        return _Sight(request, self._faces.of(request), home, shown, claim) if claim is not None else None

    async def _leave(self, request: Request, face: Face) -> None:
        """Everything shows what is; after the end nobody has to look again."""
        self._level[request.id] = request.rev
        if request.state is State.RUNNING:
            self._running[request.id] = face.now
        else:
            self._running.pop(request.id, None)
        if request.state.final and not breakglass.review_due(request):
            await asyncio.to_thread(self._cards.settle, request.id)
            self._level.pop(request.id, None)
            self._updated = {k: at for k, at in self._updated.items() if k[0] != request.id}

    async def _post(self, request: Request, channel: str, face: Face, thread: str | None, claim: Claim) -> Copy | None:
        """Post a copy that was reserved, unless it is there; None where it is not there now."""
        offered = request.origin.get("message")
        if offered and channel == request.origin.get("channel"):  # it takes the place of the message that offered it
            there = Copy(request.id, channel, str(offered), thread or str(offered), rev=-1, settled=False)
            await asyncio.to_thread(self._cards.posted, there)
            return there
        part = Part(request.id, channel, CARD)
        payload = {**_shown(request, face, channel), "reply_broadcast": bool(thread) or None}
        ts = await self._posting.post(part, payload, thread, claim.since)
        if ts is None:
            await asyncio.to_thread(self._cards.release, request.id, channel, self._posting.may_be_there(part))
        if not ts:
            return None
        copy = Copy(request.id, channel, ts, thread or ts, request.rev if claim.since is None else -1, settled=False)
        await asyncio.to_thread(self._cards.posted, copy)
        return copy

    async def _update(self, request: Request, copy: Copy, face: Face) -> bool:
        """Bring one copy to the request's revision; whether it is there."""
        is_home = copy.channel == request.origin.get("channel")
        if copy.rev >= request.rev and not (is_home and self._aged(request.id)):
            return True
        if self._too_soon(request, copy):
            return False
        payload = {**_shown(request, face, copy.channel), "ts": copy.ts}
        if await self._posting.ask("chat.update", copy.channel, request.id, payload) is None:
            return False
        self._updated[(request.id, copy.channel)] = asyncio.get_running_loop().time()
        await asyncio.to_thread(self._cards.shown, request.id, copy.channel, request.rev)
        return True

    async def _tell(self, request: Request, face: Face, copy: Copy, done: Collection[str]) -> bool:
        """The lines that the thread does not have yet; whether it has them all."""
        evidence: Sequence[Evidence] = ()
        if request.outcome is not None and request.state.final and OUTCOME not in done:
            evidence = await asyncio.to_thread(self._ledger.evidence, request.id)
        for line in story(request, face, evidence):
            if line.key in done:
                continue
            part = Part(request.id, copy.channel, line.key)
            payload = {**line.message.payload(), "reply_broadcast": line.loud or None}
            if await self._posting.post(part, payload, copy.thread) is None:
                return False
            await asyncio.to_thread(self._cards.tell, request.id, line.key)
            if line.key == OUTCOME:
                for piece in evidence:
                    await upload(self._client, copy.channel, copy.thread, piece)
        return True

    def _aged(self, request_id: str) -> bool:
        """Whether a running card should say again for how long; the more of them, the seldomer, for Slack's sake."""
        at, pause = self._running.get(request_id), max(ELAPSE, APART * len(self._running))
        return at is not None and (self._clock.now() - at).total_seconds() >= pause

    def _too_soon(self, request: Request, copy: Copy) -> bool:
        """Progress is coalesced; a change of state never waits."""
        if request.state is not State.RUNNING or request.step is None:
            return False
        loop = asyncio.get_running_loop()
        wait = self._updated.get((request.id, copy.channel), 0.0) + GENTLE - loop.time()
        if wait > 0:
            loop.call_later(wait, self._mark, request.id)
        return wait > 0

    def _again(self, request_id: str, wait: float) -> None:
        """Look at this request once more, so many seconds from now."""
        asyncio.get_running_loop().call_later(wait + 0.01, self._mark, request_id)


def _shown(request: Request, face: Face, channel: str) -> dict[str, Any]:
    """The card as it is in this channel: what only the requester may do is for the place where they asked."""
    return card(request, face, deciding=channel != request.origin.get("channel")).payload()


def _refused_at_once(request: Request) -> bool:
    return request.state is State.REFUSED and request.finished_at == request.created_at


def _thread(request: Request) -> str | None:
    """The thread in which it was asked, if it was asked in one."""
    thread = request.origin.get("thread")
    return thread if isinstance(thread, str) and thread else None
