"""Words that the whole emulator shares: JSON objects and Slack's way to say no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

VERIFICATION_TOKEN = "playground-verification"  # noqa: S105 - the old way to recognise Slack; proves nothing

Json = dict[str, Any]  # what travels is JSON of Slack's making; its shape is checked where it comes in


class ApiError(Exception):
    """What a Web API method refuses with: `{"ok": false, "error": …}`."""

    def __init__(self, error: str, messages: Sequence[str] = (), **more: object) -> None:
        super().__init__(error)
        self.error, self.messages, self.more = error, tuple(messages), more

    def body(self) -> Json:
        """The answer as Slack gives it; `messages` name the places that are wrong."""
        body: Json = {"ok": False, "error": self.error, **self.more}
        if self.messages:
            body["errors"] = list(self.messages)
            body["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return body
