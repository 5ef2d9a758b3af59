"""Words, presses and forms become answers, questions or requests; no way leads past the gate."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from actions import catalog
from actions.clients.kube_errors import translate
from actions.errors import SourceError
from actions.outcome import Chart, Evidence, Outcome, Step, Table, TextFile
from actions.registry import Registry
from actions.verbs import VERBS
from approvals.actor import Actor
from approvals.charter import Charter
from approvals.request import State
from approvals.store import open_store
from bot.amending import Amending
from bot.blocks.message import Message
from bot.cards import Cards
from bot.conversation import Conversation, Reads, Said, Stages
from bot.delegating import Delegating
from bot.faces import Faces
from bot.inbox import Inbox
from bot.memory import Memory
from bot.readings import Readings
from bot.taking_back import TakingBack
from bot.writer import Writer
from intents.reader import Reader
from intents.reading import Reading, Refusal
from tests.approvals.doubles import ANA, DORA, House, a_house
from tests.stores import store_url

SERVICES = catalog.load(Path(__file__).parents[2] / "bot" / "playground" / "catalog.yaml")
REGISTRY = Registry(VERBS)


@dataclass
class Wall:
    """A stage that keeps what was put on it."""

    shown: list[Message] = field(default_factory=list)
    whispered: list[Message] = field(default_factory=list)
    attached: list[Evidence] = field(default_factory=list)

    async def show(self, message: Message) -> None:
        self.shown.append(message)

    async def whisper(self, message: Message) -> None:
        self.whispered.append(message)

    async def attach(self, piece: Evidence) -> None:
        self.attached.append(piece)

    async def link(self, channel: str, ts: str) -> str | None:
        return f"https://town.slack.com/archives/{channel}/p{ts.replace('.', '')}"


class Callers:
    """Names without Slack."""

    def of(self, user_ids: object) -> dict[str, str]:
        return {"U0ANA": "ana", "U0DORA": "dora"}

    def zone(self, user_id: str) -> str:
        return "Europe/Athens"


@dataclass
class Talk:
    """A conversation over the real reader, gate and ledger."""

    house: House
    memory: Memory
    cards: Cards
    inbox: Inbox
    conversation: Conversation
    here: Wall = field(default_factory=Wall)
    below: Wall = field(default_factory=Wall)

    async def hears(self, text: str, by: Actor = ANA, delivery: str = "event 1", thread: str = "1.1") -> str:
        """What is said back, wherever."""
        await self.conversation.hear(self.said(by, delivery, thread), text, Stages(self.here, self.below))
        return self.last()

    def said(self, by: Actor = ANA, delivery: str = "event 1", thread: str = "1.1") -> Said:
        return Said(by, "C0OPS", thread, None, delivery, again=True)

    def last(self) -> str:
        shown = [*self.below.shown[-1:], *self.here.shown[-1:]]
        return shown[-1].text if shown else ""

    def choices(self) -> list[str]:
        return [e["text"]["text"] for b in self.here.shown[-1].blocks if b["type"] == "actions" for e in b["elements"]]


def converse(house: House, memory: Memory, cards: Cards, reader: Reads) -> Conversation:
    """The conversation, with this reader."""
    names = Callers()
    keys = Delegating(house.gate, names, house.clock)  # type: ignore[arg-type]
    asks = (house.gate, house.gate, house.ledger)
    charter = Charter(house.ledger, SERVICES, REGISTRY)
    policies = Amending(charter, house.ledger, cards, names)  # type: ignore[arg-type]
    running = house.ledger.running
    faces = Faces(SERVICES, REGISTRY, names, house.clock, lambda: house.gate.policy, running)  # type: ignore[arg-type]
    wishes = (keys, policies, TakingBack(house.ledger, cards, faces))
    readings = Readings(Writer(house.engine), house.clock, 90, words=True)
    return Conversation(reader, *asks, REGISTRY, SERVICES, memory, names, "U0TWOKEY", *wishes, readings)  # type: ignore[arg-type]


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    with talking(tmp_path / "t.db") as found:
        yield found


@contextmanager
def talking(path: Path) -> Iterator[Talk]:
    """A conversation over a fresh store."""
    house = a_house(path)
    engine = open_store(store_url(house.path))
    writer = Writer(engine)
    cards = Cards(writer, house.clock)
    inbox = Inbox(writer, house.clock)
    memory = Memory(writer, house.clock, house.ledger, cards, inbox)
    conversation = converse(house, memory, cards, Reader(SERVICES, REGISTRY))
    yield Talk(house, memory, cards, inbox, conversation)
    engine.dispose()
    house.close()


async def test_a_change_is_submitted_with_where_it_was_asked(talk: Talk) -> None:
    await talk.hears("<@U0TWOKEY> scale checkout to 5 in prod")
    (request,) = talk.house.ledger.waiting()
    assert request.origin == {"channel": "C0OPS", "thread": None, "delivery": "event 1"}
    assert talk.here.shown == []  # the card is the projector's


async def test_the_same_delivery_is_submitted_once(talk: Talk) -> None:
    """S2: also where the process died between submitting and noting it."""
    for _ in range(2):
        await talk.hears("scale checkout to 5 in prod")
    assert len(talk.house.ledger.recent(10)) == 1
    await talk.hears("scale checkout to 5 in prod", delivery="event 2")
    assert len(talk.house.ledger.recent(10)) == 2


async def test_the_same_delivery_is_submitted_once_however_much_else_was(talk: Talk) -> None:
    """S2: somebody pastes thirty orders at once, and the process dies before it could note any of them."""
    for _ in range(2):
        for number in range(30):
            await talk.hears("restart cart in dev", delivery=f"event {number}")
    assert len(talk.house.ledger.recent(100)) == 30


async def test_of_a_process_that_was_stopped_and_its_heir_one_submits(talk: Talk) -> None:
    """S2: whichever comes first, when the one that was taken for dead goes on in the middle of its work."""
    cards, writer = talk.cards, Writer(talk.house.engine)
    heirs = Inbox(writer, talk.house.clock)
    memory = Memory(writer, talk.house.clock, talk.house.ledger, cards, heirs)
    heir = converse(talk.house, memory, cards, Reader(SERVICES, REGISTRY))
    stages = Stages(talk.here, talk.below)
    for delivery, first in (("event 1", "heir"), ("event 2", "stopped")):
        assert talk.inbox.take(delivery, {})
        stopped = replace(talk.said(delivery=delivery), again=False)
        if first == "stopped":
            await talk.conversation.hear(stopped, "restart cart in dev", stages)
        assert heirs.take(delivery, {})
        await heir.hear(talk.said(delivery=delivery), "restart cart in dev", stages)
        if first == "heir":
            await talk.conversation.hear(stopped, "restart cart in dev", stages)
            assert "another process of mine goes on with this" in talk.last()
    asked = [request.origin["delivery"] for request in talk.house.ledger.recent(10)]
    assert sorted(map(str, asked)) == ["event 1", "event 2"]


async def test_what_is_missing_is_asked_for_with_buttons(talk: Talk) -> None:
    assert "environment" in await talk.hears("scale checkout to 5")
    assert set(talk.choices()) == {"dev", "staging", "prod"}
    assert talk.house.ledger.recent(10) == []


async def test_a_pressed_option_completes_the_sentence_and_waits_for_the_second_key(talk: Talk) -> None:
    """A4: a button never skips the card."""
    partial = {"verb": "scale", "service": "checkout", "replicas": 5, "environment": "prod"}
    assert await talk.conversation.take_up(talk.said(), partial, Stages(talk.here, talk.below))  # type: ignore[arg-type]
    assert [r.state.value for r in talk.house.ledger.recent(10)] == ["waiting"]
    assert talk.house.hands.effects == []


async def test_a_press_that_leaves_something_open_asks_on(talk: Talk) -> None:
    await talk.conversation.take_up(
        talk.said(), {"verb": "restart", "service": "payments"}, Stages(talk.here, talk.below)
    )
    assert talk.choices() == ["prod", "staging"]
    await talk.conversation.take_up(
        talk.said(), {"verb": "deploy", "service": "cart", "environment": "dev"}, Stages(talk.here, talk.below)
    )
    assert talk.choices() == ["Fill in…"]


async def test_a_forged_press_is_refused_in_one_sentence(talk: Talk) -> None:
    """S4: what comes back in a button is checked like anything else."""
    for partial in ({"verb": "rm"}, {"verb": "scale", "service": "cart", "environment": "prod", "replicas": "x" * 9}):
        assert not await talk.conversation.take_up(talk.said(), partial, Stages(talk.here, talk.below))  # type: ignore[arg-type]
    assert talk.house.ledger.recent(10) == []


async def test_a_read_is_answered_below_with_its_evidence(talk: Talk) -> None:
    table, more = (Table(title="t", columns=("a",), rows=((n,),)) for n in "12")
    pieces = (Chart(title="c", png=b"cGl4", alt="up"), TextFile(name="x.log", content="x"), table, more)
    talk.house.hands.outcome = Outcome(ok=True, summary="all well", evidence=pieces)
    assert await talk.hears("how is checkout doing in prod?") == "all well"
    kinds = [p.kind for p in talk.below.attached]
    assert kinds == ["chart", "file", "table", "file"]  # the second table does not fit into the message
    assert talk.here.shown == []


async def test_a_long_read_says_at_once_that_it_looks(talk: Talk) -> None:
    def slowly(action: object, progress: object) -> Outcome:
        progress(Step(text="metrics ✓", done=1, total=5))  # type: ignore[operator]
        asked.set()
        return Outcome(ok=True, summary="found")

    asked = asyncio.Event()
    talk.house.hands.answer = slowly  # type: ignore[method-assign]
    await talk.hears("payments is slow in prod, what changed?")
    assert talk.below.shown[0].text.startswith("Triage payments in prod")
    assert talk.below.shown[-1].text == "found"


async def test_a_read_that_fails_takes_the_place_of_its_progress(talk: Talk) -> None:
    def fails(action: object, progress: object) -> Outcome:
        raise SourceError("Loki does not answer.", "Try again.")

    talk.house.hands.answer = fails  # type: ignore[method-assign]
    await talk.hears("payments is slow in prod, what changed?")
    assert talk.below.shown[-1].text == "Loki does not answer. Try again."


async def test_a_cluster_that_does_not_do_it_is_told_with_what_to_do(talk: Talk) -> None:
    """L1: and the attempt is in the log."""
    talk.house.hands.plan_error = translate(409, "modified", "Deployment checkout in prod")
    said = await talk.hears("scale checkout to 5 in prod")
    assert said == "Deployment checkout in prod was changed by somebody else at the same moment. Ask again."
    assert [e.fields["kind"] for e in talk.house.ledger.entries()][-1] == "attempt.refused"


async def test_the_thread_remembers_what_the_bot_took_up(talk: Talk) -> None:
    """R6: typed actions of the bot's own, newest last."""
    await talk.hears("how is checkout doing in prod?")
    await talk.hears("scale checkout to 5 in prod", delivery="event 2")
    found = talk.memory.recall("C0OPS", "1.1").earlier
    assert [(e.action["verb"], e.state) for e in found] == [("status", "answered"), ("scale", "waiting")]
    assert talk.memory.recall("C0OPS", "9.9").earlier == ()


async def test_a_direct_conversation_forgets_after_half_an_hour(talk: Talk) -> None:
    await talk.hears("how is checkout doing in prod?", thread="")
    assert talk.memory.recall("C0OPS", "").earlier
    talk.house.clock.advance(31 * 60)
    assert talk.memory.recall("C0OPS", "").earlier == ()


async def test_help_offers_sentences_that_the_reader_understands_and_the_policy_allows(talk: Talk) -> None:
    """R5: every example works as it stands."""
    reader = Reader(SERVICES, REGISTRY)
    for actor, may_change in ((ANA, True), (DORA, False)):
        examples, changes = talk.conversation.examples(actor, "payments-team")
        assert changes is may_change
        assert len(examples) == 5 if may_change else 4
        assert all("payments" in e for e in examples)
        for example in examples:
            assert (await reader.read(example)).as_json()["kind"] == "command", example


async def test_those_who_may_not_are_told_why(talk: Talk) -> None:
    assert "engineers" in await talk.hears("scale checkout to 5 in prod", by=DORA)


async def test_cancel_that_as_a_message_of_its_own_points_at_the_one_request_that_is_open(talk: Talk) -> None:
    """R1, R6: it names the one that it can only be, and does nothing by itself."""
    assert "still open, so there is nothing to cancel" in await talk.hears("cancel that")
    await talk.hears("scale checkout to 5 in prod", delivery="event 2", thread="2.2")
    said = await talk.hears("abort it", thread="3.3")
    assert said.startswith("Scale checkout in prod · waiting for 1 of sre")
    assert "Press Withdraw on its card" in said
    assert "still open" in await talk.hears("stop", by=DORA, thread="3.3")
    assert [r.state for r in talk.house.ledger.recent(10)] == [State.WAITING]


async def test_cancel_that_asks_which_of_several_and_forgets_what_is_over(talk: Talk) -> None:
    for number, order in enumerate(("scale checkout to 5 in prod", "restart cart in prod", "restart search in prod")):
        await talk.hears(order, delivery=f"event {number}", thread=f"{number}.1")
    over = next(r for r in talk.house.ledger.waiting() if r.plan.service == "search")
    talk.house.gate.withdraw(over.id, ANA)
    said = await talk.hears("cancel that", thread="9.9")
    assert said.startswith("Which one? 2 that you asked for here are open")
    assert "Scale checkout in prod · waiting" in said
    assert "Restart cart in prod · waiting" in said
    assert "search" not in said
    inside = Said(ANA, "C0OPS", "1.1", "1.1", "event 9")
    await talk.conversation.hear(inside, "cancel that", Stages(talk.here, talk.below))
    assert "I withdraw nothing by words. Press Withdraw" in talk.last(), "in its own thread it is clear"


@pytest.mark.parametrize("text", ["", "help", "thanks!", "x" * 40_000, "🙂" * 200, "שלום", "```\nrm -rf\n```", "\x00"])
async def test_whatever_is_said_something_is_said_back(talk: Talk, text: str) -> None:
    """R4, at this end: one message, and nothing breaks."""
    assert await talk.hears(text)
    assert talk.house.ledger.recent(10) == []


async def test_a_mistake_of_ours_is_said_with_a_reference(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        note = None

        def explain(self, *about: object) -> tuple[str, ...]:
            return ()

        async def read(self, text: str, *about: object) -> Reading:
            raise RuntimeError("boom")

    talk.conversation = converse(talk.house, talk.memory, talk.cards, Broken())
    said = await talk.hears("scale checkout to 5 in prod")
    reference = said.partition("reference ")[2][:6]
    assert reference in caplog.text
    assert "boom" not in said


async def test_a_refusal_offers_its_suggestions_as_buttons(talk: Talk) -> None:
    action = {"verb": "restart", "service": "cart", "environment": "prod"}

    class Suggests:
        note = None

        def explain(self, *about: object) -> tuple[str, ...]:
            return ()

        async def read(self, text: str, *about: object) -> Reading:
            return Refusal(reason="conditional", say="I can't wait.", suggestions=(action,))

    talk.conversation = converse(talk.house, talk.memory, talk.cards, Suggests())
    assert await talk.hears("if it breaks, restart cart in prod") == "I can't wait."
    assert talk.choices() == ["Restart cart in prod"]


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("what did I deploy today?", "ana"),
        ("what did <@U0DORA> deploy today?", "dora"),
        ("what did carla deploy today?", "carla"),
    ],
)
async def test_a_look_back_is_by_the_askers_clock_and_names_who_is_meant(talk: Talk, text: str, who: str) -> None:
    """`me` and a mention are people, and their days begin at their own midnight."""
    await talk.hears(text)
    (looked,) = talk.house.hands.looked
    assert looked.as_json() == {
        "verb": "history",
        "service": None,
        "environment": None,
        "period": "today",
        "who": who,
        "part": "asked",
        "did": "deploy",
        "zone": "Europe/Athens",
    }


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("logs of checkout in prod since 14:00", {"since": "since 14:00", "zone": "Europe/Athens"}),
        ("logs of checkout in prod today", {"since": "today", "zone": "Europe/Athens"}),
        ("logs of checkout in prod last 30m", {"since": "30m"}),
    ],
)
async def test_logs_since_an_hour_are_by_the_askers_clock(talk: Talk, text: str, since: dict[str, str]) -> None:
    """A plain duration is the same everywhere, and its action stays as it always was."""
    await talk.hears(text)
    (looked,) = talk.house.hands.looked
    here = {"verb": "query_logs", "service": "checkout", "environment": "prod"}
    assert looked.as_json() == {**here, "contains": None, "level": None, "limit": None, **since}
