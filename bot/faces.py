"""What a card needs beside its request: the title, the production mark, and the names of those concerned."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import JsonValue

from actions.catalog import Catalog
from actions.clock import Clock
from actions.errors import BadInput
from actions.registry import Registry
from approvals import amendment, breakglass
from approvals.policy_model import Policy
from approvals.request import Request, State
from bot.blocks.card import Face
from bot.people import Names


class Faces:
    """Makes faces. `of` may ask Slack for a name, so it is called from a thread. `running` says which requests run."""

    def __init__(
        self,
        catalog: Catalog,
        registry: Registry,
        names: Names,
        clock: Clock,
        policy: Callable[[], Policy],
        running: Callable[[], Sequence[Request]],
    ) -> None:
        self._catalog, self._registry, self._names, self._clock = catalog, registry, names, clock
        self._policy, self._running = policy, running

    def of(self, request: Request) -> Face:
        """The face of a request's card, now."""
        concerned = {request.requester.user_id, *(d.approver.user_id for d in request.decisions)}
        concerned |= {d.lent_by.user_id for d in request.decisions if d.lent_by}
        concerned |= {found.by.user_id for found in (request.emergency, request.review) if found}
        if request.reason_by:
            concerned.add(request.reason_by.user_id)
        environment = request.plan.environment
        return Face(
            title=self.title(request.plan.action),
            production=environment in self._catalog.environments and self._catalog.is_production(environment),
            now=self._clock.now(),
            names=self._names.of(concerned),
            glass=breakglass.concerns(self._policy(), request.plan),
            after=self._before(request) if request.state is State.READY else "",
        )

    def _before(self, request: Request) -> str:
        """The title of what runs on its target now; empty where it is free."""
        same = (r for r in self._running() if r.plan.target.key == request.plan.target.key)
        return next((self.title(other.plan.action) for other in same), "")

    def title(self, action: dict[str, JsonValue]) -> str:
        """A few words for an action; its verb where it does not parse any more."""
        amends = next((kind for kind, verb in amendment.VERBS.items() if verb == action.get("verb")), None)
        if amends:
            return f"Change the {amendment.WORDS[amends]}"
        try:
            return self._registry.parse(action).title
        except BadInput:
            return str(action.get("verb", "change"))
