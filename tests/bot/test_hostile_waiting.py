"""Neither a cluster that does not answer nor one person's many orders stop the others' work (S1, E2)."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from sqlalchemy import update

from actions.action import Change
from actions.plan import Plan
from approvals.request import State
from approvals.tables import requests
from bot.conversation import PLANS_AT_ONCE
from bot.running import OF_ONE, Running
from tests.approvals.doubles import BEN, DEV, a_house
from tests.bot.scene import ACKNOWLEDGED, Scene
from tests.bot.test_conversation import Talk, talking
from tests.bot.test_hostile_payloads import asked
from tests.waiting import PATIENCE, within


async def test_a_press_is_acknowledged_and_another_decides_while_a_dozen_hang(slack: Scene) -> None:
    """S1: a dozen people look at Details while the cluster does not answer, and somebody turns a key.

    It would answer only after Slack gave up waiting, and what the acknowledgements cost leaves a second for them.
    """
    release = threading.Event()
    slack.hands.answer = lambda action, progress: (release.wait(2 * ACKNOWLEDGED), slack.hands.outcome)[1]  # type: ignore[method-assign]
    async with slack.program() as program:
        mine = await asked(slack, program)
        card = await slack.see("waiting for 1 of sre")
        try:
            started = time.process_time()
            answers = await asyncio.gather(*(slack.click("dora", card, "details") for _ in range(12)))
            assert time.process_time() - started < 1.0
            assert all(answer["ok"] for answer in answers)
            await slack.view("U0DORA")
            assert (await slack.click("ben", card, "approve"))["ok"]
            await slack.until(lambda _: program.ledger.get(mine.id).state is State.SUCCEEDED, "the end")
        finally:
            release.set()


async def test_nobody_s_slow_runs_keep_the_others_from_starting(tmp_path: Path) -> None:
    """E2: whoever guards twenty deploys for an hour each, in an environment where nobody has to agree."""
    house, release, stop = a_house(tmp_path / "t.db"), threading.Event(), asyncio.Event()
    house.hands.after_effect = lambda: _hang(release)
    slow = [house.asked(DEV) for _ in range(OF_ONE + 4)]
    with house.engine.begin() as connection:  # each on a target of its own
        for request in slow:
            connection.execute(update(requests).where(requests.c.id == request.id).values(target=request.id))
    ben = house.asked(DEV.model_copy(update={"service": "cart"}), BEN)
    running = asyncio.create_task(Running(house.ledger, house.gate).run(stop, lambda: PATIENCE))
    try:
        await within(lambda: ben.id in house.hands.effects)
        await within(lambda: len(house.hands.effects) > OF_ONE)
        assert len(house.ledger.ready()) == 4
    finally:
        release.set()
    await within(lambda: not house.ledger.ready() and not house.ledger.running())
    stop.set()
    await running
    house.close()


def _hang(release: threading.Event) -> None:
    release.wait(PATIENCE)


async def test_one_person_s_orders_for_a_cluster_that_hangs_hold_up_nobody_else_s(tmp_path: Path) -> None:
    """S1: each takes until its time to plan is up, and those of others are planned meanwhile."""
    with talking(tmp_path / "t.db") as talk:
        await _planned_meanwhile(talk)


async def _planned_meanwhile(talk: Talk) -> None:
    release, real = threading.Event(), talk.house.hands.plan

    def plan(action: Change, policy_version: str) -> Plan:
        if action.as_json()["environment"] == "dev":
            release.wait(PATIENCE)
        return real(action, policy_version)

    talk.house.hands.plan = plan  # type: ignore[method-assign]
    slow = [talk.hears("restart cart in dev", delivery=f"event {number}") for number in range(2 * PLANS_AT_ONCE)]
    hanging = [asyncio.create_task(each) for each in slow]
    await asyncio.sleep(0)  # they have begun
    try:
        await asyncio.wait_for(talk.hears("restart cart in prod", by=BEN, delivery="event ben"), PATIENCE / 2)
        assert [request.requester for request in talk.house.ledger.recent(9)] == [BEN]
    finally:
        release.set()
        await asyncio.gather(*hanging)
    assert len(talk.house.ledger.recent(9)) == 1 + len(hanging)
