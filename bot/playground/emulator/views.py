"""Modals and Home tabs: a stack of at most three modals a person, one Home each."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.playground import cast
from bot.playground.emulator.forms import initial_values, keep_values, with_ids
from bot.playground.emulator.wire import ApiError, Json

MAX_STACK = 3  # docs.slack.dev, "Modals": up to three views in one stack


@dataclass(eq=False)
class View:
    """One view as the workspace keeps it."""

    id: str
    user: str
    body: Json  # as the app gave it, with ids filled in
    values: Json
    previous: str | None = None
    root: str = ""
    hash: str = field(default_factory=lambda: _new_hash())

    @property
    def is_home(self) -> bool:
        return bool(self.body["type"] == "home")

    def render(self) -> Json:
        """The view object of `views.open` and of interaction payloads."""
        return {
            "id": self.id,
            "team_id": cast.TEAM_ID,
            "type": self.body["type"],
            "blocks": self.body["blocks"],
            "private_metadata": self.body.get("private_metadata", ""),
            "callback_id": self.body.get("callback_id", ""),
            "state": {"values": self.values},
            "hash": self.hash,
            "title": self.body.get("title"),
            "clear_on_close": self.body.get("clear_on_close", False),
            "notify_on_close": self.body.get("notify_on_close", False),
            "close": self.body.get("close"),
            "submit": self.body.get("submit"),
            "previous_view_id": self.previous,
            "root_view_id": self.root,
            "app_id": cast.APP_ID,
            "external_id": self.body.get("external_id", ""),
            "app_installed_team_id": cast.TEAM_ID,
            "bot_id": cast.BOT_ID,
        }


class Views:
    """Every open view; `tell` hears `view_opened`, `view_updated`, `view_closed` and `home`."""

    def __init__(self, tell: Callable[[str, View], None]) -> None:
        self._tell = tell
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    def all(self) -> list[View]:
        """The stacks in order, then the Homes."""
        return [view for stack in self._stacks.values() for view in stack] + list(self._homes.values())

    def stack(self, user: str) -> list[View]:
        """The modals that this person sees, the last on top."""
        return list(self._stacks.get(user, []))

    def home(self, user: str) -> View | None:
        """What was published to this person's Home."""
        return self._homes.get(user)

    def get(self, view_id: str) -> View:
        """By id or by external id. Raises not_found."""
        for view in self.all():
            if view_id and view_id in (view.id, view.body.get("external_id")):
                return view
        raise ApiError("not_found")

    def open(self, user: str, body: Json) -> View:
        """A new stack for this person; what was open is gone. Raises duplicate_external_id."""
        self._unique(body)
        for old in reversed(self._stacks.pop(user, [])):
            self._tell("view_closed", old)
        return self._add(user, body)

    def push(self, user: str, body: Json) -> View:
        """On top of this person's stack. Raises push_limit_reached, not_found without a stack."""
        stack = self._stacks.get(user)
        if not stack:
            raise ApiError("not_found")
        if len(stack) >= MAX_STACK:
            raise ApiError("push_limit_reached")
        self._unique(body)
        return self._add(user, body)

    def update(self, view: View, body: Json, expected_hash: str = "") -> View:
        """Show this instead; what was entered is kept where ids stay. Raises hash_conflict."""
        if expected_hash and expected_hash != view.hash:
            raise ApiError("hash_conflict")
        if body.get("external_id") != view.body.get("external_id"):
            self._unique(body)
        view.body = {**body, "blocks": with_ids(body["blocks"])}
        view.values = keep_values(view.body["blocks"], view.values)
        view.hash = _new_hash()
        self._tell("home" if view.is_home else "view_updated", view)
        return view

    def publish(self, user: str, body: Json, expected_hash: str = "") -> View:
        """The person's Home. Raises hash_conflict."""
        home = self._homes.get(user)
        if home is not None:
            return self.update(home, body, expected_hash)
        self._homes[user] = self._make(user, body, None)
        self._tell("home", self._homes[user])
        return self._homes[user]

    def close(self, view: View) -> list[View]:
        """Close one modal, or its whole stack if it says `clear_on_close`; what was closed, the top first."""
        return self._drop(view, whole=bool(view.body.get("clear_on_close")))

    def done(self, view: View, clear: bool = False) -> None:
        """A submission was accepted: back to the view before, or everything away."""
        self._drop(view, whole=clear)

    def _drop(self, view: View, whole: bool) -> list[View]:
        stack = self._stacks.get(view.user, [])
        if view not in stack:
            return []
        first = 0 if whole else stack.index(view)
        closed = stack[first:][::-1]
        del stack[first:]
        for one in closed:
            self._tell("view_closed", one)
        return closed

    def _add(self, user: str, body: Json) -> View:
        stack = self._stacks.setdefault(user, [])
        view = self._make(user, body, stack[-1] if stack else None)
        stack.append(view)
        self._tell("view_opened", view)
        return view

    def _make(self, user: str, body: Json, below: View | None) -> View:
        blocks = with_ids(body["blocks"])
        view = View("V" + secrets.token_hex(5).upper(), user, {**body, "blocks": blocks}, initial_values(blocks))
        view.previous, view.root = (below.id, below.root) if below else (None, view.id)
        return view

    def _unique(self, body: Json) -> None:
        external = body.get("external_id")
        if external and any(view.body.get("external_id") == external for view in self.all()):
            raise ApiError("duplicate_external_id")


def _new_hash() -> str:
    return f"{secrets.randbelow(10**10):010d}.{secrets.token_hex(4)}"
