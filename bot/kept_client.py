"""Slack's Web API over connections that are kept for the next question."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import urllib3
from slack_sdk import WebClient
from slack_sdk.web.slack_response import SlackResponse

from actions.clients.exchange import Exchange
from actions.clients.reply import Answer

AT_ONCE = 16  # connections that are kept
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class KeptClient(WebClient):
    """The SDK's client for questions that threads ask. The SDK itself opens a connection for each, and TLS with it.

    Only for questions: one that was lost with a kept connection is asked again, once. Never waits for a rate limit.
    """

    _exchange: Exchange | None = None  # opened with the first question, when it is known which proxy is meant

    def api_call(self, api_method: str, *, params: dict[str, Any] | None = None, **others: Any) -> SlackResponse:
        """The answer. Raises SlackApiError where Slack refuses, OSError where it cannot be reached.

        TypeError for what is posted, which is no question: that it was lost says nothing of whether it was done.
        """
        if any(others.get(body) for body in ("json", "data", "files")):
            raise TypeError(f"{api_method} posts something; a client that repeats what was lost only asks.")
        url = f"{self.base_url}{api_method}"
        answer = self._asked(f"/{api_method}", params or {})
        try:
            data = json.loads(answer.body)
        except ValueError:
            data = None
        response = SlackResponse(
            client=self,
            http_verb="POST",
            api_url=url,
            req_args={},
            data=data if isinstance(data, dict) else {"ok": False, "error": f"HTTP {answer.status}"},
            headers=dict(answer.headers),
            status_code=answer.status,
        )
        response.validate()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
        return response

    def _asked(self, method: str, params: dict[str, Any]) -> Answer:
        headers = {**self.headers, **_FORM, "Authorization": f"Bearer {self.token}"}
        try:
            return self._kept().ask(
                "POST", method, headers, urlencode(_fields(params)).encode(), float(self.timeout), again=True
            )
        except urllib3.exceptions.TimeoutError as error:
            raise TimeoutError(str(error)) from error
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionError(str(error)) from error

    def _kept(self) -> Exchange:
        if self._exchange is None:
            how: dict[str, Any] = {"maxsize": AT_ONCE}
            manager = urllib3.ProxyManager(self.proxy, **how) if self.proxy else urllib3.PoolManager(**how)
            self._exchange = Exchange(manager, self.base_url)
        return self._exchange


def _fields(params: dict[str, Any]) -> dict[str, Any]:
    """As the SDK itself writes a form: without what is None, and a truth value as 1 or 0."""
    return {name: int(one) if isinstance(one, bool) else one for name, one in params.items() if one is not None}
