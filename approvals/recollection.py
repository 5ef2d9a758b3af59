"""The ledger's memory of changes, for history and triage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from actions.clients.protocols import ChangeRecord
from approvals.ledger import Ledger
from approvals.request import Request, State

_TOUCHED = {State.RUNNING, State.SUCCEEDED, State.FAILED, State.ROLLED_BACK, State.UNKNOWN}


class Recollection:
    """`actions.clients.protocols.Changes` over the ledger. People are named by their user id."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def recent(self, service: str | None, environment: str | None, since: datetime) -> Sequence[ChangeRecord]:
        """What was started on a service since then, newest first; what was only asked for is left out.

        None is every service, or every environment.
        """
        found = self._ledger.changes(service, environment, since)
        return [_record(request) for request in found if request.state in _TOUCHED]


def _record(request: Request) -> ChangeRecord:
    return ChangeRecord(
        request_id=request.id,
        at=request.finished_at or request.created_at,
        action=request.plan.action,
        state=request.state.value,
        asked_by=request.requester.user_id,
        approved_by=tuple(d.approver.user_id for d in request.decisions if d.approve),
        summary=request.outcome.summary if request.outcome else "",
    )
