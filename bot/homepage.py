"""App Home for one person, and what the details of a request show beside its plan. Gathers; draws nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import cache

from slack_sdk.web.async_client import AsyncWebClient

from actions.catalog import Catalog
from actions.clients.protocols import Changes
from actions.clock import Clock
from actions.errors import TwokeyError
from actions.outcome import Step
from actions.registry import Registry
from approvals import breakglass
from approvals.actor import Actor, Directory
from approvals.gate import Gate
from approvals.ledger import Ledger
from approvals.policy import Allowed
from approvals.policy_check import membership
from approvals.request import Request, Requirement
from bot.blocks.home import Health, Shown, home
from bot.blocks.modals import Background
from bot.conversation import Conversation
from bot.faces import Faces
from bot.people import Names
from bot.work import TROUBLE, code_of, patiently

LATELY = timedelta(days=30)

_log = logging.getLogger(__name__)


class HomePage:
    """`preview` and `directory` may know what was true a minute ago; `health` says how the parts are, and may block."""

    def __init__(
        self,
        client: AsyncWebClient,
        conversation: Conversation,
        gate: Gate,
        preview: Gate,
        ledger: Ledger,
        directory: Directory,
        catalog: Catalog,
        registry: Registry,
        faces: Faces,
        names: Names,
        changes: Changes,
        clock: Clock,
        health: Callable[[], Sequence[Health]],
    ) -> None:
        self._client, self._conversation, self._gate, self._ledger = client, conversation, gate, ledger
        self._preview = preview
        self._directory, self._catalog, self._registry = directory, catalog, registry
        self._faces, self._names, self._changes, self._clock, self._health = faces, names, changes, clock, health

    async def publish(self, actor: Actor) -> None:
        """Show this person their Home as it is now."""
        view = await asyncio.to_thread(self._draw, actor)
        try:
            await patiently(lambda: self._client.views_publish(user_id=actor.user_id, view=view))
        except TROUBLE as error:
            _log.warning("Home of %s: %s", actor.user_id, code_of(error))

    def background(self, request: Request, actor: Actor) -> Background:
        """Who may approve, what changed lately, how it is now; what cannot be told is said. Blocks."""
        try:
            approvers: tuple[str, ...] = tuple(
                sorted(self._names.of(a.user_id for a in self._preview.approvers(request)).values())
            ) or ("anybody else who may ask",) * bool(request.missing)
        except TwokeyError as error:
            approvers = (error.say,)
        plan = request.plan
        if plan.amends:
            return Background(approvers)
        now = self._now(plan.service, plan.environment, actor)
        if not self._reads(actor)(request):
            return Background(approvers, now=now, withheld=True)
        recent = self._changes.recent(plan.service, plan.environment, self._clock.now() - LATELY)
        return Background(approvers, list(recent)[:5], now)

    def _now(self, service: str, environment: str, actor: Actor) -> tuple[str, ...]:
        def silent(_step: Step) -> None:
            """Nobody watches this one."""

        try:
            action = self._registry.parse({"verb": "status", "service": service, "environment": environment})
            outcome = self._gate.ask(action, actor, silent)  # type: ignore[arg-type]  # status is a read
        except TwokeyError as error:
            return (error.say,)
        return (outcome.summary, *outcome.details)

    def _draw(self, actor: Actor) -> dict[str, object]:
        waiting = [r for r in self._ledger.waiting() if r.requester != actor]
        groups, reads = self._groups_of(actor), self._reads(actor)
        mine = [r for r in waiting if _among(r.missing, groups)]
        undecided = [r for r in mine if all(d.approver != actor for d in r.decisions)]
        owned = self._owned(actor, groups)
        due = [r for r in self._ledger.unreviewed() if breakglass.review_due(r) and _could_review(r, actor, groups)]
        examples, _ = self._conversation.examples(actor, None)
        return home(
            self._shown(each for each in undecided if groups or reads(each)),
            self._shown(due),
            self._shown(self._ledger.asked_by(actor, 10)),
            self._shown(filter(reads, self._ledger.recent(10, owned or None))),
            self._health(),
            examples,
        )

    def _reads(self, actor: Actor) -> Callable[[Request], bool]:
        """Whether the policy lets this person read what a request is about: nobody learns here what it keeps back."""

        @cache
        def judged(service: str | None, environment: str | None) -> bool:
            asked = {"verb": "history", "service": service, "environment": environment}
            try:
                return isinstance(self._preview.judge(self._registry.parse(asked), actor), Allowed)
            except TwokeyError:
                return False

        def reads(request: Request) -> bool:
            plan = request.plan
            return judged(None, None) if plan.amends else judged(plan.service, plan.environment)

        return reads

    def _shown(self, requests: Iterable[Request]) -> list[Shown]:
        return [(request, self._faces.of(request)) for request in requests]

    def _groups_of(self, actor: Actor) -> set[str]:
        """The groups of the policy that they are in. Only for showing: the gate asks again when a key is turned."""
        try:
            groups = membership(self._gate.policy, self._directory)
        except TwokeyError:
            return set()
        return {name for name, members in groups.items() if actor in members}

    def _owned(self, actor: Actor, groups: set[str]) -> set[str]:
        """The services whose owners are the person or a group of the policy that they are in."""
        mine = {actor.user_id, *groups}
        return {name for name, service in self._catalog.services.items() if mine & set(service.owners)}


def _among(places: Sequence[Requirement], groups: set[str]) -> bool:
    return any(place.group is None or groups & {place.group, *place.also} for place in places)


def _could_review(request: Request, actor: Actor, groups: set[str]) -> bool:
    return request.requester != actor and _among(request.requirements, groups)
