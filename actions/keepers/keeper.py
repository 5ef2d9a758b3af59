"""What Twokey has to know of a kind of keeper: how its tool is set going, and how it says what it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Protocol

from pydantic import JsonValue

from actions.keepers.field import Field
from actions.plan import Caution, Patch
from actions.rollout import Judgement


@dataclass(frozen=True)
class Past:
    """Something that was delivered before. `number` is the tool's own, or the revision of the workload."""

    number: int
    version: str
    at: datetime | None
    ours: bool = True
    """Whether it may be gone back to. What another source or chart was at says nothing of the present one."""


class Verdict(NamedTuple):
    """How far the tool is. `applied` says that the cluster holds what the keeper says, whether it is well or not."""

    applied: bool
    judged: Judgement


class Keeper(Protocol):
    """One kind. Pure functions over the object as the API gives it."""

    tool: ClassVar[str]  # as people call it

    def require_ready(self, live: Mapping[str, Any]) -> None:
        """Raises BadInput where nothing would come of a change now, and says what to do first."""
        ...

    def nudge(self) -> dict[str, JsonValue]:
        """What a patch holds beside `spec` to have the tool act on it at once."""
        ...

    def conditions(self) -> tuple[str, ...]:
        """The paths (`actions.plan.Precondition`) on which a preview of a change rests."""
        ...

    def judge(self, live: Mapping[str, Any], patch: Patch | None, before: Mapping[str, Any] | None) -> Verdict:
        """Whether the tool has done what the keeper says; `patch` is ours, `before` the keeper as it found it."""
        ...

    def past(self, live: Mapping[str, Any], field: Field) -> Sequence[Past]:
        """What the keeper itself remembers of this field, newest first; empty where it remembers nothing."""
        ...

    def cautions(self, live: Mapping[str, Any]) -> tuple[Caution, ...]:
        """What an approver should know of a change of it."""
        ...

    def state(self, live: Mapping[str, Any]) -> str:
        """`Synced, Healthy`: in the tool's own words."""
        ...

    def reverts(self, live: Mapping[str, Any]) -> str:
        """Whether and when the tool takes back what is changed behind its back, as a sentence."""
        ...
