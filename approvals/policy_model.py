"""policy.yaml as values: who may ask for what where, who has to agree, and when nothing may change."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    NaiveDatetime,
    PrivateAttr,
    StringConstraints,
    model_validator,
)

from actions import canonical, durations
from actions.durations import Duration
from actions.terms import Name, Risk

ANYONE = "anyone"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _group(name: str) -> str:
    if name == ANYONE:
        raise ValueError('"anyone" means everybody and cannot be the name of a group')
    return name


def _zone(name: str) -> str:
    if name != "UTC":
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f'this machine knows no time zone "{name}"; write it like Europe/Athens') from None
    return name


Title = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^\S(.*\S)?$")]
GroupName = Annotated[Name, AfterValidator(_group)]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]
Zone = Annotated[str, AfterValidator(_zone)]
WeekTime = Annotated[str, StringConstraints(pattern=r"^(mon|tue|wed|thu|fri|sat|sun) ([01]\d|2[0-3]):[0-5]\d$")]
_Id = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,64}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Group(_Entry):
    """Some people: a user group of the workspace, or a list of members. Exactly one of the two."""

    usergroup: _Id | None = Field(None, description="id of a user group, like S0123ABCD")
    members: Annotated[tuple[_Id, ...], Field(min_length=1)] | None = Field(
        None, description="ids of people, like U0123ABCD"
    )
    team: _Id | None = Field(None, description="their workspace, like T0123ABCD; the app's own if not given")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.usergroup is None) == (self.members is None):
            raise ValueError("say either usergroup or members")
        return self

    @property
    def source(self) -> dict[str, object]:
        """Where its people come from, as `approvals.actor.Directory` takes it."""
        return self.model_dump(mode="json", exclude_none=True)


class Match(_Entry):
    """Which actions are meant. Every key that is given has to fit; a key that is not given fits everything."""

    verbs: Names | None = Field(None, description="deploy, scale, …")
    risk: Annotated[tuple[Risk, ...], Field(min_length=1)] | None = Field(None, description="read, low, high")
    environments: Names | None = None
    services: Names | None = None


class Approval(_Entry):
    """So many approvals from one group; never the requester's own, and one person counts once in a rule."""

    source: Name = Field(alias="from", description="a group, or anyone")
    count: int = Field(1, ge=1, le=10)


class Rule(_Entry):
    """What holds for the actions that it matches. Nothing about rights has a default: both are said, or refused."""

    name: Title
    match: Match
    ask: Literal["anyone"] | Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="anyone, or the groups whose members may ask"
    )
    guests: bool = Field(False, description="people who are no full members of the workspace may read too")
    approvals: tuple[Approval, ...] = Field(description="all of these; an empty list needs nobody")
    evals: Literal["required"] | Annotated[int, Field(ge=1, le=20)] | None = Field(
        None,
        description="a deploy of a service with evals needs a passing run of exactly its version: the newest one has "
        "to have passed, or each of so many of the newest",
    )
    override: tuple[Approval, ...] = Field((), description="who has to agree as well where that run is lacking")
    approve_within: Duration | None = Field(None, description="how long it waits for approvals; see defaults")
    run_within: Duration | None = Field(None, description="how soon it must start once approved; see defaults")
    remind_after: Duration | None = Field(None, description="when those who may approve are reminded; see defaults")
    escalate_after: Duration | None = Field(None, description="when the groups of escalate_to are asked too")
    escalate_to: Names | None = Field(None, description="groups whose members may approve too once it was escalated")

    @property
    def passes(self) -> int:
        """How many of a version's newest runs have all to have passed."""
        return self.evals if isinstance(self.evals, int) else int(self.evals is not None)

    @model_validator(mode="after")
    def _guests_are_anyone(self) -> Self:
        if self.guests and self.ask != ANYONE:
            raise ValueError("guests can be let in only where ask is anyone")
        return self

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.escalate_after is None) != (self.escalate_to is None):
            raise ValueError("say both escalate_after and escalate_to, or neither")
        if self.override and self.evals is None:
            raise ValueError("override is for what evals requires; say evals: required, or leave override out")
        return self


class Once(_Entry):
    """A window in local time of the freeze's zone."""

    start: NaiveDatetime = Field(alias="from", description="like 2026-12-20 18:00")
    until: NaiveDatetime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until <= self.start:
            raise ValueError("until has to come after from")
        return self


class Weekly(_Entry):
    """A window of every week, in local time; it may run over the end of the week."""

    start: WeekTime = Field(alias="from", description="like fri 16:00")
    until: WeekTime

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.until == self.start:
            raise ValueError("from and until are the same moment of the week")
        return self


class Freeze(_Entry):
    """A time in which the matching changes are forbidden. Reads are never frozen."""

    name: Title
    match: Match = Match()
    exempt: tuple[Match, ...] = Field((), description="changes that may go ahead all the same")
    zone: Zone = Field("UTC", description="time zone of the window, like Europe/Athens")
    once: Once | None = None
    weekly: Weekly | None = None

    @model_validator(mode="after")
    def _one_window(self) -> Self:
        if (self.once is None) == (self.weekly is None):
            raise ValueError("say either once or weekly")
        return self


class Delegating(_Entry):
    """Handing one's key to somebody else for a time. Without this entry nobody can."""

    groups: Names = Field(description="groups whose members may hand over their key")
    to: Literal["anyone"] | Names = Field(description="anyone, or the groups whose members may be given it")
    longest: Duration = Field(description="for how long at most")


def _at_most_a_quarter(text: str) -> str:
    if durations.parse(text) > timedelta(minutes=15):
        raise ValueError("a change whose glass was broken has to start within 15m")
    return text


class BreakGlass(_Entry):
    """Running one change without its approvals in an emergency (A10). Without this entry nobody can."""

    who: Names = Field(description="groups whose members may, for what they ask for themselves")
    match: Match = Field(Match(), description="for which changes; all of them if not given")
    start_within: Annotated[Duration, AfterValidator(_at_most_a_quarter)] = "15m"


class Defaults(_Entry):
    """What a rule that says nothing about time means (A6: one limit for approving, another for starting)."""

    approve_within: Duration = "1h"
    run_within: Duration = "15m"
    remind_after: Duration | None = None


class Policy(_Entry):
    """The whole file. The first rule that matches decides; what no rule matches is forbidden (A8)."""

    groups: dict[GroupName, Group] = {}
    rules: tuple[Rule, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    delegation: Delegating | None = None
    break_glass: BreakGlass | None = None
    defaults: Defaults = Defaults()

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        for what, names in (("rule", [r.name for r in self.rules]), ("freeze", [f.name for f in self.freezes])):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice:
                raise ValueError(f'two {what}s are called "{twice}"')
        return self

    _written: dict[str, JsonValue] | None = PrivateAttr(None)  # what it was restored from

    @cached_property
    def version(self) -> str:
        """SHA-256 over the content: comments, order of keys and spelled-out defaults do not count."""
        return canonical.digest(self.content)

    @property
    def content(self) -> dict[str, JsonValue]:
        """As JSON; of one that was `restored` what it was restored from, whatever a policy holds beside it by now."""
        if self._written is not None:
            return self._written
        content: dict[str, JsonValue] = self.model_dump(mode="json", by_alias=True)
        return content


def restored(content: dict[str, JsonValue]) -> Policy:
    """A policy from its `content`, which may be of another release. Raises pydantic's ValidationError."""
    policy = Policy.model_validate(content)
    policy._written = content
    return policy


def as_text(moment: datetime, zone: str) -> str:
    """`Sun 20 Dec 18:00 (Europe/Athens)`."""
    return f"{moment:%a %d %b %H:%M} ({zone})"
