"""Who people are, as Slack knows them now: groups and standing live, names from a short memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from actions.clients.protocols import ChangeRecord, Changes
from actions.clock import Clock, SystemClock
from approvals.actor import Actor, Directory, DirectoryDown
from bot.work import code_of, retry_after

T = TypeVar("T")

GLIMPSE_AGE = 60.0  # seconds; usergroups.users.list takes 20 questions a minute
PATIENCE = 2.0  # seconds for which a question about rights is held back at Slack's wish before it fails
LONGEST_LIMIT = 60.0  # seconds; Slack counts by the minute
NAME_AGE = 600.0  # seconds; a name is for display and decides nothing


class SlackDirectory:
    """Implements `approvals.actor.Directory`. Every question about rights is asked of Slack anew (A3, A8).

    Where Slack limits a kind of question, none of that kind is asked before it wishes: more of them would only keep
    the limit up, for everybody.
    """

    def __init__(self, client: WebClient, team_id: str | None = None, clock: Clock | None = None) -> None:
        self._client, self._team_id, self._clock = client, team_id, clock or SystemClock()
        self._limited: dict[str, tuple[float, SlackApiError]] = {}  # by method: until when, and how Slack said so

    def team_id(self) -> str:
        """The workspace that the bot's token belongs to. Raises DirectoryDown."""
        if self._team_id is None:
            self._team_id = str(self._ask("auth.test", {})["team_id"])
        return self._team_id

    def members(self, sources: Mapping[str, Mapping[str, object]]) -> dict[str, frozenset[Actor]]:
        """Who is in the user groups, or on the policy's own lists; see Directory."""
        wanted = {str(s["usergroup"]) for s in sources.values() if s.get("usergroup")}
        users = self._users(wanted)
        return {name: self._actors(name, source, users) for name, source in sources.items()}

    def _actors(
        self, name: str, source: Mapping[str, object], users: Mapping[str, Sequence[object]]
    ) -> frozenset[Actor]:
        team = str(source.get("team") or self.team_id())
        listed = source.get("members")
        if source.get("usergroup"):
            listed = users[str(source["usergroup"])]
        if not isinstance(listed, Iterable) or isinstance(listed, str):
            raise DirectoryDown(f"The policy's group {name} names neither members nor a usergroup, so nobody is in it.")
        return frozenset(Actor(team_id=team, user_id=str(user)) for user in listed)

    def _users(self, usergroups: set[str]) -> dict[str, list[object]]:
        """The users of each user group. Slack takes 20 questions of this kind a minute, so several are one question."""
        found = self._listed() if len(usergroups) > 1 else {}
        return {group: found[group] if group in found else self._users_of(group) for group in usergroups}

    def _users_of(self, usergroup: str) -> list[object]:
        users = self._ask("usergroups.users.list", {"usergroup": usergroup}).get("users")
        if not isinstance(users, list):
            raise DirectoryDown
        return users

    def _listed(self) -> dict[str, list[object]]:
        """The users of every user group that Slack lists with its users; the others have to be asked for."""
        try:
            groups = self._ask("usergroups.list", {"include_users": "true"}).get("usergroups")
        except DirectoryDown as error:
            if isinstance(error.__cause__, SlackApiError):
                return {}  # this question is refused; the other one may be answered
            raise
        return {
            str(group.get("id")): group["users"]
            for group in groups or ()
            if isinstance(group, dict) and isinstance(group.get("users"), list) and not group.get("date_delete")
        }

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
        if method in self._limited:
            until, said = self._limited[method]
            if self._clock.steady() < until:
                raise DirectoryDown from said
        try:
            return ask(self._client, method, params, absent)
        except DirectoryDown as error:
            if isinstance(error.__cause__, SlackApiError) and (wait := retry_after(error.__cause__)):
                self._limited[method] = (self._clock.steady() + min(wait, LONGEST_LIMIT), error.__cause__)
            raise


class Glimpse:
    """A Directory that answers again what it was told within the last minute. For showing only: it decides nothing."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._seen: dict[tuple[str, str], tuple[object, float]] = {}

    def members(self, sources: Mapping[str, Mapping[str, object]]) -> dict[str, frozenset[Actor]]:
        """See Directory."""
        key = ("members", repr(sorted((name, sorted(source.items())) for name, source in sources.items())))
        return self._once(key, lambda: self._directory.members(sources))

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

    def zone(self, user_id: str) -> str:
        """The time zone of a person's clock, like Europe/Athens; UTC where it is not known here."""
        try:
            user = ask(self._client, "users.info", {"user": user_id}).get("user") or {}
            return str(ZoneInfo(str(user.get("tz") or "UTC")))
        except (DirectoryDown, ZoneInfoNotFoundError, ValueError):
            return "UTC"

    def channel(self, channel_id: str) -> str | None:
        """A channel's name, for reading and help only; None where it cannot be found."""
        name, at = self._known.get(channel_id, ("", float("-inf")))
        if time.monotonic() - at >= NAME_AGE:
            name = str(self._channel(channel_id).get("name") or "")
            self._known[channel_id] = (name, time.monotonic())
        return name or None

    def remembered(self, channel_id: str) -> str | None:
        """A channel's name without asking anybody; None where it is not known, or no longer for sure."""
        name, at = self._known.get(channel_id, ("", float("-inf")))
        return name if name and time.monotonic() - at < NAME_AGE else None

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

    def recent(self, service: str | None, environment: str | None, since: datetime) -> Sequence[ChangeRecord]:
        """Newest first; see `actions.clients.protocols.Changes`."""
        return [self._named(record) for record in self._changes.recent(service, environment, since)]

    def _named(self, record: ChangeRecord) -> ChangeRecord:
        names = self._names.of([record.asked_by, *record.approved_by])
        approved = tuple(names[user] for user in record.approved_by)
        return replace(record, asked_by=names[record.asked_by], approved_by=approved)


def ask(client: WebClient, method: str, params: dict[str, Any], absent: str | None = None) -> Mapping[str, Any]:
    """One question to Slack, asked again once where Slack wants no more than a moment of patience.

    Raises DirectoryDown; the error `absent` is an empty answer instead.
    """
    try:
        data = _call(client, method, params)
    except SlackApiError as error:
        code = code_of(error)
        if absent and code == absent:
            return {}
        raise DirectoryDown(_because(code, params)) from error
    except (SlackClientError, OSError, ValueError, AttributeError) as error:
        raise DirectoryDown from error
    if not isinstance(data, dict):
        raise DirectoryDown
    return data


def _call(client: WebClient, method: str, params: dict[str, Any]) -> object:
    try:
        return client.api_call(method, params=params).data
    except SlackApiError as error:
        wait = retry_after(error)
        if wait is None or wait > PATIENCE:
            raise
        time.sleep(wait)
    return client.api_call(method, params=params).data


def _because(code: str, params: Mapping[str, Any]) -> str | None:
    """What to do where waiting does not help; None where it may."""
    if code in {"plan_upgrade_required", "paid_teams_only"}:
        what = "This workspace has no user groups. List people under `members` in the policy's groups instead."
    elif code == "no_such_subteam":
        what = f"Slack has no user group {params.get('usergroup')}. Correct its id in the policy."
    elif code == "missing_scope":
        what = "The Slack app lacks a scope. Give it those of manifests/slack-app.yaml and install it again."
    elif code in {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}:
        what = f"Slack refuses my token ({code}). Install the app again and set SLACK_BOT_TOKEN."
    else:
        return None
    return f"I cannot look up who belongs to which group, so nothing is approved or run. {what}"
