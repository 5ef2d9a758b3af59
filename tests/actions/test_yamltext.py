"""What people read as YAML is YAML, and says what the object says."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from actions import yamltext

_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
_KEYS = st.text(max_size=10)
_VALUES = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3))
_DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "metadata": {"name": "checkout", "labels": {}, "annotations": {"a.b/c": "1", "on": "off"}},
    "spec": {
        "replicas": 3,
        "paused": False,
        "template": {"spec": {"containers": [{"name": "app", "args": ["-x", "a: b"], "env": []}], "node": None}},
    },
}


@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_a_reader_of_yaml_gets_back_what_was_written(value: dict[str, Any]) -> None:
    text = "\n".join(yamltext.lines(value))
    assert (yaml.safe_load(text) or {}) == value


def test_it_looks_as_pyyaml_writes_it() -> None:
    assert list(yamltext.lines(_DEPLOYMENT)) == yaml.safe_dump(_DEPLOYMENT, sort_keys=True).splitlines()
