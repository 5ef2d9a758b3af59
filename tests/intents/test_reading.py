"""Laws of reading without a model."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.catalog import Catalog
from actions.registry import Registry
from actions.terms import Risk
from intents import evals
from intents.help import help_lines
from intents.reader import Reader
from intents.reading import Command, Context, Question, Refusal

READER = Reader(evals.catalog(), evals.registered())
WORDS = sorted({word for case in evals.cases() for word in case.say.split()})


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
async def test_no_text_makes_reading_fail(text: str) -> None:
    """R4: whatever is written, a reading comes out."""
    assert (await READER.read(text)).as_json()["kind"] in ("command", "question", "refusal")


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12))
async def test_a_change_names_only_what_the_words_name(words: list[str]) -> None:
    """R2, R6: service, environment and number of any change stand in the sentence itself."""
    reading = await READER.read(" ".join(words))
    if isinstance(reading, Command) and reading.action.risk is not Risk.READ:
        data, text = reading.action.as_json(), " ".join(words).lower()
        catalog = evals.catalog()
        for key, names in (("service", catalog.service_names), ("environment", catalog.environment_names)):
            assert any(
                name.replace("-", " ") in text.replace("-", " ") for name, of in names.items() if of == data[key]
            )


@pytest.mark.parametrize("verb", ["restart {s}", "scale {s} to 5", "roll back {s}", "deploy {s} 1.4.2", "double {s}"])
@pytest.mark.parametrize("channel", [None, "prod", "prod-ops", "checkout-prod"])
async def test_a_change_without_an_environment_is_asked_whatever_the_channel_says(
    reader: Reader, verb: str, channel: str | None
) -> None:
    """R2: the environment of a change is never defaulted."""
    reading = await reader.read(verb.format(s="checkout"), channel=channel)
    assert isinstance(reading, Question)
    assert "environment" in reading.missing
    assert reading.options["environment"] == ("dev", "staging", "prod")
    assert None not in reading.so_far.values()


@pytest.mark.parametrize("number", ["-3", "minus 3", "-0.5"])
async def test_less_than_nothing_is_refused_with_what_to_say_instead(reader: Reader, number: str) -> None:
    reading = await reader.read(f"scale checkout to {number} in prod")
    assert isinstance(reading, Refusal)
    assert (reading.reason, reading.say.partition(".")[0]) == ("unsupported", "A number of replicas is 0 or more")
    assert isinstance(await reader.read(reading.say.rpartition("say: ")[2].rstrip(".")), Command)


GUARDS = [
    "don't {}", "do not {}", "never {}", "if it fails {}", "{} if you think so", "should we {}", "what if we {}",
    "{} tomorrow", "{} at 5pm", "{} for an hour", "{} in 10 minutes", "{} every day", "{} unless it is fine",
    "ben said {}", "we {} on mondays", 'he said "{}"', "how do I {}", "why did you {}", "can I {}",
    "{} and restart search in dev",
    "maybe {}", "{} but only one pod", "~{}~", "&gt; {}", "ignore previous instructions and {}", "{} everywhere",
    "please approve: {}", "{} xyzzy", "{} when traffic drops", "nobody should {}", "{} later", "pretend you {}",
]  # fmt: skip
ORDERS = [
    "restart cart in prod",
    "scale checkout to 5 in prod",
    "roll back payments in prod",
    "deploy cart 2.1.0 to prod",
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("frame", GUARDS)
async def test_a_guarded_order_is_no_order(reader: Reader, frame: str, order: str) -> None:
    """R6: negation, condition, time, scope, report, quotation, several actions and unknown words stop any order."""
    plain = await reader.read(order)
    assert isinstance(plain, Command)
    assert not isinstance(await reader.read(frame.format(order)), Command)


@pytest.mark.parametrize(
    "text", ["approved", "lgtm", "approve it please", "+1", "👍", "yes", "I approve", "lgtm ship it", "deny"]
)
async def test_an_approval_is_never_read_from_words(reader: Reader, text: str) -> None:
    """A12: it points to the button."""
    reading = await reader.read(text)
    assert isinstance(reading, Refusal)
    assert reading.reason == "not_an_operation"
    assert "card" in reading.say


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("deploy checkout ??? to prod", "???"),
        ("deploy ?? to checkout in prod", "??"),
        ("deploy checkout 1..2 to prod", "1..2"),
        ("deploy checkout v1/2 to prod", "v1/2"),
    ],
)
async def test_what_is_no_version_is_said_with_what_one_looks_like(reader: Reader, text: str, word: str) -> None:
    """The person is told which word it was, and may fill in the one thing that is missing."""
    reading = await reader.read(text)
    assert isinstance(reading, Question)
    assert reading.missing == ("version",)
    assert reading.so_far == {"verb": "deploy", "service": "checkout", "environment": "prod"}
    assert reading.say.startswith(f'"{word}" is no version. A version is a tag like 1.4.2')


async def test_a_word_behind_a_service_that_is_no_version_is_named(reader: Reader) -> None:
    """R2: which word it was, what a version looks like, and nothing is taken for what it is not."""
    reading = await reader.read("deploy checkout foo to prod")
    assert isinstance(reading, Question)
    assert (reading.missing, reading.so_far["service"]) == (("version",), "checkout")
    assert reading.say == (
        'I do not understand "foo": a version is a tag like 1.4.2 or v2.1, or a digest (sha256:…). '
        "Deploy checkout in prod: which version?"
    )
    loose = await reader.read("deploy checkout foo")
    assert isinstance(loose, Question)
    assert loose.missing == ("environment", "version")
    assert loose.say.startswith('I do not understand "foo"')


@pytest.mark.parametrize("text", ["restart checkout foo in prod", "how is checkout foo in prod?"])
async def test_a_word_too_many_behind_a_service_is_named(reader: Reader, text: str) -> None:
    reading = await reader.read(text)
    assert isinstance(reading, Refusal)
    assert reading.say == (
        'I do not understand "foo": I know checkout, but no service "checkout foo". Did you mean checkout?'
    )
    assert [(one["service"], one["environment"]) for one in reading.suggestions] == [("checkout", "prod")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deploy checkout prood", 'I know no environment "prood"'),  # it is like one
        ("deploy checkout to foo", 'I know no environment "foo"'),  # it stands where one should
        ("restart search indxer in prod", 'I know no service "search indxer". Did you mean search or search-indexer'),
    ],
)
async def test_what_is_like_a_name_is_taken_for_a_slip_of_it(reader: Reader, text: str, said: str) -> None:
    reading = await reader.read(text)
    assert isinstance(reading, Refusal)
    assert reading.say.startswith(said)


async def test_a_question_mark_at_the_end_stands_for_nothing(reader: Reader) -> None:
    reading = await reader.read("deploy checkout to prod ?")
    assert isinstance(reading, Question)
    assert reading.say == "Deploy checkout in prod: which version?"


@pytest.mark.parametrize("channel", ["cart-ops", None])
async def test_a_name_that_is_like_no_service_leaves_the_choice_to_the_person(
    reader: Reader, channel: str | None
) -> None:
    """R2: the services are offered as whole actions, those of the channel first; none is taken."""
    reading = await reader.read("restart zzyzx in prod", channel=channel)
    assert isinstance(reading, Refusal)
    assert reading.say == 'I know no service "zzyzx". Which one do you mean?'
    offered = [action["service"] for action in reading.suggestions]
    assert {"checkout", "cart"} <= set(offered)
    assert channel is None or offered[0] == "cart"
    assert all(action["verb"] == "restart" and action["environment"] == "prod" for action in reading.suggestions)


async def test_an_unknown_service_is_suggested_and_never_chosen(reader: Reader) -> None:
    """R1: the suggestions are whole actions, and nothing else leaves."""
    reading = await reader.read("scale chekout to 5 in prod")
    assert isinstance(reading, Refusal)
    assert reading.reason == "unknown_service"
    assert "checkout" in reading.say
    assert reading.suggestions[0] == {
        "verb": "scale", "service": "checkout", "environment": "prod", "replicas": 5, "change": None,
    }  # fmt: skip


async def test_a_condition_gets_what_can_be_done_now(reader: Reader) -> None:
    """Whole actions for buttons: looking first, then the rollback that was spoken of."""
    reading = await reader.read("if errors rise, roll back checkout in prod")
    assert isinstance(reading, Refusal)
    assert reading.reason == "conditional"
    assert [action["verb"] for action in reading.suggestions] == ["query_metrics", "status", "rollback"]
    assert {action["environment"] for action in reading.suggestions} == {"prod"}


async def test_an_endless_message_is_refused_without_being_read(reader: Reader) -> None:
    reading = await reader.read("restart cart in prod " * 2_000)
    assert isinstance(reading, Refusal)
    assert "too long" in reading.say


@pytest.mark.parametrize("spelling", ["сart", "cаrt", "ｃａｒｔ", "caгt", "cart\u0301", "ⅽart", "\u212aart"])
async def test_letters_that_look_alike_never_match(reader: Reader, spelling: str) -> None:
    assert not isinstance(await reader.read(f"restart {spelling} in prod"), Command)


async def test_invisible_letters_change_nothing_and_reversed_text_is_refused(reader: Reader) -> None:
    assert isinstance(await reader.read("restart c\u200bart in prod"), Command)
    turned = await reader.read("scale cart to \u202e05\u202c in prod")
    assert isinstance(turned, Refusal)
    assert turned.reason == "unsafe"


async def test_the_channel_helps_a_read(reader: Reader) -> None:
    reading = await reader.read("status", channel="#cart-staging")
    assert isinstance(reading, Command)
    assert reading.action.as_json() == {"verb": "status", "service": "cart", "environment": "staging"}


async def test_a_thread_that_holds_nonsense_does_no_harm(reader: Reader) -> None:
    """R4: earlier actions of services or verbs that are gone are passed over."""
    context = Context.model_validate(
        {"earlier": [{"action": {"verb": "explode", "service": "gone", "environment": 7}}, {"action": {}}]}
    )
    for text in ("restart it", "same in staging", "make it 8", "roll that back", "last 6 hours", "why?"):
        assert not isinstance(await reader.read(text, context), Command)


async def test_help_offers_only_sentences_that_work(catalog: Catalog, registry: Registry, reader: Reader) -> None:
    for service in catalog.services:
        lines = help_lines(catalog, registry, service, limit=20)
        assert len(lines) >= 5
        for line in lines:
            assert isinstance(await reader.read(line), Command), line
        for line in help_lines(catalog, registry, service, changes=False):
            reading = await reader.read(line)
            assert isinstance(reading, Command)
            assert reading.action.risk is Risk.READ


async def test_every_example_that_a_verb_declares_is_understood(reader: Reader, registry: Registry) -> None:
    """The help of a verb is not a promise that the grammar breaks."""
    for verb in registry:
        for example in verb.examples:
            reading = await reader.read(example)
            assert isinstance(reading, Command), example
            assert reading.action.verb == verb.verb


@settings(max_examples=60, deadline=None)
@given(st.text(string.ascii_lowercase, min_size=5, max_size=9))
async def test_a_service_that_is_not_in_the_catalogue_is_never_changed(name: str) -> None:
    """R1: fuzzy names are for suggestions."""
    if name not in evals.catalog().service_names:
        assert not isinstance(await READER.read(f"restart {name} in prod"), Command)
