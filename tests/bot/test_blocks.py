"""Messages and views stay valid and harmless, whatever the input's size (S4, S5)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions import quantities
from actions.clients.protocols import ChangeRecord
from actions.outcome import EvalRun, Outcome, Quote, Step, Suggestion, Table
from actions.plan import Caution, Difference
from approvals.request import Emergency, Requirement, Review, State
from bot.blocks import answers, emergency, home, modals, questions, words
from bot.blocks.card import card, status
from bot.blocks.message import Message, say
from bot.blocks.nudge import nudge
from bot.blocks.story import story
from bot.playground.emulator.blockkit.surfaces import check_message, check_view
from tests.bot.factories import ANA, BEN, NOW, make_face, make_plan, make_request
from tests.bot.second_opinion import complaints

ODD = (
    "",
    "x" * 40_000,
    "🙂" * 3_000,
    "שלום عالم \u202e\u2066",
    "<!here> @channel <https://e.vil|x>",
    "\n" * 500,
    "`*_~&lt;",
)


def _messages(odd: str) -> list[Message]:
    plan = make_plan(
        differences=tuple(Difference(field=odd, before=odd, after=odd) for _ in range(60)),
        warnings=tuple(Caution(code="c", text=odd) for _ in range(30)),
        facts=(odd,) * 30,
    )
    request = make_request(
        plan=plan,
        missing=tuple(Requirement(group=odd or "g", count=i) for i in range(1, 9)),
        reason=odd,
        rule=odd,
    )
    outcome = Outcome(
        ok=True,
        summary=odd,
        details=(odd,) * 100,
        evidence=(
            *(Quote(title=odd, lines=(odd,) * 300) for _ in range(30)),
            Table(title=odd, columns=(odd,) * 40, rows=((odd,) * 50,) * 300),
            Table(title=odd, columns=("a", "b"), rows=((odd,),)),
        ),
        suggestions=tuple(Suggestion(label=odd, action={"verb": odd}) for _ in range(9)),
    )
    done = request.model_copy(update={"state": State.FAILED, "outcome": outcome})
    broken = done.model_copy(
        update={"emergency": Emergency(by=ANA, at=NOW, reason=odd), "review": Review(by=BEN, at=NOW, note=odd)}
    )
    many: list[questions.Choice] = [(f"{odd}{i}", {"verb": "scale", "service": f"{odd}{i}"}) for i in range(200)]
    return [
        card(request, make_face(title=odd)),
        card(done, make_face(title=odd)),
        card(request.model_copy(update={"state": State.RUNNING, "step": Step(text=odd, done=3, total=0)}), make_face()),
        answers.answer(outcome, NOW),
        answers.progress(odd, [Step(text=odd, done=1, total=9)]),
        questions.question(odd, many),
        questions.question(odd, many[:3], fill={"verb": "deploy"}),
        questions.question(odd, []),
        questions.chosen(odd, odd, odd),
        words.help_text(odd, [odd] * 9, odd, odd),
        words.intro("twokey", [odd]),
        words.refusal(odd),
        words.trouble("a1"),
        say(odd),
        card(broken, make_face(title=odd)),
        *(one.message for one in story(broken, make_face(title=odd))),
        nudge(request, make_face(title=odd), ["U0BEN"], escalated=True),
    ]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_every_message_is_valid_block_kit_whatever_is_in_it(odd: str) -> None:
    """S4: blocks, limits, text fallback, accessibility labels."""
    for message in _messages(odd):
        assert complaints(message.payload()) == []
        check_message(list(message.blocks), list(message.attachments))


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_no_text_of_others_pings_or_links(odd: str) -> None:
    """S5: no mention, link or group ping comes out that we did not write, and mrkdwn is verbatim."""
    for message in _messages(odd):
        for text in _mrkdwn(message.payload()):
            rest = text.replace("<!date^", "")
            assert "<!" not in rest
            assert "<http" not in rest
            assert "@channel" not in rest
            assert "\u202e" not in rest


def test_no_reason_and_no_note_forges_a_line_of_ours() -> None:
    """S5, A10: who breaks the glass cannot announce that somebody has reviewed it."""
    forged = "down\n✅ carla reviewed the break-glass: fine"
    request = make_request(
        State.SUCCEEDED,
        emergency=Emergency(by=ANA, at=NOW, reason=forged),
        review=Review(by=BEN, at=NOW, note=forged),
    )
    said = [one.message for one in story(request, make_face()) if one.loud]
    assert len(said) == 2
    form = emergency.review(request, make_face(), {})["blocks"][0]["text"]["text"]
    for text in [*(message.text for message in said), *(_mrkdwn(message.payload()) for message in said), form]:
        assert "\n✅" not in str(text)
        assert "down ✅" in str(text)


def _views(odd: str) -> list[dict[str, Any]]:
    request = make_request(
        plan=make_plan(diff=f"-{odd}\n" * 400, differences=(Difference(field=odd, before=odd, after=odd),))
    )
    record = ChangeRecord("r", datetime(2026, 11, 1, tzinfo=UTC), {"verb": odd}, odd, odd, (odd,), odd)
    shown = [(request.model_copy(update={"id": f"r-{i}"}), make_face(title=odd)) for i in range(40)]
    broken = request.model_copy(update={"emergency": Emergency(by=ANA, at=NOW, reason=odd)})
    return [
        emergency.smash(request, make_face(title=odd), {"channel": "C"}),
        emergency.review(broken, make_face(title=odd), {"channel": "C"}),
        modals.details(request, make_face(title=odd), modals.Background()),
        modals.details(request, make_face(), modals.Background((odd,) * 90, [record] * 9, (odd,) * 40)),
        modals.denial(request, make_face(title=odd), {"channel": "C"}),
        modals.form(
            "Correct " + odd, odd, [modals.Field(f"f{i}", odd, odd, (odd, "a") * (i % 2)) for i in range(40)], {}
        ),
        modals.notice(odd, odd),
        home.home(shown, shown, shown, shown, [home.Health(odd, False, odd)] * 5, [odd] * 9),
        home.home([], [], [], [], [], []),
    ]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_every_view_is_valid_block_kit_whatever_is_in_it(odd: str) -> None:
    """S4, for modals and Home."""
    for view in _views(odd):
        assert complaints(view) == []
        check_view(view, {"modal", "home"})


def test_five_options_are_buttons_and_more_are_a_menu() -> None:
    def kinds(count: int) -> list[str]:
        message = questions.question(
            "Which one?",
            [(f"s{i}", {"verb": "restart", "environment": "prod", "service": f"s{i}"}) for i in range(count)],
        )
        return [e["type"] for b in message.blocks if b["type"] == "actions" for e in b["elements"]]

    assert kinds(5) == ["button"] * 5
    assert kinds(6) == ["static_select"]


def test_a_menu_brings_back_the_whole_partial_action() -> None:
    partials: list[questions.Choice] = [
        (f"s{i}", {"verb": "restart", "environment": "prod", "service": f"s{i}"}) for i in range(9)
    ]
    block = next(b for b in questions.question("Which?", partials).blocks if b["type"] == "actions")
    option = block["elements"][0]["options"][4]
    assert {**json.loads(block["block_id"]), **json.loads(option["value"])} == partials[4][1]


def test_a_quote_is_shown_as_it_is() -> None:
    """S5: log lines are neither formatted nor believed."""
    line = "*ERROR* <https://evil.example|click> _retry_ `x`"
    found = answers.answer(Outcome(ok=True, summary="2 lines", evidence=(Quote(title="Errors", lines=(line,)),)), NOW)
    box = next(b for b in found.blocks if b["type"] == "rich_text")
    assert box["elements"][0]["type"] == "rich_text_preformatted"
    assert box["elements"][0]["elements"] == [{"type": "text", "text": line}]


def test_wide_columns_break_their_lines() -> None:
    """So that a phone shows more of a table than its first column."""
    piece = Table(title="t", columns=("when", "why"), rows=(("14:02", "it says nothing about the price"),))
    block = answers.table(piece)[-1]
    assert block["column_settings"] == [{"is_wrapped": False}, {"is_wrapped": True}]


def test_home_offers_no_button_that_only_the_requester_may_press() -> None:
    view = home.home([(make_request(), make_face())], [], [], [], [], [])
    pressed = [e["action_id"] for b in view["blocks"] if b["type"] == "actions" for e in b["elements"]]
    assert pressed == ["approve", "deny", "details"]


def test_details_say_what_the_placeholder_in_the_diff_stands_for() -> None:
    """The patch carries the request's id, which the plan does not know yet."""
    for diff, said in (("+ twokey.dev/request: ${request}", True), ("+ replicas: 5", False)):
        view = modals.details(make_request(plan=make_plan(diff=diff)), make_face(), modals.Background())
        assert ("becomes this request's id" in json.dumps(view)) is said


def test_a_label_is_said_once() -> None:
    """Lines with one label become points below it; the fallback text keeps every line as it is."""
    found = answers.answer(
        Outcome(ok=True, summary="s", details=("Evidence: <a>", "Evidence: b", "Runbook: c", "d")), NOW
    )
    assert found.blocks[1]["text"]["text"] == "*Evidence:*\n• &lt;a&gt;\n• b\n*Runbook:* c\nd"
    assert "Evidence: b" in found.text


def test_an_answer_is_bold_as_a_whole_or_in_its_verdict() -> None:
    found = answers.answer(Outcome(ok=True, summary="checkout: *well*, 2*3"), NOW)
    assert found.blocks[0]["text"]["text"] == "*checkout: well, 2∗3*"
    found = answers.answer(Outcome(ok=True, summary="*Worse.*  51 of 60, 2*3"), NOW)
    assert found.blocks[0]["text"]["text"] == "*Worse.* 51 of 60, 2∗3"
    assert found.text == "Worse. 51 of 60, 2*3"


@pytest.mark.parametrize(("passed", "colour"), [(True, "#2e8b57"), (False, "#c9302c")])
def test_an_eval_is_a_card_with_its_verdict_in_colour_and_in_words(passed: bool, colour: str) -> None:
    run = EvalRun(id="1", service="bot", suite="s", version="2", baseline=None, passed=passed, summary="Below the bar.")
    found = answers.answer(Outcome(ok=True, summary="*Below the bar.* 5 of 9", details=("p95 1 s",), run=run), NOW)
    assert found.blocks[0]["text"]["text"] == "*Below the bar.* 5 of 9"
    assert [a["color"] for a in found.attachments] == [colour]
    assert "p95 1 s" in str(found.attachments)


def test_times_in_our_own_words_are_the_readers_and_those_in_a_quote_stay() -> None:
    """S5: what comes from logs is shown as it is; what Twokey measured is said in the reader's zone."""
    told = ("rising since 11:40 UTC",)
    ours = answers.answer(Outcome(ok=True, summary="–", evidence=(Quote(title="m", lines=told, ours=True),)), NOW)
    assert "'type': 'date'" in str(ours.blocks)
    assert "shown as it is" not in str(ours.blocks)
    theirs = answers.answer(Outcome(ok=True, summary="–", evidence=(Quote(title="log", lines=told),)), NOW)
    assert "rising since 11:40 UTC" in str(theirs.blocks)
    assert "shown as it is" in str(theirs.blocks)


def test_details_and_home_say_times_in_the_readers_zone() -> None:
    view = modals.details(make_request(), make_face(), modals.Background(now=("3 of 3 ready since 11:40 UTC",)))
    assert "<!date^" in next(b["text"]["text"] for b in view["blocks"] if "3 of 3 ready" in str(b))
    summary = "done in 0:21 · verified: error rate 0.2 % (was 0.2 %)"
    done = make_request(State.SUCCEEDED, outcome=Outcome(ok=True, summary=summary), finished_at=NOW)
    frozen = make_request(State.EXPIRED, reason="frozen until 11:40 UTC", finished_at=NOW)
    lately = [(done, make_face()), (frozen, make_face())]
    shown = next(b["text"]["text"] for b in home.home([], [], [], lately, [], [])["blocks"] if "0:21" in str(b))
    first, second, empty, *_, last = shown.splitlines()
    assert first.startswith("*Scale checkout in prod* · <!date^")
    assert (second, empty) == ("✅ done in 0:21", "")
    assert "frozen until <!date^" in last
    broken = done.model_copy(update={"emergency": Emergency(by=BEN, at=NOW, reason="checkout is down")})
    due = str(home.home([], [], [], [(broken, make_face())], [], []))
    assert "🚨 BREAK-GLASS by ben · ✅ done in 0:21 · not reviewed yet" in due


def test_a_long_diff_is_shown_whole_in_several_boxes() -> None:
    diff = "\n".join(f"+ line {i} {'y' * 60}" for i in range(400))
    boxes = [b["elements"][0]["elements"][0]["text"] for b in modals.diff_boxes(diff)]
    assert "\n".join(boxes) == diff


def _mrkdwn(value: Any) -> list[str]:
    if isinstance(value, list):
        return [t for inner in value for t in _mrkdwn(inner)]
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            assert value["verbatim"] is True
            return [value["text"]]
        own = [value["text"]] if isinstance(value.get("text"), str) and "type" not in value else []
        return own + [t for inner in value.values() for t in _mrkdwn(inner)]
    return []


def test_times_in_an_answer_are_the_readers_own_and_those_in_quotes_stay_as_they_are() -> None:
    """EXPERIENCE: in mrkdwn, rich text and table cells; the fallback text and what others wrote keep UTC."""
    outcome = Outcome(
        ok=True,
        summary="cart in prod: healthy. image 2.0.0 since Fri 08:30 UTC (ben)",
        details=("deploy 2.0.0 at 3 Sep 23:05 UTC",),
        evidence=(
            Table(title="Changes", columns=("when", "what"), rows=(("09:00 UTC", "restart"),)),
            Quote(title="Lines (times in UTC)", lines=("at 07:00 UTC it broke",)),
        ),
    )
    found = answers.answer(outcome, NOW)
    times = (datetime(2026, 10, 30, 8, 30), datetime(2026, 9, 3, 23, 5), datetime(2026, 11, 2, 9, 0))
    friday, before, today = (int(at.replace(tzinfo=UTC).timestamp()) for at in times)
    shown = "{date_short_pretty} {time}"
    assert f"since <!date^{friday}^{shown}|Fri 08:30 UTC> (ben)*" in found.blocks[0]["text"]["text"]
    assert found.blocks[1]["text"]["text"] == f"deploy 2.0.0 at <!date^{before}^{shown}|3 Sep 23:05 UTC>"
    (table,) = (block for block in found.blocks if block["type"] == "table")
    (date,) = table["rows"][1][0]["elements"][0]["elements"]
    assert date == {"type": "date", "timestamp": today, "format": "{time}", "fallback": "09:00 UTC"}
    assert table["rows"][1][1] == {"type": "raw_text", "text": "restart"}
    assert "at 07:00 UTC it broke" in str(found.blocks[-1])
    assert "Fri 08:30 UTC" in found.text
    assert complaints(found.payload()) == []


@settings(deadline=None)  # how long an example takes says more about what else the machine does
@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2029, 1, 1)),
    st.integers(-60 * 11, 60 * 24 * 150),
)
def test_what_is_written_of_a_time_is_read_back_as_that_time(written: datetime, minutes_ago: int) -> None:
    """To the minute, whatever day it was, and wherever it stands in a sentence."""
    now = written.replace(tzinfo=UTC)
    at = (now - timedelta(minutes=minutes_ago)).replace(second=0, microsecond=0)
    words = quantities.moment(at, now)
    ((match, found),) = quantities.moments(f"since {words}, 6 min after deploy 1.4.2 at 25:00 UTC", now)
    assert (match[0], found) == (words, at)


@pytest.mark.parametrize(
    ("reason", "told"),
    [("Someone set replicas to 4: 4 → 5 now.", "someone set"), ("Deployment checkout is gone.", "Deployment checkout")],
)
def test_what_moved_goes_on_after_a_colon_and_a_name_stays_as_it_is(reason: str, told: str) -> None:
    assert f"stale: {told}" in status(make_request(state=State.STALE, reason=reason, finished_at=NOW), make_face())


@pytest.mark.parametrize("state", [State.EXPIRED, State.REFUSED])
def test_our_own_reason_goes_on_small_after_a_colon_and_a_person_s_words_stay(state: State) -> None:
    ours = make_request(state=state, reason="It waited too long for approval. Ask again.", finished_at=NOW)
    assert f"{state.value}: it waited too long for approval." in status(ours, make_face())
    theirs = make_request(State.REFUSED, reason="It is lunch", reason_by=BEN, finished_at=NOW)
    assert "refused by ben: It is lunch" in status(theirs, make_face())


def test_a_stale_card_says_in_the_readers_zone_when_somebody_changed_it() -> None:
    """And says the time of that day, however much later the card is drawn again."""
    reason = "someone set replicas to 4 (kubectl, 08:30 UTC): 4 → 5 now"
    request = make_request(state=State.STALE, reason=reason, finished_at=NOW)
    much_later = replace(make_face(), now=NOW + timedelta(days=3))
    rows = card(request, much_later).all_blocks()[1]["elements"]
    (date,) = (part for part in rows[0]["elements"] if part["type"] == "date")
    morning = NOW.replace(hour=8, minute=30)
    assert (date["timestamp"], date["fallback"]) == (int(morning.timestamp()), "08:30 UTC")
