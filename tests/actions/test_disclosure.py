"""L6: what a card's diff shows of a workload, and of what keeps its version."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from actions import disclosure

Json = dict[str, Any]
HEADER: Json = {"httpGet": {"path": "/up", "httpHeaders": [{"name": "X-Check", "value": "canary"}]}}
HOOK: Json = {"preStop": {"exec": {"command": ["bye", "--token=canary"]}}}


@pytest.mark.parametrize(
    "spec",
    [
        {"source": {"plugin": {"env": [{"name": "DSN", "value": "canary"}]}}},
        {"source": {"kustomize": {"patches": [{"patch": "value: canary"}, {"patch": "value: other"}]}}},
        {"patches": [{"patch": "value: canary", "target": {"kind": "Deployment"}}, {"patch": "b"}]},
        {"postRenderers": [{"kustomize": {"patches": [{"patch": "value: canary"}]}}]},
        {"values": {"users": [{"key": "canary"}, {"key": "b"}]}},
        {"source": {"repoURL": "https://deploy:canary@git.example/shop"}},
    ],
)
def test_what_a_keeper_hands_on_is_hidden_wherever_it_stands(spec: Json) -> None:
    """Manifests in patches, a plugin's variables, lists without names, and the password in a repository's address."""
    before, after = ({**copy.deepcopy(spec), "version": version} for version in ("1.0", "1.1"))
    shown = disclosure.settings(before, after), disclosure.settings(after, before)
    assert "canary" not in str(shown)
    assert [side["version"] for side in shown] == ["1.0", "1.1"]


@pytest.mark.parametrize(("part", "probe"), [("livenessProbe", HEADER), ("lifecycle", HOOK)])
def test_a_probe_s_headers_and_a_hook_s_secrets_are_hidden_and_that_they_differ_is_said(part: str, probe: Json) -> None:
    """They stand beside the image in a diff, and a rollback brings others back."""

    def pod(text: str) -> Json:
        told = json.loads(json.dumps(probe).replace("canary", text))
        return {"containers": [{"name": "app", part: told}]}

    same = disclosure.pods(pod("canary"), pod("canary"), "now")
    other = disclosure.pods(pod("canary"), pod("canary-of-old"), "now")
    assert "canary" not in str((same, other))
    assert "hidden" in str(same)
    assert "now" not in str(same)
    assert "now)" in str(other)
