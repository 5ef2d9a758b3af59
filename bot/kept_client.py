"""Slack's Web API over connections that are kept for the next question."""

from __future__ import annotations

import json
from typing import Any

import urllib3
from slack_sdk import WebClient
from slack_sdk.web.slack_response import SlackResponse

AT_ONCE = 16  # connections that are kept
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class KeptClient(WebClient):
    """The SDK's client for questions that threads ask. The SDK itself opens a connection for each, and TLS with it.

    Only for questions: one that was lost with a kept connection is asked again, once. Never waits for a rate limit.
    """

    _pool: urllib3.PoolManager | None = None  # opened with the first question, when it is known which proxy is meant

    def api_call(self, api_method: str, *, params: dict[str, Any] | None = None, **_: Any) -> SlackResponse:
        """The answer. Raises SlackApiError where Slack refuses, OSError where it cannot be reached."""
        url = f"{self.base_url}{api_method}"
        answer = self._asked(url, params or {})
        try:
            data = json.loads(answer.data)
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

    def _asked(self, url: str, params: dict[str, Any], again: bool = True) -> urllib3.BaseHTTPResponse:
        headers = {**self.headers, **_FORM, "Authorization": f"Bearer {self.token}"}
        try:
            return self._kept().request_encode_body("POST", url, params, headers, encode_multipart=False)
        except urllib3.exceptions.ProtocolError as error:
            if again:
                return self._asked(url, params, again=False)
            raise ConnectionError(str(error)) from error
        except urllib3.exceptions.TimeoutError as error:
            raise TimeoutError(str(error)) from error
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionError(str(error)) from error

    def _kept(self) -> urllib3.PoolManager:
        if self._pool is None:
            how: dict[str, Any] = {"maxsize": AT_ONCE, "timeout": float(self.timeout), "retries": False}
            self._pool = urllib3.ProxyManager(self.proxy, **how) if self.proxy else urllib3.PoolManager(**how)
        return self._pool
