"""Metrics from anything that speaks Prometheus' HTTP API."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import requests

from actions.clients import punctual
from actions.clients.protocols import Sample
from actions.errors import Denied, Rejected, Unreachable

if TYPE_CHECKING:
    from prometheus_api_client import PrometheusConnect

_NOT_PROMETHEUS = "What answers at PROMETHEUS_URL does not speak Prometheus' HTTP API."


class PrometheusMetrics:
    """Implements Metrics. `url` is what comes before `/api/v1/`; proxies are taken from the environment.

    `timeout` in seconds for each answer as a whole.
    """

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        self._url, self._timeout = url.rstrip("/"), timeout

    def range(self, query: str, start: datetime, end: datetime, step: float) -> list[Sample]:
        """Raises Rejected where it does not like the query, Denied, or Unreachable."""
        found = self._ask(lambda client: client.custom_query_range(query, start, end, f"{step:g}s"))
        points = found[0].get("values", []) if found and isinstance(found[0], dict) else []
        return [Sample(at, value) for at, value in map(_point, points) if math.isfinite(value)]

    def instant(self, query: str, at: datetime) -> float | None:
        """Raises Rejected where it does not like the query, Denied, or Unreachable."""
        found = self._ask(lambda client: client.custom_query(query, {"time": f"{at.timestamp():.3f}"}))
        if len(found) == 2 and not isinstance(found[0], dict):  # a scalar is a bare point
            point: Any = found
        elif found:
            point = found[0]["value"]
        else:
            return None
        value = _point(point)[1]
        return value if math.isfinite(value) else None

    def _ask(self, question: Callable[[PrometheusConnect], Any]) -> Sequence[Any]:
        # Imported at the first query: a start without a question should not pay for it.
        from prometheus_api_client import PrometheusConnect
        from urllib3.util.retry import Retry

        retry = Retry(1, backoff_factor=0.1)
        try:
            with punctual.session(self._timeout, retry) as session:
                session.hooks["response"].append(_refuse_errors)
                with PrometheusConnect(self._url, session=session, timeout=self._timeout) as client:
                    answer = question(client)
        except requests.exceptions.JSONDecodeError:
            raise Unreachable(_NOT_PROMETHEUS) from None
        except (requests.Timeout, TimeoutError):
            raise Unreachable("Prometheus did not answer in time. Try a shorter window.") from None
        except (requests.ConnectionError, requests.exceptions.RetryError):
            raise Unreachable("Prometheus cannot be reached. Check PROMETHEUS_URL and that it is up.") from None
        except requests.RequestException as error:
            raise Unreachable(f"Prometheus could not be asked: {type(error).__name__}. Check PROMETHEUS_URL.") from None
        except (ValueError, KeyError, TypeError):
            raise Unreachable(_NOT_PROMETHEUS) from None
        if not isinstance(answer, list):
            raise Unreachable(_NOT_PROMETHEUS)
        return answer


def _refuse_errors(response: requests.Response, *_: object, **__: object) -> None:
    """The client library puts the raw body into its error; this reads Prometheus' own sentence from it first."""
    if response.status_code < 400:
        return
    response.content  # noqa: B018 - read to its end, so that the connection is given back before this raises
    if response.status_code in (401, 403):
        raise Denied("Prometheus refused our credential. Check what PROMETHEUS_URL needs.")
    try:
        told = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        raise Unreachable(f"Prometheus answered {response.status_code}. Check PROMETHEUS_URL.") from None
    if response.status_code in (400, 422):
        raise Rejected(
            f"Prometheus refused the query: {str(told)[:200]}. Check the service's metrics in the catalogue."
        )
    raise Unreachable(f"Prometheus is in trouble ({response.status_code}): {str(told)[:200]}.")


def _point(pair: Any) -> tuple[float, float]:
    try:
        return float(pair[0]), float(pair[1])
    except (TypeError, ValueError, IndexError, KeyError):
        raise Unreachable(_NOT_PROMETHEUS) from None
