"""A cluster that does not answer keeps nobody from turning a key (S1)."""

from __future__ import annotations

import asyncio
import threading
import time

from approvals.request import State
from tests.bot.scene import ACKNOWLEDGED, Scene
from tests.bot.test_hostile_payloads import asked


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
