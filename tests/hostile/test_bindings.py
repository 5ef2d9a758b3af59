"""A1 and A2 over many random plans: every field is bound by the digest, and the card reads back to the plan."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.guard import in_words
from actions.plan import Caution, Difference, Patch, Plan, Precondition, Target
from actions.terms import Risk
from bot.blocks.card import card
from bot.blocks.readback import read_card
from tests.bot.factories import make_face, make_guard, make_plan, make_request
from tests.bot.test_card import require_same

SOME = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))

# Names that look like others, directions turned over, blanks that nobody sees, pings, links, and lines of a card.
ODD = [
    "сheckout",
    "check\u200bout",
    "checkout\u202e5",
    "pro\u00add",
    "ｐrod",
    "prod ",
    " prod",
    "\u2066prod\u2069",
    "<!here>",
    "a → b",
    "3\n5",
    "",
    "(empty)",
    "\\n",
    "\\U0000202e",
    "\ud800",
    "e\u0301",
    "é",
    "\x00",
    "\ufeff",
    "ﬁ",
    "Ⅷ",
    "`digest`",
    "a\u2028b",
    "\u3164",
]
TRICKS = st.sampled_from(ODD)
TEXT = TRICKS | st.text(max_size=12)
PLANS = st.builds(
    lambda differences, target, cautions, risk, service, facts, version: make_plan(
        differences=tuple(Difference(field=f, before=b, after=a) for f, b, a in differences),
        target=Target(cluster=target[0], namespace=target[1], kind=target[2], name=target[3], uid=target[4]),
        warnings=tuple(Caution(code="c", text=t) for t in cautions),
        risk=risk,
        action={**make_plan().action, "service": service},
        facts=tuple(facts),
        policy_version=version,
    ),
    st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=4),
    st.tuples(st.none() | TEXT, TEXT, st.sampled_from(["Deployment", "StatefulSet", "DaemonSet"]), TEXT, TEXT),
    st.lists(TEXT, max_size=2),
    st.sampled_from(Risk),
    TEXT,
    st.lists(TEXT, max_size=3),
    st.text(max_size=8),
)


@SOME
@given(PLANS, TRICKS | st.text(max_size=12))
def test_a_card_reads_back_to_its_plan(plan: Plan, title: str) -> None:
    """A2: title, differences, target, cautions and the whole digest, whatever characters they are made of."""
    require_same(plan, title)


@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_cards_read_back_to_their_plans(seed: int) -> None:
    """A2: the same, ten times a thousand, without the cost of hypothesis's search; the seed tells which."""
    chance = Random(seed)  # noqa: S311 - random plans, no secrets

    def text() -> str:
        if chance.random() < 0.4:
            return chance.choice(ODD)
        return "".join(chr(chance.choice((chance.randrange(0x20, 0x7F), chance.randrange(0x3000)))) for _ in range(8))

    for _ in range(1_000):
        differences = [Difference(field=text(), before=text(), after=text()) for _ in range(chance.randrange(4))]
        place = Target(cluster=text(), namespace=text(), kind="Deployment", name=text(), uid=text())
        cautions = [Caution(code="c", text=text()) for _ in range(chance.randrange(3))]
        plan = make_plan(differences=tuple(differences), target=place, warnings=tuple(cautions), risk=Risk.LOW)
        require_same(plan, text())


@SOME
@given(PLANS, st.data())
def test_changing_any_leaf_of_a_plan_changes_its_digest(plan: Plan, data: st.DataObject) -> None:
    """A1: every field, however deep, is bound; a plan that says the same has the same digest."""
    told = plan.model_dump(mode="json")
    assert Plan.model_validate(json.loads(json.dumps(told))).digest == plan.digest
    path = data.draw(st.sampled_from(sorted(_leaves(told), key=str)))
    changed = _replaced(told, path)
    assert changed != told
    try:
        other = Plan.model_validate(changed)
    except ValueError:
        return  # it is no plan any more, so nothing runs it
    assert other.digest != plan.digest


def test_every_field_that_a_plan_can_have_is_bound() -> None:
    """A1: also the ones that are empty in most plans; a new field of Plan has to be thought of here."""
    offers = {"label": "Set its minimum instead", "action": {"verb": "scale"}}
    whole = make_plan(
        facts=("image 1",),
        diff="-a\n+b",
        warnings=(
            Caution.model_validate(
                {"code": "c", "text": "t", **({"instead": offers} if "instead" in Caution.model_fields else {})}
            ),
        ),
        undo={"verb": "rollback", "to": 3},
        preconditions=(Precondition(path="metadata.uid", value="u"), Precondition(path="spec.replicas", value=3)),
        patch=Patch(body={"spec": {"template": {"spec": {"containers": [{"image": "a"}]}}}}),
        guard=make_guard(),
    )
    told = whole.model_dump(mode="json")
    assert {str(path[0]) for path in _leaves(told)} == set(Plan.model_fields), "a field without a value in this test"
    for path in _leaves(told):
        changed = _replaced(told, path)
        try:
            other = Plan.model_validate(changed)
        except ValueError:
            continue
        assert other.digest != whole.digest, path


@SOME
@given(PLANS, st.data())
def test_every_way_to_change_a_guard_is_bound_and_what_decides_of_it_reads_back(
    plan: Plan, data: st.DataObject
) -> None:
    """A1, A2: metric, query, limit, window and the rollback that it would run; the card has its line."""
    guarded = Plan.model_validate({**plan.model_dump(mode="json"), "guard": make_guard().model_dump(mode="json")})
    assert guarded.digest != plan.digest
    path = data.draw(st.sampled_from(sorted(_leaves(guarded.model_dump(mode="json")["guard"]), key=str)))
    try:
        other = Plan.model_validate(_replaced(guarded.model_dump(mode="json"), ("guard", *path)))
    except ValueError:
        return
    assert other.digest != guarded.digest
    assert read_card(card(make_request(plan=guarded), make_face()).all_blocks()).guard == in_words(make_guard())


@SOME
@given(TEXT, TEXT)
def test_two_values_never_look_the_same_unless_they_are(one: str, other: str) -> None:
    """A2: nothing invisible, nothing that turns the direction of the line, no line of its own."""

    def shown(value: str) -> list[dict[str, Any]]:
        plan = make_plan(differences=(Difference(field="image", before="1", after=value),))
        blocks = card(make_request(plan=plan), make_face()).all_blocks()
        return [b for b in blocks if b.get("block_id") == "differences"]

    assert (shown(one) == shown(other)) == (one == other)
    texts = [e["text"] for e in shown(one)[0]["elements"][0]["elements"]]
    assert not [c for text in texts for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path


def _replaced(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return _other(value)
    copied = value.copy()
    copied[path[0]] = _replaced(value[path[0]], path[1:])
    return copied


def _other(leaf: Any) -> Any:
    if isinstance(leaf, bool) or leaf is None or leaf == [] or leaf == {}:
        return {True: False, False: True}.get(leaf, "x") if isinstance(leaf, bool) else "x"
    return leaf + 1 if isinstance(leaf, int) else f"{leaf}x"
