"""What is said where the store is down, which is all that can be done without it: nothing is lost in silence."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from approvals.store import StoreDown
from bot.blocks import message as kit
from bot.listeners.desk import Place, place_of
from bot.work import Work

REMEMBERED = 1_000  # deliveries; one that comes again is excused once
_SPOKEN = {"app_mention", "message"}
_COMES_AGAIN = (
    "I cannot write to my store right now, so nothing was recorded and nothing was done. Slack hands me your message "
    "again within a few minutes. If no answer follows by then, write it again."
)


class Apologies:
    """For one gateway. Told to whoever spoke or pressed, and to nobody else."""

    def __init__(self, client: AsyncWebClient, work: Work) -> None:
        self._client, self._work = client, work
        self._made: OrderedDict[str, None] = OrderedDict()

    def make(self, key: str, body: dict[str, Any], error: StoreDown) -> None:
        """Begin to say it, once a delivery."""
        event = body.get("event")
        if key in self._made or (event and event.get("type") not in _SPOKEN):
            return
        self._made[key] = None
        if len(self._made) > REMEMBERED:
            self._made.popitem(last=False)
        self._work.start(self._say(body, _COMES_AGAIN if event else error.say), f"an apology for {key}")

    async def _say(self, body: dict[str, Any], text: str) -> None:
        place = _spoken_at(body.get("event") or body) or await place_of(body, self._client)
        await place.stages(self._client).here.whisper(kit.say(text))


def _spoken_at(said: Mapping[str, Any]) -> Place | None:
    """Where a message or a command was written; None for a press."""
    if "command" in said:
        return Place(str(said["channel_id"]), str(said["user_id"]))
    if said.get("type") in _SPOKEN:
        return Place(str(said["channel"]), str(said["user"]), said.get("ts"), said.get("thread_ts"))
    return None
