"""A process at work: what it does by itself, what it hands to the program that follows, and how it leaves."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import QueuePool, select

from actions.errors import TwokeyError, Unreachable
from approvals.request import State
from approvals.runner import LEASE
from approvals.store import reading
from approvals.tables import processes, requests
from bot.app import Program, build
from bot.playground import cast
from bot.rounds import Round, Timer
from bot.slack import Identity
from tests.approvals.doubles import ANA, DEV
from tests.bot.scene import HERE, Scene
from tests.bot.test_amending import rename
from tests.waiting import PATIENCE, until, within

MINUTE = timedelta(minutes=1)
SOON = timedelta(milliseconds=5)


async def test_a_run_goes_on_while_its_process_goes_over_to_another_catalogue(slack: Scene, tmp_path: Path) -> None:
    """A9, E2: beyond any lease, beside the successor, which takes it for alive; its end lands on its card."""
    release = slack.held()
    async with slack.served() as programs:
        await slack.say("ana", "@twokey scale checkout to 5 in prod")
        card = await slack.see("waiting for 1 of sre")
        await slack.click("ben", card, "approve")
        await slack.see("running ·")
        rename(slack, tmp_path, namespace="dev")
        async with slack.program("gateway"):
            await slack.until(lambda _: len(programs) > 1, "the successor")
        before = _lease(programs[0])
        slack.clock.advance(LEASE.total_seconds() - 1)
        await slack.until(lambda _: _lease(programs[0]) > before, "it is held")
        slack.clock.advance(LEASE.total_seconds() - 1)
        await asyncio.to_thread(programs[1].gate.tick)
        (running,) = programs[1].ledger.running()
        release.set()
        done = await slack.see("✅ done", "asked by ana")
        assert (done["ts"], slack.hands.effects) == (card["ts"], [running.id])
    until(lambda: not any(t.name == "see out" for t in threading.enumerate()), "the end of what held it")
    left = programs[0].engine.pool
    assert isinstance(left, QueuePool)
    assert left.checkedin() == 0, "no connection to the store stays behind"


async def test_a_cluster_that_does_not_answer_makes_nobody_count_as_dead(slack: Scene) -> None:
    """E2, L3: while what became of one request is read back for minutes, the other runs go on, and so does the process.

    A cluster that hangs takes a quarter of a minute for each request that is unknown; a lease lasts half a minute.
    """
    program, release = await asyncio.to_thread(_with_one_unknown_and_one_that_runs, slack)
    asking, answered = threading.Event(), threading.Event()

    def hangs(plan: object, request_id: str) -> None:
        asking.set()
        answered.wait(PATIENCE)

    slack.hands.reconcile = hangs  # type: ignore[method-assign]
    rounds = [Working(due) for due in program.rounds("all") if due.every < MINUTE]
    try:
        for _ in range(3):
            slack.clock.advance(LEASE.total_seconds() - 1)
            await _still_alive(program, rounds)
            await within(asking.is_set)
    finally:
        answered.set()
        release.set()
        for each in rounds:
            await asyncio.to_thread(each.join)
    until(lambda: not program.ledger.running(), "the end of the run")
    program.engine.dispose()


async def _still_alive(program: Program, rounds: list[Working]) -> None:
    """One turn of the rounds that are not under way, and both say so."""
    lease, seen = _lease(program), _seen(program)
    for each in rounds:
        each.turn()
    await within(lambda: _lease(program) > lease and _seen(program) > seen)


class Working:
    """A round that its timer makes again and again, but never beside itself."""

    def __init__(self, due: Round) -> None:
        self._due, self._thread = due, threading.Thread(target=due.make)

    def turn(self) -> None:
        if not self._thread.is_alive():
            self._thread = threading.Thread(target=self._due.make)
            self._thread.start()

    def join(self) -> None:
        self._thread.join(PATIENCE)


def _with_one_unknown_and_one_that_runs(slack: Scene) -> tuple[Program, threading.Event]:
    """A process at work, and what its run goes on by."""
    program = build(slack.settings(), slack.clock, slack.hands)
    program.files.put_forward(program.charter)
    program.pulse.start("all", {})
    slack.hands.after_effect = _lost
    program.gate.run(program.gate.submit(DEV, ANA, {}).id)
    slack.hands.after_effect = lambda: None
    release, run = slack.held(), program.gate.submit(DEV.model_copy(update={"service": "cart"}), ANA, {})
    threading.Thread(target=program.gate.run, args=[run.id]).start()
    until(program.ledger.running, "the run")
    return program, release


def _lost() -> None:
    raise Unreachable("the answer was lost")


def _seen(program: Program) -> str:
    with reading(program.engine) as connection:
        return str(connection.execute(select(processes.c.seen_at)).scalar_one())


def _lease(program: Program) -> str:
    with reading(program.engine) as connection:
        running = requests.c.state == State.RUNNING
        return str(connection.execute(select(requests.c.lease_until).where(running)).scalar_one())


async def test_a_policy_that_nobody_could_check_is_in_force_within_a_minute_of_when_somebody_can(
    slack: Scene, tmp_path: Path
) -> None:
    """A7, A9: Slack does not say at the start who is in its groups; a minute's rounds put the file forward."""
    async with slack.program():
        pass
    data = yaml.safe_load((HERE / "policy.yaml").read_text())
    data["defaults"]["approve_within"] = "30m"
    slack.policy = tmp_path / "stricter.yaml"
    slack.policy.write_text(yaml.safe_dump(data))
    for method in ("usergroups.list", "usergroups.users.list"):
        await slack.post("faults", rate_limit={"method": method, "retry_after": 60, "times": 1})
    async with slack.program("gateway") as program:
        assert program.gate.policy.version != program.files.policy.version
        slack.clock.advance(60)
        for due in program.rounds("gateway"):
            if due.every <= MINUTE:
                await asyncio.to_thread(due.make)
        assert program.gate.policy.version == program.files.policy.version


async def _turns(count: int) -> None:
    """Until another timer has made its round so often: what is due by then would have been made."""
    made: list[None] = []
    other = Timer([Round("beside", SOON, lambda: made.append(None))])
    other.start()
    await within(lambda: len(made) >= count)
    await other.stop()


async def test_a_timer_makes_each_round_again_and_again_whatever_it_raises(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A6: a store that is down for a moment ends no look at what expires, and is told of in one line."""
    made: list[str] = []

    def breaks() -> None:
        made.append("breaks")
        raise TwokeyError("not now")

    timer = Timer([Round("one that breaks", SOON, breaks), Round("another", SOON, lambda: made.append("works"))])
    timer.start()
    await within(lambda: min(made.count("breaks"), made.count("works")) > 2)
    await timer.stop()
    assert {record.getMessage() for record in caplog.records} == {"one that breaks put off: not now"}
    ended = len(made)
    await _turns(10)
    assert len(made) == ended


async def test_a_round_under_way_is_awaited_at_the_end_and_none_is_made_beside_itself() -> None:
    """It may need the store and threads, which are gone after that."""
    begun, release, ended = threading.Semaphore(0), threading.Event(), threading.Event()

    def slow() -> None:
        begun.release()
        release.wait(60)
        ended.set()

    timer = Timer([Round("slow", SOON, slow)])
    timer.start()
    await within(lambda: begun.acquire(blocking=False))
    stopping = asyncio.create_task(timer.stop())
    await _turns(4)
    assert not stopping.done()
    assert not begun.acquire(blocking=False), "it was made beside itself"
    release.set()
    await stopping
    assert ended.is_set()


async def test_what_was_done_is_noted_before_a_gateway_leaves_though_its_work_is_cut_off(slack: Scene) -> None:
    """S2: otherwise the next process would work on it again."""
    program = build(slack.settings(), slack.clock, slack.hands)
    gateway = program.gateway(Identity("T0TOWN", cast.BOT_USER_ID, None, "twokey"))
    desk, done, key = gateway.desk, asyncio.Event(), "event Ev1"
    desk.inbox.take(key, {})

    async def work() -> None:
        done.set()

    desk.work.start(desk.finish(key, work()), key)
    await done.wait()
    await desk.leave(0)
    desk.inbox.leave()
    following = build(slack.settings(), slack.clock, slack.hands)
    following_gateway = following.gateway(gateway.identity)
    assert following_gateway.inbox.left_over() == []
    for one, served in ((program, gateway), (following, following_gateway)):
        await served.session.close()
        one.engine.dispose()
