"""What a Kubernetes API answers when it does not do it, in words for people."""

from __future__ import annotations

import json
from typing import Any

from actions.errors import Conflict, Denied, NotFound, Rejected, SourceError, Unreachable
from actions.redaction import without_values

AGAIN = "Try again in a minute."
_LONGEST = 400
# The API server words refusals of admission as 403 Forbidden, as it does for missing rights.
_ADMISSION = ("exceeded quota", "admission webhook", "denied the request", "ValidatingAdmissionPolicy", "PodSecurity")


def translate(status: int, body: str, what: str) -> SourceError:
    """The error for an answer outside of 200–299 about `what` ("Deployment checkout in prod").

    Status codes: https://kubernetes.io/docs/reference/using-api/api-concepts/ and metav1.StatusReason. 429 and 5xx
    are Unreachable: they leave open whether something happened.
    """
    reason = said(body) or f"HTTP {status}"
    if status == 404:
        return NotFound(f"The cluster has no {what}.", "Check the workload and its namespace in the catalogue.")
    if status == 409:
        return Conflict(f"{what} was changed by somebody else at the same moment.", "Ask again.")
    if status == 401:
        return Denied(f"The cluster does not accept our credential: {reason}. Renew it.")
    if status == 403 and not any(mark in reason for mark in _ADMISSION):
        return Denied(f"Our credential may not do this to {what}: {reason}. `twokey rbac check` lists what is missing.")
    if status == 429 or status >= 500 or status < 400:
        return Unreachable(f"The cluster answered {status} about {what}: {reason}.", AGAIN)
    return Rejected(f"The cluster refused it for {what}: {reason}.")


def said(body: str) -> str:
    """The message of a metav1.Status on one line; of anything else its beginning. Without a full stop."""
    try:
        status: Any = json.loads(body)
        text = str(status["message"])
    except (ValueError, KeyError, TypeError):
        text = body
    line = without_values(" ".join(text.split()))
    return (line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…").rstrip(".")
