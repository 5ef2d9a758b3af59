"""What is said back: words, buttons and forms become a reading, the reading an answer, a question or a request.

Knows nothing of Bolt. Every change goes through the gate and gets a card; a button never skips it.
"""

from __future__ import annotations

import asyncio
import csv
import io
import logging
import secrets
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakValueDictionary

from pydantic import JsonValue

from actions.action import Action, Change, Read
from actions.catalog import Catalog
from actions.clients.protocols import Exam
from actions.errors import BadInput, SourceError, TwokeyError
from actions.outcome import Outcome, Suggestion, Table, TextFile
from actions.plan import Plan
from actions.registry import Registry
from actions.verbs.history import History
from approvals import keepsakes
from approvals.actor import Actor
from approvals.ledger import Effect, Ledger
from approvals.policy import Forbidden, Verdict
from approvals.request import Request, State
from bot import amending, delegating, forms, speech, taking_back
from bot.blocks import amendment, answers, evaluation, questions, words
from bot.blocks import message as kit
from bot.blocks.message import Message
from bot.blocks.questions import Choice
from bot.memory import Memory
from bot.people import Names
from bot.readings import Readings
from bot.stage import Stage
from bot.threads import in_daemon
from bot.watching import Watching
from intents.explaining import is_asked
from intents.models.budget import Asker
from intents.reading import Command, Context, Question, Reading, Refusal

LONGEST = 4_000  # characters of a sentence; more is no sentence
SLOW = {"triage", "run_eval"}  # these say at once that they look
WHYS = 500  # threads whose last reading can be asked about
PLANS_AT_ONCE = 2  # changes planned side by side, of one person one; more would take the threads that bring their cards

ATTEMPTS = {"unknown_service", "unknown_environment", "unsupported", "unsafe", "several_actions"}
"""Refusals of somebody who wanted something done. The others are talk, or somebody saying what not to do."""

_log = logging.getLogger(__name__)


class Reads(Protocol):
    """What the conversation needs of `intents.reader.Reader`."""

    @property
    def note(self) -> str | None: ...

    def explain(self, text: str, context: Context, reading: Reading) -> tuple[str, ...]: ...

    async def read(
        self, text: str, context: Context = ..., channel: str | None = None, asker: Asker = ...
    ) -> Reading: ...


class Asks(Protocol):
    """What the conversation needs of `approvals.gate.Gate`."""

    def judge(self, action: Action, actor: Actor) -> Verdict: ...

    def submit(
        self, action: Change, actor: Actor, origin: dict[str, JsonValue], effect: Effect | None = None
    ) -> Request: ...

    def ask(self, action: Read, actor: Actor, progress: Watching, origin: dict[str, JsonValue]) -> Outcome: ...

    def turned_away(self, actor: Actor, reason: str, say: str) -> None: ...

    def unproven(self, plan: Plan) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Said:
    """Who speaks, and where. `thread` is the thread of its context; `place` the one it was said in, if any."""

    actor: Actor
    channel: str
    thread: str  # empty for a direct conversation as a whole
    place: str | None
    delivery: str  # the delivery it came with
    channel_name: str | None = None
    again: bool = False  # an earlier process may have submitted it already

    @property
    def opens(self) -> bool:
        """Whether it begins a thread, in which there is nothing yet."""
        return self.place is None and bool(self.thread)


@dataclass(frozen=True)
class Stages:
    """`here` is where the person spoke; `below` the thread for answers. The same in direct messages."""

    here: Stage
    below: Stage


class Conversation:
    """One for all channels. Nothing it is told makes it raise: people get a sentence instead.

    `preview` is a gate that may know what was true a minute ago; it is asked for examples, never for leave.
    """

    def __init__(
        self,
        reader: Reads,
        gate: Asks,
        preview: Asks,
        ledger: Ledger,
        registry: Registry,
        catalog: Catalog,
        memory: Memory,
        names: Names,
        bot_user_id: str,
        delegating: delegating.Delegating,
        amending: amending.Amending,
        taking_back: taking_back.TakingBack,
        readings: Readings,
    ) -> None:
        self._reader, self._gate, self._preview, self._ledger = reader, gate, preview, ledger
        self._registry, self._catalog, self._memory = registry, catalog, memory
        self._names, self._bot_user_id, self._delegating = names, bot_user_id, delegating
        self._amending, self._taking_back, self._readings = amending, taking_back, readings
        self._read_last: OrderedDict[tuple[str, str], tuple[str, Context, Reading]] = OrderedDict()
        self._planning = asyncio.Semaphore(PLANS_AT_ONCE)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # whoever plans, by person

    async def hear(self, said: Said, text: str, stages: Stages) -> None:
        """Somebody spoke to the bot."""
        plain = speech.unaddressed(text, self._bot_user_id)
        asked, meant = delegating.wish(plain), amending.wish(plain)
        if asked is not None:
            await self._safely(self._delegate(said, asked, stages), stages)
            return
        if meant is not None:
            await self._safely(self._amend(meant, stages), stages)
            return
        await self._safely(self._hear(said, speech.words(text, self._bot_user_id), stages), stages)

    async def take_up(self, said: Said, partial: dict[str, JsonValue], stages: Stages) -> bool:
        """Somebody pressed a button or filled in a form: an action, whole or still missing something.

        Whether it was taken up; if not, the person was told why.
        """
        return await self._safely(self._complete(said, partial, stages), stages)

    async def _safely(self, job: Coroutine[Any, Any, None], stages: Stages) -> bool:
        try:
            await job
        except SourceError as error:
            await stages.here.show(words.refusal(error.advice))
        except TwokeyError as error:
            await stages.here.show(words.refusal(error.say))
        except Exception:
            reference = secrets.token_hex(3)
            _log.exception("a sentence or a press broke me (reference %s)", reference)
            await stages.here.show(words.trouble(reference))
        else:
            return True
        return False

    async def _hear(self, said: Said, text: str, stages: Stages) -> None:
        if speech.is_help(text):
            await stages.below.show(await self._help(said))
            return
        if speech.is_thanks(text):
            name = (await asyncio.to_thread(self._names.of, [said.actor.user_id]))[said.actor.user_id]
            await stages.below.show(words.thanks(name))
            return
        if len(text) > LONGEST:
            await stages.here.show(words.refusal("That is too long for me. Say in one sentence what you need."))
            return
        if is_asked(text):
            await stages.below.show(words.lines(self._why(said)))
            return
        context = Context() if said.opens else await asyncio.to_thread(self._memory.recall, said.channel, said.thread)
        asker = Asker(said.actor.user_id, said.actor.team_id, said.channel)
        reading = await self._reader.read(text, context, said.channel_name, asker)
        self._keep(said, text, context, reading)
        self._readings.note(said.delivery, text, context, said.channel_name, reading)
        if isinstance(reading, Command):
            await self._act(said, reading.action, stages)
        elif isinstance(reading, Question):
            await stages.here.show(self._question(reading))
        else:
            if reading.reason in ATTEMPTS:
                await asyncio.to_thread(self._gate.turned_away, said.actor, reading.reason, reading.say)
            if reading.takes_back and not (context.earlier and context.earlier[-1].state in taking_back.OPEN):
                await self._take_back(said, reading if context.earlier else None, stages)
                return
            await stages.here.show(self._refusal(reading))

    async def _take_back(self, said: Said, over: Refusal | None, stages: Stages) -> None:
        """Somebody would cancel what no thread tells: their own open requests here, or that there are none."""
        found = await asyncio.to_thread(self._taking_back.standing, said.actor, said.channel)
        if not found and over is not None:
            await stages.here.show(self._refusal(over))
            return
        links = [await stages.below.link(*one.card) if one.card else None for one in found]
        await stages.here.show(words.open_ones([(o.what, o.say, link) for o, link in zip(found, links, strict=True)]))

    async def _amend(self, meant: amending.Wish, stages: Stages) -> None:
        """What is about the policy itself: shown, and decided by nobody's words (A9, A12)."""
        found = await asyncio.to_thread(self._amending.standing, meant)
        held = [(one.draft, one.say, await stages.below.link(*one.card) if one.card else None) for one in found.held]
        await stages.below.show(amendment.standing(found.say, held))

    async def _delegate(self, said: Said, asked: delegating.Wish, stages: Stages) -> None:
        """Somebody speaks of their key: no model and no grammar reads that (A12)."""
        answer = await asyncio.to_thread(self._delegating.do, asked, said.actor)
        await stages.below.show(kit.say(answer))

    def _keep(self, said: Said, text: str, context: Context, reading: Reading) -> None:
        """For "why did you read it so?"; held in memory alone, since it holds a person's words."""
        self._read_last[said.channel, said.thread] = text, context, reading
        if len(self._read_last) > WHYS:
            self._read_last.popitem(last=False)

    def _why(self, said: Said) -> tuple[str, ...]:
        last = self._read_last.get((said.channel, said.thread))
        if last is None:
            return ("I have read nothing in this thread since I was started. Ask me below the sentence you mean.",)
        return self._reader.explain(*last)

    async def _complete(self, said: Said, partial: dict[str, JsonValue], stages: Stages) -> None:
        verb = self._registry[str(partial.get("verb", ""))]
        missing = forms.first_missing(verb, partial)
        if missing is None:
            await self._act(said, self._registry.parse(partial), stages)
            return
        values = forms.choices(missing, verb.model_fields[missing], partial, self._catalog)
        question = f"{verb.verb.replace('_', ' ').capitalize()}: which {missing.replace('_', ' ')}?"
        choices: list[Choice] = [(value, {**partial, missing: value}) for value in values[:25]]
        await stages.here.show(questions.question(question, choices, fill=None if choices else partial))

    async def _act(self, said: Said, action: Action, stages: Stages) -> None:
        if isinstance(action, Change):
            await self._submit(said, action, stages)
        elif isinstance(action, Read):
            await self._answer(said, action, stages.below)

    async def _submit(self, said: Said, action: Change, stages: Stages) -> None:
        async with self._turn(said.actor), self._planning:
            request = await asyncio.to_thread(self._submitted, said, action)
        if request.state is State.REFUSED:
            await stages.here.show(await self._refused(request, stages.here))

    def _turn(self, actor: Actor) -> asyncio.Lock:
        """For one plan after the other: a cluster that does not answer takes long, and others want theirs."""
        turn = self._turns.get(actor.user_id) or asyncio.Lock()
        self._turns[actor.user_id] = turn
        return turn

    async def _refused(self, request: Request, stage: Stage) -> Message:
        """Why it is refused; where an eval is lacking, with the newest run of it and a button that runs it."""
        plan, runs = request.plan, self._ledger.proofs
        if not plan.evals or not await asyncio.to_thread(self._gate.unproven, plan):
            return words.refusal(request.reason)
        version, before = str(plan.action["version"]), plan.differences[0].before
        offers, link = [], None
        for suite in plan.evals:
            action: dict[str, JsonValue] = {"verb": "run_eval", "suite": suite, "candidate": version}
            label = f"Run {suite} on {version} against {before}"
            offers.append(Suggestion(label=label, action={**action, "baseline": before}))
            last = await asyncio.to_thread(runs.recorded, Exam(plan.service, suite, version))
            place = (last.origin.get("channel"), last.origin.get("thread")) if last else (None, None)
            if link is None and all(place):
                link = await stage.link(str(place[0]), str(place[1]))
        return evaluation.lacking(request.reason, offers, link)

    def _submitted(self, said: Said, action: Change) -> Request:
        origin: dict[str, JsonValue] = {"channel": said.channel, "thread": said.place, "delivery": said.delivery}
        before = self.came_of(said) if said.again else None  # of one that died before it noted that it had (S2)
        effect = self._memory.with_request(said.channel, said.thread, said.delivery)
        return before or self._gate.submit(action, said.actor, origin, effect)

    def came_of(self, said: Said) -> Request | None:
        """The request that was made with these words or this press."""
        return self._memory.came_of(said.delivery, said.actor)

    async def _answer(self, said: Said, action: Read, stage: Stage) -> None:
        watching = Watching(stage, action.title, at_once=action.verb in SLOW)
        try:
            outcome = await self._look(said, await asyncio.to_thread(self._personal, said, action), watching)
        except TwokeyError as error:  # in place of "looking …", where that is shown
            await stage.show(words.refusal(error.advice if isinstance(error, SourceError) else error.say))
            return
        now = await asyncio.to_thread(self._ledger.now)
        kept = keepsakes.split(outcome)[0] if outcome.run else ()
        shown = [piece for piece in outcome.evidence if piece not in kept]
        more = evaluation.kept(outcome.run.id, kept) if outcome.run else ()
        # Before it is shown: whoever answers at once in the thread is understood.
        await asyncio.to_thread(self._memory.remember, said.channel, said.thread, action.as_json())
        await stage.show(answers.answer(outcome, now, evidence=shown, more=more))
        tables = [piece for piece in shown if isinstance(piece, Table)]
        for piece in shown:
            await stage.attach(_as_csv(piece) if isinstance(piece, Table) and piece is not tables[0] else piece)

    def _personal(self, said: Said, action: Read) -> Read:
        """A look as this person means it: by the days and hours of their own zone, `me` and a mention by name."""
        if not action.zoned:
            return action
        here = {"zone": self._names.zone(said.actor.user_id)}
        if not isinstance(action, History):
            return action.model_copy(update=here)
        who, mentioned = action.who, speech.MENTION.fullmatch(action.who or "")
        if who == "me" or mentioned:
            user = mentioned[1] if mentioned else said.actor.user_id
            who = self._names.of([user])[user]
        return action.model_copy(update={**here, "who": who})

    async def _look(self, said: Said, action: Read, watching: Watching) -> Outcome:
        async with watching:
            origin: dict[str, JsonValue] = {"channel": said.channel, "thread": said.thread or None}
            return await in_daemon(lambda: self._gate.ask(action, said.actor, watching, origin), f"read {action.verb}")

    def _question(self, question: Question) -> Message:
        open_ones = [*question.missing, *question.ambiguous, *question.options]
        asked = next((name for name in open_ones if question.options.get(name)), None)
        values = question.options[asked] if asked else ()
        choices: list[Choice] = [(str(v), {**question.so_far, str(asked): v}) for v in values[:25]]
        fill = question.so_far if not choices and question.so_far.get("verb") in self._registry else None
        return questions.question(question.say, choices, fill=fill)

    def _refusal(self, refusal: Refusal) -> Message:
        choices: list[Choice] = []
        for action in refusal.suggestions:
            try:
                choices.append((self._registry.parse(action).title, action))
            except BadInput:
                choices.append((str(action.get("verb", "")).replace("_", " ").capitalize(), action))
        return questions.question(refusal.say, choices) if choices else words.refusal(refusal.say)

    async def _help(self, said: Said) -> Message:
        name = (await asyncio.to_thread(self._names.of, [said.actor.user_id]))[said.actor.user_id]
        examples, may_change = await asyncio.to_thread(self.examples, said.actor, said.channel_name)
        may = (
            "A change shows a card first and runs when somebody else approves it."
            if may_change
            else "The policy lets you look, but not change anything."
        )
        return words.help_text(name, examples, may, self._reader.note)

    def examples(self, actor: Actor, channel_name: str | None) -> tuple[list[str], bool]:
        """Five sentences that work for this person here, and whether any of them changes something."""
        service = self._service_of(channel_name)
        environments = self._catalog.environments_of(service)
        live, trial = environments[0], environments[-1]
        where = {"service": service, "environment": live}
        candidates: list[tuple[str, dict[str, JsonValue]]] = [
            (f"how is {service} doing in {live}?", {"verb": "status", **where}),
            (f"p95 of {service} in {live} last 6h", {"verb": "query_metrics", **where, "metric": "latency_p95"}),
            (f"errors in the {service} logs in {live}", {"verb": "query_logs", **where, "level": "error"}),
            (f"scale {service} to 2 in {trial}", {"verb": "scale", **where, "environment": trial, "replicas": 2}),
            (f"restart {service} in {live}", {"verb": "restart", **where}),
            (f"history of {service} in {live}", {"verb": "history", **where}),
            (f"{service} is slow in {live}, what changed?", {"verb": "triage", **where}),
        ]
        found, may_change = [], False
        for sentence, data in candidates:
            action = self._registry.parse(data)
            try:
                if isinstance(self._preview.judge(action, actor), Forbidden):
                    continue
            except TwokeyError:
                continue
            may_change = may_change or isinstance(action, Change)
            found.append(sentence)
        return found[:5], may_change

    def _service_of(self, channel_name: str | None) -> str:
        """The service that a channel's name speaks of; otherwise the first of the catalogue."""
        name = (channel_name or "").lower()
        return next(
            (s for word, s in self._catalog.service_names.items() if word in name), next(iter(self._catalog.services))
        )


def _as_csv(table: Table) -> TextFile:
    """A table that does not fit into the message, as a file."""
    text = io.StringIO()
    csv.writer(text).writerows([table.columns, *table.rows])
    return TextFile(name="table.csv", content=text.getvalue())
