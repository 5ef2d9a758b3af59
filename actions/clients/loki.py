"""Log lines from anything that speaks Loki's HTTP API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from actions.clients import punctual
from actions.clients.protocols import LogLine
from actions.errors import Denied, Rejected, Unreachable

_NOT_LOKI = "What answers at LOKI_URL does not speak Loki's HTTP API."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LokiLogs:
    """Implements Logs. `url` is what comes before `/loki/api/v1/`; proxies are taken from the environment.

    `timeout` in seconds for each answer as a whole.
    """

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        self._url, self._timeout = f"{url.rstrip('/')}/loki/api/v1/query_range", timeout

    def query(self, query: str, start: datetime, end: datetime, limit: int) -> list[LogLine]:
        """Raises Rejected where it does not like the query, Denied, or Unreachable."""
        body = self._ask(
            {
                "query": query,
                "start": str(_nanoseconds(start)),
                "end": str(_nanoseconds(end)),
                "limit": str(limit),
                "direction": "backward",  # the newest ones, where there are more than the limit
            }
        )
        try:
            data = body["data"]
            if data["resultType"] != "streams":
                raise Rejected("That LogQL query counts instead of showing lines. Check the service's logs.selector.")
            found = sorted(_lines(data["result"]), key=lambda pair: pair[0])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise Unreachable(_NOT_LOKI) from None
        return [line for _, line in found[-limit:]]

    def _ask(self, params: dict[str, str]) -> Any:
        try:
            with punctual.session(self._timeout) as session:
                response = session.get(self._url, params=params, timeout=self._timeout)
        except (requests.Timeout, TimeoutError):
            raise Unreachable("Loki did not answer in time. Try a shorter while.") from None
        except requests.ConnectionError:
            raise Unreachable("Loki cannot be reached. Check LOKI_URL and that it is up.") from None
        except requests.RequestException as error:
            raise Unreachable(f"Loki could not be asked: {type(error).__name__}. Check LOKI_URL.") from None
        if response.status_code in (401, 403):
            raise Denied("Loki refused our credential. Check what LOKI_URL needs.")
        if response.status_code == 400:  # Loki words its errors as plain text
            raise Rejected(f"Loki refused the query: {response.text.strip()[:200]}. Check the service's logs.selector.")
        if response.status_code != 200:
            raise Unreachable(f"Loki answered {response.status_code}. Check LOKI_URL and its own log.")
        try:
            return response.json()
        except ValueError:
            raise Unreachable(_NOT_LOKI) from None


def _lines(streams: Any) -> Iterator[tuple[int, LogLine]]:
    for stream in streams:
        labels = stream["stream"]
        pod = str(labels.get("pod") or labels.get("instance") or "")
        for entry in stream["values"]:  # [nanoseconds as text, line, structured metadata?]
            at = int(entry[0])
            yield at, LogLine(_EPOCH + timedelta(microseconds=at // 1000), pod, str(entry[1]))


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000
