"""Who calls, what they may, what was asked so far, and what shall go wrong: the API server's front door."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from bot.playground.town.calls import Call
from bot.playground.town.problems import Named, Problem, forbidden, unauthorized

TOKEN = "town-token"  # noqa: S105 - opens nothing but the playground
ANONYMOUS = "system:anonymous"
_EXTRA = "impersonate-extra-"


@dataclass(frozen=True)
class Seen:
    """One request as the audit log has it."""

    method: str
    path: str  # without the query
    query: Mapping[str, str]
    user: str  # the impersonated one, where there is one
    authenticated: str  # whose token it is
    extra: Mapping[str, str]  # of the impersonation
    user_agent: str
    body: str

    @property
    def dry_run(self) -> bool:
        return self.query.get("dryRun") == "All"


@dataclass(frozen=True)
class Access:
    """What an authorizer is asked. `resource` has the subresource behind a slash: "deployments/scale"."""

    user: str
    verb: str
    group: str
    resource: str
    namespace: str | None
    name: str


@dataclass
class Fault:
    """The next `times` requests of this method whose path matches (`re.search`) go wrong.

    `status` answers with that code instead of acting; `drop` closes the connection before or after acting; `delay`
    seconds pass before anything else.
    """

    times: int = 1
    method: str = ""
    path: str = ""
    status: int | None = None
    drop: Literal["before", "after"] | None = None
    delay: float = 0.0


@dataclass
class Faults:
    """What shall go wrong next. Safe between threads."""

    _waiting: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The first that matches, which is thereby used once."""
        with self._lock:
            for fault in self._waiting:
                if fault.times > 0 and fault.method in ("", method) and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return None


class Gatekeeper:
    """Authenticates by bearer token, honours impersonation, and authorizes; everything is allowed by default."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self.tokens = dict(tokens)  # token -> user
        self.authorizer: Callable[[Access], bool] = lambda access: True
        self.requests: list[Seen] = []
        self.faults = Faults()

    async def admit(self, request: web.Request) -> Seen:
        """Who it is and what they ask, written down. Raises Problem 401 for a token that is none."""
        user = self._authenticate(request.headers.get("Authorization"))
        extra = {
            key.lower().removeprefix(_EXTRA): value
            for key, value in request.headers.items()
            if key.lower().startswith(_EXTRA)
        }
        seen = Seen(
            request.method,
            request.path,
            dict(request.query),
            request.headers.get("Impersonate-User", user),
            user,
            extra,
            request.headers.get("User-Agent", ""),
            (await request.read()).decode(errors="replace"),
        )
        self.requests.append(seen)
        return seen

    def _authenticate(self, header: str | None) -> str:
        if header is None:  # kubectl sends no token without TLS
            return ANONYMOUS
        scheme, _, token = header.partition(" ")
        user = self.tokens.get(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise unauthorized()
        return user

    def allows(self, user: str, call: Call) -> bool:
        resource = f"{call.resource}/{call.subresource}" if call.subresource else call.resource
        return self.authorizer(Access(user, call.verb, call.group, resource, call.namespace, call.name))

    def authorize(self, seen: Seen, call: Call) -> None:
        """Raises Problem 403."""
        if not self.allows(seen.user, call):
            raise self.refusal(seen, call)

    @staticmethod
    def refusal(seen: Seen, call: Call) -> Problem:
        plural = f"{call.resource}/{call.subresource}" if call.subresource else call.resource
        return forbidden(Named(plural, "", call.group), call.name, seen.user, call.verb, call.namespace)
