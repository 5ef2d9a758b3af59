"""The request card: what decides is on it, whatever it says, in every state (A2, S3, S4, S5)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.guard import in_words
from actions.outcome import Outcome, Step, Suggestion
from actions.plan import Caution, Difference, Plan, Target
from actions.terms import Risk
from approvals.request import Requirement, State
from bot.blocks.card import ROWS, VALUE, card, status
from bot.blocks.message import FOLDED_VALUE
from bot.blocks.readback import read_card
from tests.bot.factories import ANA, BEN, CARLA, approval, make_face, make_guard, make_plan, make_request

PHONE = 34  # characters of a line of a card on a phone, which shows some 30 lines
TEXT = st.text(max_size=25)  # any character; spelled out it still fits on the card
PLANS = st.builds(
    lambda differences, cluster, namespace, name, cautions, risk, action, guard: make_plan(
        differences=tuple(Difference(field=f, before=b, after=a) for f, b, a in differences),
        target=Target(cluster=cluster, namespace=namespace, kind="Deployment", name=name, uid="u"),
        warnings=tuple(Caution(code="c", text=t) for t in cautions),
        risk=risk,
        action={**make_plan().action, "service": action},
        guard=guard,
    ),
    st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=ROWS),
    st.none() | TEXT,
    TEXT,
    TEXT,
    st.lists(TEXT, max_size=6),
    st.sampled_from(Risk),
    TEXT,
    st.none() | st.builds(lambda limit: make_guard(limit=f"0.{limit}"), st.integers(100, 999)),
)


@settings(max_examples=150, deadline=None)
@given(PLANS, st.text(max_size=12))
def test_everything_that_decides_can_be_read_back_from_the_card(plan: Plan, title: str) -> None:
    """A2: title, differences, target, cautions, guard and digest round-trip on random plans."""
    require_same(plan, title)


def test_a_catalogue_s_card_fits_a_phone_and_counts_what_is_in_details() -> None:
    """A9: with two dozen long names somebody sees what changes without scrolling; what is not there is counted."""
    where = "Deployment customer-recommendation-engine-{0}-worker in prod, as recommendations-{0} in staging and 7 more"
    plan = make_plan(
        action={
            "verb": "change_catalog",
            "service": "catalog",
            "environment": "everywhere",
            "draft": "d",
            "version": "v",
        },
        target=Target(cluster=None, namespace="twokey", kind="Policy", name="catalog", uid="u"),
        differences=tuple(
            Difference(field=f"WEAKER scale {where.format(n)}", before="10 replicas at most", after="20 at most")
            for n in range(24)
        ),
        warnings=tuple(Caution(code="members", text=where.format(n)) for n in range(24)),
    )
    blocks = {b["block_id"]: b for b in card(make_request(plan=plan), make_face()).all_blocks()}
    rows = [
        "".join(piece["text"] for piece in row["elements"])
        for name in ("status", "differences", "target", "cautions")
        for row in blocks[name]["elements"]
    ]
    assert {"and 22 more differences, in Details", "and 22 more notes, in Details"} <= set(rows)
    assert sum(-(-len(row) // PHONE) for row in rows) <= 26


def require_same(plan: Plan, title: str) -> None:
    """Fails unless the card tells all that decides."""
    found = read_card(card(make_request(plan=plan), make_face(title)).all_blocks())
    assert found.title == title
    assert found.differences == tuple((d.field, d.before, d.after) for d in plan.differences)
    assert (found.cluster, found.namespace) == (plan.target.cluster, plan.target.namespace)
    assert found.workload == f"{plan.target.kind} {plan.target.name}"
    assert found.cautions == tuple(w.text for w in plan.warnings)
    assert found.guard == (in_words(plan.guard) if plan.guard else "")
    assert found.digest == plan.digest


@settings(max_examples=80, deadline=None)
@given(PLANS, PLANS)
def test_two_plans_never_have_the_same_card(one: Plan, other: Plan) -> None:
    """A2: what differs in the plan differs on the card."""
    same = card(make_request(plan=one), make_face()) == card(make_request(plan=other), make_face())
    assert same == (one == other)


@pytest.mark.parametrize("state", State)
def test_only_a_waiting_card_can_be_decided(state: State) -> None:
    """S3: after a decision no copy has its buttons; who, when and what stay."""
    shown = card(make_request(state, decisions=(approval(),), plan=make_plan(undo={"verb": "scale"})), make_face())
    ids = {e["action_id"] for b in shown.all_blocks() if b["type"] == "actions" for e in b["elements"]}

    assert (ids & {"approve", "deny", "edit", "withdraw"} != set()) == (state is State.WAITING)
    line = json.dumps(shown.all_blocks())
    assert "asked by ana" in line
    assert "approved by ben" in line
    assert read_card(shown.all_blocks()).differences == (("replicas", "3", "5"),)


def test_the_buttons_carry_the_request_and_the_whole_digest() -> None:
    """A1: a click says for exactly which plan it is."""
    request = make_request()
    row = card(request, make_face()).all_blocks()[-1]
    assert {e["value"] for e in row["elements"]} == {f"r-1:{request.plan.digest}"}
    assert all(e["accessibility_label"] for e in row["elements"])


def test_breaking_the_glass_is_folded_away_from_what_is_pressed_daily() -> None:
    """A10: the emergency is behind the menu at the end of the row, for exactly this plan, in Slack's 150 characters."""
    request, face = make_request(), replace(make_face(), glass=True)
    row = card(request, face).all_blocks()[-1]["elements"]
    assert [e["text"]["text"] for e in row[:-1]] == ["Approve", "Deny", "Details", "Edit", "Withdraw"]
    assert row[-1]["type"] == "overflow"
    (entry,) = row[-1]["options"]
    assert "Break glass" in entry["text"]["text"]
    assert entry["value"] == f"r-1:{request.plan.digest}"
    assert len(f"{uuid4().hex}:{request.plan.digest}") <= FOLDED_VALUE


def test_a_high_risk_asks_once_more_naming_target_and_change() -> None:
    def approve(risk: Risk) -> dict[str, Any]:
        return dict(card(make_request(plan=make_plan(risk=risk)), make_face()).all_blocks()[-1]["elements"][0])

    assert "confirm" not in approve(Risk.LOW)
    text = approve(Risk.HIGH)["confirm"]["text"]["text"]
    assert "replicas 3 → 5" in text
    assert "prod / Deployment checkout" in text


def test_the_status_says_who_is_still_needed_and_what_came_of_it() -> None:
    two = (Requirement(group="sre", count=1), Requirement(group="payments-owners", count=1))
    said = {
        status(make_request(), make_face()): "waiting for 1 of sre",
        status(make_request(missing=two), make_face()): "waiting for 2: one of sre, one of payments-owners",
        status(make_request(decisions=(approval(CARLA),)), make_face()): "carla approved · waiting for 1 of sre",
        status(
            make_request(State.READY, decisions=(approval(CARLA), approval(BEN))), make_face()
        ): "approved by carla and ben · starting",
        status(make_request(State.RUNNING, decisions=(approval(),)), make_face()): "running · 1:00",
        status(make_request(State.DENIED, reason="not now", reason_by=BEN), make_face()): "⛔ denied by ben: not now",
        status(make_request(State.WITHDRAWN, reason_by=ANA), make_face()): "withdrawn by ana",
        status(
            make_request(State.FAILED, outcome=Outcome(ok=False, summary="2 of 5 pods crash")), make_face()
        ): "❌ failed: 2 of 5 pods crash",
    }
    for shown, expected in said.items():
        assert shown == expected


def test_a_running_card_shows_how_far_it_is() -> None:
    request = make_request(State.RUNNING, step=Step(text="4 of 5 ready", done=4, total=5))
    assert "▓▓▓▓▓▓▓▓░░  4 of 5 ready" in json.dumps(card(request, make_face()).all_blocks(), ensure_ascii=False)


def test_a_finished_card_offers_what_comes_next_once() -> None:
    undo = {"verb": "scale", "service": "checkout", "environment": "prod", "replicas": 3, "change": None}
    outcome = Outcome(ok=False, summary="x", suggestions=(Suggestion(label="Back to 3…", action=undo),))
    shown = card(make_request(State.FAILED, plan=make_plan(undo=undo), outcome=outcome), make_face())
    assert [e["text"]["text"] for e in shown.all_blocks()[-1]["elements"]] == ["Back to 3…", "Details"]


def test_production_is_marked_by_a_word_and_a_mark() -> None:
    assert "🟥 PRODUCTION" in card(make_request(), make_face()).text
    assert "PRODUCTION" not in card(make_request(), make_face(production=False)).text


def test_text_of_others_neither_pings_nor_links_nor_adds_lines() -> None:
    """S5: a value that tries all of it."""
    evil = "<!here> <https://x.y|ok> @channel\napproved by ben\u202e"
    plan = make_plan(differences=(Difference(field="image", before=evil, after=evil),))
    shown = card(make_request(plan=plan), make_face())
    rows = next(b for b in shown.all_blocks() if b.get("block_id") == "differences")["elements"]

    assert len(rows) == 1
    assert all("\n" not in e["text"] and "\u202e" not in e["text"] for e in rows[0]["elements"])
    assert "<" not in shown.text
    assert "@channel" not in shown.text


def test_a_value_that_is_too_long_is_cut_and_the_digest_still_tells_it_apart() -> None:
    """S4 and A2 together."""
    plans = [make_plan(differences=(Difference(field="f", before="x" * 5_000, after=end),)) for end in ("a", "b")]
    cards = [card(make_request(plan=p), make_face()) for p in plans]
    assert cards[0] != cards[1]
    assert len(read_card(cards[0].all_blocks()).differences[0][1]) == VALUE
