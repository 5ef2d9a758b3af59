"""Titles say in people's words what is asked: they stand on cards and on the buttons of suggestions."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from actions.registry import Registry
from actions.verbs import VERBS

WHERE: dict[str, JsonValue] = {"service": "checkout", "environment": "prod"}
DIGEST = f"sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("action", "title"),
    [
        ({"verb": "scale", **WHERE, "replicas": 5}, "Scale checkout in prod"),
        ({"verb": "deploy", **WHERE, "version": "1.4.2"}, "Deploy checkout 1.4.2 in prod"),
        ({"verb": "deploy", **WHERE, "version": DIGEST}, "Deploy checkout sha256:abababababababab… in prod"),
        ({"verb": "rollback", **WHERE, "to": None}, "Roll back checkout in prod"),
        ({"verb": "status", **WHERE}, "Status of checkout in prod"),
        ({"verb": "history", **WHERE}, "History of checkout in prod"),
        ({"verb": "query_logs", **WHERE}, "Logs of checkout in prod"),
        ({"verb": "query_metrics", **WHERE, "metric": "error_rate"}, "Error rate of checkout in prod"),
        ({"verb": "query_metrics", **WHERE, "metric": "latency_p99"}, "p99 of checkout in prod"),
    ],
)
def test_a_title_is_a_phrase_of_people(action: dict[str, JsonValue], title: str) -> None:
    assert Registry(VERBS).parse(action).title == title
