"""The three kinds of patches, and selectors, as pure functions."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.town import patching, selectors
from bot.playground.town.problems import Problem
from tests.contract.test_kubernetes import JSON, MERGE, STRATEGIC

OBJECT: dict[str, Any] = {
    "metadata": {"labels": {"a": "1", "b": "2"}, "finalizers": ["x"]},
    "spec": {
        "args": ["one", "two"],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "a/b": {"~": 1},
    },
}


def spec(**changed: Any) -> dict[str, Any]:
    return {**OBJECT, "spec": {**OBJECT["spec"], **changed}}


@pytest.mark.parametrize(
    ("content_type", "patch", "expected"),
    [
        (MERGE, {"spec": {"args": ["three"]}}, spec(args=["three"])),
        (MERGE, {"spec": {"env": None, "args": None, "a/b": None}}, {**OBJECT, "spec": {}}),
        (STRATEGIC, {"spec": {"args": ["three"]}}, spec(args=["three"])),
        (
            STRATEGIC,
            {"spec": {"env": [{"name": "C", "value": "3"}]}},
            spec(env=[{"name": "C", "value": "3"}, *OBJECT["spec"]["env"]]),  # as a real API server does
        ),
        (STRATEGIC, {"spec": {"env": [{"name": "A", "$patch": "delete"}]}}, spec(env=[{"name": "B", "value": "2"}])),
        (STRATEGIC, {"spec": {"env": [{"$patch": "replace"}, {"name": "C"}]}}, spec(env=[{"name": "C"}])),
        (STRATEGIC, {"spec": {"$setElementOrder/env": [{"name": "A"}], "env": []}}, OBJECT),
        (STRATEGIC, {"spec": {"$patch": "replace", "args": ["z"]}}, {**OBJECT, "spec": {"args": ["z"]}}),
        (STRATEGIC, {"spec": {"$retainKeys": ["args"]}}, {**OBJECT, "spec": {"args": ["one", "two"]}}),
        (JSON, [{"op": "add", "path": "/spec/args/-", "value": "three"}], spec(args=["one", "two", "three"])),
        (JSON, [{"op": "add", "path": "/spec/args/0", "value": "zero"}], spec(args=["zero", "one", "two"])),
        (JSON, [{"op": "remove", "path": "/spec/args/1"}], spec(args=["one"])),
        (JSON, [{"op": "replace", "path": "/spec/a~1b/~0", "value": 2}], spec(**{"a/b": {"~": 2}})),
        (JSON, [{"op": "move", "from": "/spec/args/0", "path": "/spec/args/-"}], spec(args=["two", "one"])),
        (JSON, [{"op": "copy", "from": "/spec/args/0", "path": "/spec/args/-"}], spec(args=["one", "two", "one"])),
        (JSON, [{"op": "test", "path": "/spec/args/0", "value": "one"}], OBJECT),
    ],
)
def test_a_patch_gives_the_object_it_describes(content_type: str, patch: Any, expected: Any) -> None:
    assert patching.apply(content_type, OBJECT, patch) == expected


@pytest.mark.parametrize(
    ("content_type", "patch", "problem"),
    [
        (STRATEGIC, [], patching.NoPatch),
        (JSON, {}, patching.NoPatch),
        (JSON, [{"op": "jump", "path": "/spec"}], patching.NoPatch),
        (JSON, [{"op": "add", "path": "spec", "value": 1}], patching.NoPatch),
        (JSON, [{"op": "test", "path": "/spec/args/0", "value": "two"}], patching.PatchRefused),
        (JSON, [{"op": "replace", "path": "/spec/nope", "value": 1}], patching.PatchRefused),
        (JSON, [{"op": "remove", "path": "/spec/args/7"}], patching.PatchRefused),
        (JSON, [{"op": "replace", "path": "", "value": 1}], patching.PatchRefused),
        (STRATEGIC, {"spec": {"env": [{"value": "no name"}]}}, patching.PatchRefused),
        (STRATEGIC, {"spec": {"env": ["no object"]}}, patching.PatchRefused),
    ],
)
def test_what_is_no_patch_or_does_not_fit_is_refused_whole(
    content_type: str, patch: Any, problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        patching.apply(content_type, OBJECT, patch)


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("a=1,b==2", True),
        ("a!=1", False),
        ("a in (1, 2), c notin (3)", True),
        ("a", True),
        ("!a", False),
        ("c", False),
        ("", True),
    ],
)
def test_labels_are_selected_by_equality_by_set_and_by_presence(selector: str, matches: bool) -> None:
    assert selectors.labels(selector)(OBJECT) is matches


@pytest.mark.parametrize("selector", ["a=1=2 3", "in (x)", "a,,=b"])
def test_what_is_no_selector_is_a_bad_request(selector: str) -> None:
    with pytest.raises(Problem) as error:
        selectors.labels(selector)
    assert error.value.code == 400


def test_fields_that_cannot_be_selected_on_are_a_bad_request() -> None:
    with pytest.raises(Problem) as error:
        selectors.fields("spec.replicas=3", "deployments")
    assert error.value.message == "field label not supported: spec.replicas"
