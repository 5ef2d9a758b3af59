"""Who people are, as Slack knows them now: groups and standing live, names from a short memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

from actions.clients.protocols import ChangeRecord, Changes
from approvals.actor import Actor, Directory, DirectoryDown

T = TypeVar("T")

GLIMPSE_AGE = 60.0  # seconds; usergroups.users.list takes 20 questions a minute
NAME_AGE = 600.0  # seconds; a name is for display and decides nothing


class SlackDirectory:
    """Implements `approvals.actor.Directory`. Every question about rights is asked of Slack anew (A3, A8)."""

    def __init__(self, client: WebClient, team_id: str | None = None) -> None:
        self._client, self._team_id = client, team_id

    def team_id(self) -> str:
        """The workspace that the bot's token belongs to. Raises DirectoryDown."""
        if self._team_id is None:
            self._team_id = str(self._ask("auth.test", {})["team_id"])
        return self._team_id

    def members(self, group: str, source: Mapping[str, object]) -> frozenset[Actor]:
        """Who is in a user group, or on the policy's own list; see Directory."""
        team = str(source.get("team") or self.team_id())
        listed = source.get("members")
        if isinstance(listed, Iterable) and not isinstance(listed, str):
            return frozenset(Actor(team_id=team, user_id=str(user)) for user in listed)
        usergroup = source.get("usergroup")
        if not usergroup:
            raise DirectoryDown(
                f"The policy's group {group} names neither members nor a usergroup, so nobody is in it."
            )
        users = self._ask("usergroups.users.list", {"usergroup": str(usergroup)}).get("users")
        if not isinstance(users, list):
            raise DirectoryDown
        return frozenset(Actor(team_id=team, user_id=str(user)) for user in users)

    def is_person(self, actor: Actor) -> bool:
        """A living, full member of this workspace; see Directory. Slack Connect guests and strangers are not."""
        if actor.team_id != self.team_id():
            return False
        user = self._ask("users.info", {"user": actor.user_id}, absent="user_not_found").get("user")
        if not isinstance(user, dict) or user.get("id") != actor.user_id:
            return False
        barred = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "is_workflow_bot")
        team = user.get("team_id", actor.team_id)
        return team == actor.team_id and actor.user_id != "USLACKBOT" and not any(user.get(flag) for flag in barred)

    def _ask(self, method: str, params: dict[str, Any], absent: str | None = None) -> Mapping[str, Any]:
        """Any failure, a rate limit and an odd answer included, is one thing: it cannot be told now."""
        return ask(self._client, method, params, absent)


class Glimpse:
    """A Directory that answers again what it was told within the last minute. For showing only: it decides nothing."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._seen: dict[tuple[str, str], tuple[object, float]] = {}

    def members(self, group: str, source: Mapping[str, object]) -> frozenset[Actor]:
        """See Directory."""
        key = ("members", f"{group} {sorted(source.items())}")
        return self._once(key, lambda: self._directory.members(group, source))

    def is_person(self, actor: Actor) -> bool:
        """See Directory."""
        return self._once(("person", f"{actor.team_id} {actor.user_id}"), lambda: self._directory.is_person(actor))

    def _once(self, key: tuple[str, str], ask_now: Callable[[], T]) -> T:
        found, at = self._seen.get(key, (None, float("-inf")))
        if time.monotonic() - at < GLIMPSE_AGE:
            return found  # type: ignore[return-value]  # the key says which question it answers
        answer = ask_now()
        self._seen[key] = (answer, time.monotonic())
        return answer


class Names:
    """Names for display. A person whose name cannot be found is shown by their id."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._known: dict[str, tuple[str, float]] = {}

    def of(self, user_ids: Iterable[str]) -> dict[str, str]:
        """User id -> the name that people use. May ask Slack; never raises."""
        return {user: self._name(user) for user in set(user_ids)}

    def channel(self, channel_id: str) -> str | None:
        """A channel's name, for reading and help only; None where it cannot be found."""
        name, at = self._known.get(channel_id, ("", float("-inf")))
        if time.monotonic() - at >= NAME_AGE:
            name = str(self._channel(channel_id).get("name") or "")
            self._known[channel_id] = (name, time.monotonic())
        return name or None

    def is_in(self, channel_id: str) -> bool:
        """Whether the bot is in a channel; true where that cannot be told, since Slack will say so then."""
        return bool(self._channel(channel_id).get("is_member", True))

    def _channel(self, channel_id: str) -> Mapping[str, Any]:
        try:
            return dict(ask(self._client, "conversations.info", {"channel": channel_id}).get("channel") or {})
        except DirectoryDown:
            return {}

    def _name(self, user_id: str) -> str:
        name, at = self._known.get(user_id, (user_id, float("-inf")))
        if time.monotonic() - at < NAME_AGE:
            return name
        try:
            user = ask(self._client, "users.info", {"user": user_id}).get("user") or {}
            profile = user.get("profile") or {}
            name = str(profile.get("display_name") or user.get("name") or user.get("real_name") or user_id)
        except DirectoryDown:
            return name
        self._known[user_id] = (name, time.monotonic())
        return name


class NamedChanges:
    """The ledger's memory of changes, with the names of people in place of their ids."""

    def __init__(self, changes: Changes, names: Names) -> None:
        self._changes, self._names = changes, names

    def recent(self, service: str, environment: str, since: datetime) -> Sequence[ChangeRecord]:
        """Newest first; see `actions.clients.protocols.Changes`."""
        return [self._named(record) for record in self._changes.recent(service, environment, since)]

    def _named(self, record: ChangeRecord) -> ChangeRecord:
        names = self._names.of([record.asked_by, *record.approved_by])
        approved = tuple(names[user] for user in record.approved_by)
        return replace(record, asked_by=names[record.asked_by], approved_by=approved)


def ask(client: WebClient, method: str, params: dict[str, Any], absent: str | None = None) -> Mapping[str, Any]:
    """One question to Slack. Raises DirectoryDown; the error `absent` is an empty answer instead."""
    try:
        answer = client.api_call(method, params=params)
        data = answer.data
    except SlackClientError as error:
        if absent and _code(error) == absent:
            return {}
        raise DirectoryDown from error
    except (OSError, ValueError) as error:
        raise DirectoryDown from error
    if not isinstance(data, dict):
        raise DirectoryDown
    return data


def _code(error: SlackClientError) -> str:
    response = getattr(error, "response", None)
    return str(response.get("error", "")) if response is not None else ""
