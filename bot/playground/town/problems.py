"""What the API server answers when it does not do as asked: Status objects, worded as the real one words them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.playground.town.objects import Object


@dataclass(frozen=True)
class Named:
    """A resource as error messages name it: `deployments.apps`, `pods`."""

    plural: str
    kind: str
    group: str

    @property
    def qualified(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


@dataclass(frozen=True)
class Flaw:
    """One field that is wrong (k8s.io/apimachinery/pkg/util/validation/field)."""

    path: str
    type: Literal["Invalid value", "Required value", "Duplicate value", "Unsupported value"]
    value: str = ""  # as JSON; nothing for a missing one
    detail: str = ""

    @property
    def message(self) -> str:
        return ": ".join(
            part for part in (self.path, self.type + (f": {self.value}" if self.value else ""), self.detail) if part
        )

    @property
    def reason(self) -> str:
        return {
            "Invalid value": "FieldValueInvalid",
            "Required value": "FieldValueRequired",
            "Duplicate value": "FieldValueDuplicate",
            "Unsupported value": "FieldValueNotSupported",
        }[self.type]


class Problem(Exception):
    """A request that is answered with a failure."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details

    def body(self) -> Object:
        """The Status object."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            **({"details": self.details} if self.details else {}),
            "code": self.code,
        }


def _details(resource: Named, name: str) -> Object:
    return {"name": name, **({"group": resource.group} if resource.group else {}), "kind": resource.plural}


def not_found(resource: Named, name: str) -> Problem:
    return Problem(404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name))


def no_such_path() -> Problem:
    return Problem(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: Named, name: str) -> Problem:
    message = f'{resource.qualified} "{name}" already exists'
    return Problem(409, "AlreadyExists", message, _details(resource, name))


def modified(resource: Named, name: str) -> Problem:
    """Optimistic locking: the resourceVersion is not the present one."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(resource, name, why)


def other_uid(resource: Named, name: str, asked: str, actual: str) -> Problem:
    why = f"Precondition failed: UID in precondition: {asked}, UID in object meta: {actual}"
    return conflict(resource, name, why)


def conflict(resource: Named, name: str, why: str) -> Problem:
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return Problem(409, "Conflict", message, _details(resource, name))


def invalid(resource: Named, name: str, flaws: Sequence[Flaw]) -> Problem:
    messages = [flaw.message for flaw in flaws]
    text = messages[0] if len(messages) == 1 else f"[{', '.join(messages)}]"
    causes = [
        {"reason": flaw.reason, "message": flaw.message.removeprefix(f"{flaw.path}: "), "field": flaw.path}
        for flaw in flaws
    ]
    details = {"name": name, "group": resource.group, "kind": resource.kind, "causes": causes}
    return Problem(422, "Invalid", f'{resource.qualified_kind} "{name}" is invalid: {text}', details)


def bad_request(message: str) -> Problem:
    return Problem(400, "BadRequest", message)


def unauthorized() -> Problem:
    return Problem(401, "Unauthorized", "Unauthorized")


def forbidden(resource: Named, name: str, user: str, verb: str, namespace: str | None) -> Problem:
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    about = f'{resource.qualified} "{name}"' if name else resource.qualified
    who = f'User "{user}" cannot {verb} resource "{resource.plural}" in API group "{resource.group}"'
    return Problem(403, "Forbidden", f"{about} is forbidden: {who} {where}", _details(resource, name))


def unsupported_media(accepted: Sequence[str]) -> Problem:
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
    return Problem(415, "UnsupportedMediaType", message)


def method_not_allowed() -> Problem:
    message = "the server does not allow this method on the requested resource"
    return Problem(405, "MethodNotAllowed", message, {})


def expired(asked: int, oldest: int) -> Problem:
    return Problem(410, "Expired", f"too old resource version: {asked} ({oldest})")


REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
"""The reason of each status code, for answers made up by a fault."""
