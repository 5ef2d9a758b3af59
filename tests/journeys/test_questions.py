"""Reads, doubts and odd input, over the wire."""

from __future__ import annotations

import pytest

from tests.journeys.stage import Stage, buttons, words

ANA = {"team": "T0TOWN", "user": "U0ANA"}


@pytest.mark.parametrize(
    ("sentence", "parts"),
    [
        ("how are payments doing in prod?", ("payments in prod: healthy", "6 of 6 ready", "3.11.0")),
        ("history of payments in prod", ("payments in prod", "3.11.0", "3.10.4")),
        ("errors in the payments logs in prod", ("error lines in 3 groups", "upstream timeout after <num> ms")),
        ("payments is slow, what changed?", ("Most likely", "3.11.0", "Payments latency")),
    ],
)
def test_a_read_is_answered_at_once_in_the_thread(here: Stage, sentence: str, parts: tuple[str, ...]) -> None:
    ts = here.say("dora", f"@twokey {sentence}")
    answer = here.see_text(*parts)
    assert answer["thread_ts"] == ts


def test_a_metric_comes_as_a_line_of_words_and_a_picture_that_says_the_same(here: Stage) -> None:
    here.say("ana", "@twokey p99 of payments in prod last 6 hours")
    answer = here.see_text("p99 of payments", "last 6 h: now", "usually")
    picture = here.see(lambda m: bool(m.get("files")), "a chart")
    assert picture["thread_ts"] == answer["thread_ts"]
    assert "p99" in picture["files"][0]["alt_text"]
    assert picture["files"][0]["mimetype"] == "image/png"


def test_an_eval_reports_its_progress_and_ends_in_one_verdict(here: Stage) -> None:
    here.say("ana", "@twokey run support-quality on 2.1 against 2.0")
    answer = here.see_text("passes", "of 60", "difference")
    assert "got worse" in words(answer)
    here.click("ana", answer, next(name for name, b in buttons(answer).items() if b["text"]["text"] == "CSV"))
    here.see(lambda m: any(f["name"].endswith(".csv") for f in m.get("files", [])), "the answers as CSV")


def test_a_doubt_is_a_question_with_buttons_and_a_button_never_skips_the_card(here: Stage) -> None:
    """R2: the environment is never defaulted."""
    here.say("ana", "@twokey scale checkout to 5")
    question = here.see_text("in which environment?")
    name, prod = next((n, b) for n, b in buttons(question).items() if b["text"]["text"] == "prod")
    here.click("ana", question, name, prod["value"])
    card = here.see(lambda m: "approve" in buttons(m), "a card")
    assert "waiting for 1 of sre" in words(card)


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("restart crat in prod", 'I know no service "crat". Did you mean cart'),
        ("scale checkout to 5 in qa", "environment"),
        ("scale checkout to 900 in prod", "12"),
        ("deploy checkout 9.9.9 to prod right after lunch", ""),
        ("lgtm ship it", "never read an approval from words"),
        ("if errors rise, roll back checkout in prod", "conditions"),
        ("don't restart cart in prod", ""),
        ("make me a sandwich", ""),
        ("\u202eprod ni trac tratser", ""),
        ("🙃🙃🙃", ""),
        ("```restart cart in prod```" * 3, ""),
    ],
)
def test_what_cannot_be_acted_on_gets_a_sentence_and_nothing_waits(here: Stage, sentence: str, answer: str) -> None:
    here.say("ana", f"@twokey {sentence}")
    told = here.see_text(answer)
    assert len(words(told)) > 20
    assert not [m for m in here.bot_messages() if "approve" in buttons(m)]


def test_forty_thousand_characters_get_a_sentence(here: Stage) -> None:
    here.say("ana", "@twokey " + "restart cart in prod " * 1800)
    here.see_text("too long")


def test_a_follow_up_in_the_thread_knows_what_it_is_about(here: Stage) -> None:
    ts = here.say("ana", "@twokey scale cart to 4 in prod")
    here.see(lambda m: "approve" in buttons(m), "a card")
    here.say("ana", "@twokey p95 last 2 hours", thread_ts=ts)
    here.see_text("p95 of cart in prod")


def test_home_shows_what_waits_for_me_and_its_buttons_work(here: Stage) -> None:
    here.say("ana", "@twokey scale checkout to 5 in prod")
    here.see(lambda m: "approve" in buttons(m), "a card")
    here.post("home", user="ben")

    def home() -> object:
        views = [v for v in here.state()["views"] if v["user"] == "U0BEN" and v["type"] == "home"]
        return next((v for v in views if "approve" in buttons(v)), None)

    view = here.until(home, "a Home with a card")
    assert isinstance(view, dict)
    assert here.post("actions", user="ben", view_id=view["id"], action_id="approve")["ok"]
    here.see_text("done in")


def test_a_slash_command_is_the_same_conversation(here: Stage) -> None:
    here.post("commands", user="ana", channel="#ops", command="/twokey", text="how is cart doing in prod?")
    here.see_text("cart in prod: healthy")


def test_a_direct_message_needs_no_mention(here: Stage) -> None:
    here.say("ana", "how is cart doing in prod?", channel="@twokey")
    here.see_text("cart in prod: healthy")


def test_an_edited_message_and_other_peoples_talk_ask_for_nothing(here: Stage) -> None:
    """A4: an edit is no request."""
    ts = here.say("ana", "good morning")
    here.post("edits", user="ana", channel="#ops", ts=ts, text="@twokey restart cart in prod")
    here.say("ben", "restart cart in prod")
    here.say("ana", "@twokey help")
    here.see_text("For example")
    assert not [m for m in here.bot_messages() if "approve" in buttons(m)]


@pytest.mark.parametrize(
    ("sentence", "is_attempt"),
    [
        ("restart crat in prod", True),
        ("scale checkout to -5 in prod", True),
        ("scale checkout to 900 in prod", True),
        ("delete the prod namespace", True),
        ("nice weather today", False),
        ("don't restart cart in prod", False),
    ],
)
def test_an_attempt_to_act_leaves_an_entry_in_the_log_and_talk_does_not(
    here: Stage, sentence: str, is_attempt: bool
) -> None:
    """L1: who tried, and why it was refused."""
    here.say("ana", f"@twokey {sentence}")
    here.see(lambda m: len(words(m)) > 20, "an answer")
    told = [entry.fields for entry in here.running.program.ledger.entries()]
    assert [e["actor"] for e in told if e["kind"] == "attempt.refused"] == [ANA] * is_attempt
