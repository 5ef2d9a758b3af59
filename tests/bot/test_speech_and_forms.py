"""Words as they were typed, and forms made from the actions' own fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import JsonValue

from actions import catalog
from actions.action import Action
from actions.registry import Registry
from actions.verbs import VERBS
from actions.verbs.deploy import Deploy
from actions.verbs.query_metrics import QueryMetrics
from actions.verbs.rollback import Rollback
from actions.verbs.scale import Scale
from bot import forms, speech

REGISTRY = Registry(VERBS)
CATALOG = catalog.load(Path(__file__).parents[2] / "bot" / "playground" / "catalog.yaml")


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("<@U0TWOKEY> scale cart to 2", "scale cart to 2"),
        ("<@U0TWOKEY|twokey> a &lt;b&gt; &amp; c", "a <b> & c"),
        ("hey <@U0TWOKEY> status of <http://cart.io|cart.io>", "hey  status of cart.io"),
        ("<@U0BEN|ben> said <#C0OPS|ops> <!here> <!subteam^S1|@sre>", "@ben said #ops @here @sre"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_the_words_are_those_that_were_typed(sent: str, typed: str) -> None:
    assert speech.words(sent, "U0TWOKEY") == typed


@pytest.mark.parametrize("said", ["help", "Hello!", "", "What can you do?"])
def test_help_is_asked_in_many_ways(said: str) -> None:
    assert speech.is_help(said)


def test_a_sentence_with_thanks_in_it_is_not_only_thanks() -> None:
    assert speech.is_thanks("Thanks :)")
    assert not speech.is_thanks("thanks, now restart cart in prod")


def test_a_form_has_every_argument_with_what_is_known() -> None:
    found = {f.name: f for f in forms.fields(Scale, {"service": "payments", "replicas": 3}, CATALOG)}
    assert found["replicas"].value == "3"
    assert found["environment"].choices == ("prod", "staging")
    assert not found["environment"].optional
    assert found["change"].hint


def test_what_only_a_button_sets_is_in_no_form_and_survives_its_correction() -> None:
    """R6: a form can neither show nor set it; correcting the number leaves the change what it was."""
    so_far: dict[str, JsonValue] = {
        "verb": "scale", "service": "cart", "environment": "prod", "replicas": 5, "autoscaler": "minimum"
    }  # fmt: skip
    assert "autoscaler" not in [field.name for field in forms.fields(Scale, so_far, CATALOG)]
    values = {"service": "cart", "environment": "prod", "replicas": "6", "autoscaler": "maximum"}
    corrected = {**forms.partial("scale", values, REGISTRY), **forms.kept(Scale, so_far)}
    assert corrected == {**so_far, "replicas": 6}


def test_a_menu_of_fixed_values_is_offered_as_one() -> None:
    found = {f.name: f for f in forms.fields(QueryMetrics, {}, CATALOG)}
    assert "latency_p99" in found["metric"].choices


def test_what_is_filled_in_is_an_action_again() -> None:
    values = {"service": "cart", "environment": "prod", "replicas": "4", "change": ""}
    assert REGISTRY.parse(forms.partial("scale", values, REGISTRY)) == Scale(
        service="cart", environment="prod", replicas=4
    )
    assert forms.partial("rollback", {"to": "12"}, REGISTRY)["to"] == 12
    assert forms.partial("rollback", {"to": "1.4"}, REGISTRY)["to"] == "1.4"


def test_the_first_missing_argument_is_asked_for_first() -> None:
    assert forms.first_missing(Rollback, {"environment": "prod"}) == "service"
    assert forms.first_missing(Rollback, {"environment": "prod", "service": "cart"}) is None


@pytest.mark.parametrize(
    ("verb", "values", "wrong"),
    [
        (Scale, {"replicas": "many"}, {"replicas": "It has to be a whole number, like 5."}),
        (Scale, {"replicas": "-3"}, {"replicas": "It has to be 0 or more."}),
        (
            Scale,
            {"change": "lots"},
            {"change": "I cannot read that. I take +2, -1, x1.5 or 50%, instead of a number of replicas."},
        ),
        (Scale, {}, {"change": "Say either a number of replicas or a change, and not both."}),
        (
            Rollback,
            {"to": "a b"},
            {"to": "I cannot read that. I take a revision's number or a version; empty for the one before."},
        ),
        (Deploy, {"version": "-- 1"}, {"version": "I cannot read that. I take a tag, or sha256:…"}),
        (Rollback, {"to": "0"}, {"to": "It has to be 1 or more."}),
        (
            QueryMetrics,
            {"metric": "cpu", "window": "soon"},
            {
                "window": '"soon" is no stretch of time up to now; write it like 30m, 2h, 7d, today, since monday or '
                "since 14:00."
            },
        ),
        (QueryMetrics, {}, {"metric": "It is missing."}),
        (
            Scale,
            {"replicas": "-3", "change": "lots"},
            {
                "replicas": "It has to be 0 or more.",
                "change": "I cannot read that. I take +2, -1, x1.5 or 50%, instead of a number of replicas.",
            },
        ),
        (
            Deploy,
            {"service": "", "version": "-- 1"},
            {"service": "It is missing.", "version": "I cannot read that. I take a tag, or sha256:…"},
        ),
    ],
)
def test_what_is_wrong_stands_beside_its_field_in_a_sentence_of_ours(
    verb: type[Action], values: dict[str, str], wrong: dict[str, str]
) -> None:
    """Nobody has to know what the words of the library that checks it mean."""
    filled = forms.partial(verb.verb, {"service": "cart", "environment": "prod", **values}, REGISTRY)
    assert forms.complaints(verb, REGISTRY.wrong(filled)) == wrong
