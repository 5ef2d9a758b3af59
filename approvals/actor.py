"""Who acts, and who belongs to which group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from actions.errors import TwokeyError
from actions.terms import Value


class Actor(Value):
    """A person, as the chat service identifies them. Names are for display and never identify anybody."""

    team_id: str
    user_id: str


def same(one: Actor, other: Actor) -> bool:
    """The same person, also when they come through another workspace of the same organisation (A4)."""
    return one.user_id == other.user_id


class DirectoryDown(TwokeyError):
    """I cannot look up who belongs to which group right now, so nothing is approved or run. Try again in a minute."""


class Directory(Protocol):
    """Live membership. An answer may be no older than the call (A3): no positive cache."""

    def members(self, sources: Mapping[str, Mapping[str, object]]) -> dict[str, frozenset[Actor]]:
        """Who is in each of these groups of the policy now; a source is the group's entry there.

        All in one call, so that one decision costs few questions. Raises DirectoryDown where any of them cannot be
        told (A8).
        """
        ...

    def is_person(self, actor: Actor) -> bool:
        """Whether this is a living, full member of the workspace: no bot, no guest, not deactivated.

        Raises DirectoryDown.
        """
        ...
