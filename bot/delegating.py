"""`/twokey delegate @carla until 18:00`: read word by word, by no model and no grammar (A12)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from actions import durations
from actions.clock import Clock
from actions.errors import BadInput
from approvals.actor import Actor
from approvals.gate import Gate
from bot.people import Names

_HAND = r"(?:delegate|(?:hand|give|lend)(?: over)? my key)"
_UNITS = r"m|min|minutes?|h|hours?|d|days?|w|weeks?"
_GIVE = re.compile(
    rf"{_HAND} (?:to )?<@(?P<user>[A-Z0-9]+)(?:\|[^>]*)?> "
    rf"(?:until (?P<until>\d{{1,2}}:\d{{2}})|for (?:(?P<many>\d+) ?(?P<unit>{_UNITS})))",
    re.IGNORECASE,
)
_ANY = re.compile(rf"{_HAND}\b.*", re.DOTALL)
_END = re.compile(r"delegate (?:end|stop|back)|end delegation|take (?:back my key|my key back)")

HOW = "Write `delegate @name until 18:00`, or `delegate @name for 2h`; `delegate end` takes it back."


@dataclass(frozen=True)
class Wish:
    """What somebody wants done with their key."""

    kind: Literal["give", "end", "unclear"]
    user: str = ""
    until: str = ""
    length: str = ""


def wish(text: str) -> Wish | None:
    """The wish in a message as Slack sends it, without mention of the bot; None where it is about something else."""
    said = " ".join(text.split()).rstrip(".!")
    if _END.fullmatch(said.lower()):
        return Wish("end")
    if not _ANY.fullmatch(said.lower()):
        return None
    found = _GIVE.fullmatch(said)
    if not found:
        return Wish("unclear")
    length = f"{found['many']}{found['unit'][0].lower()}" if found["many"] else ""
    return Wish("give", found["user"], found["until"] or "", length)


def ends_at(asked: Wish, now: datetime, zone: str) -> datetime:
    """When it ends: the next time that the clocks of this zone show that hour. Raises BadInput."""
    if asked.length:
        return now + durations.parse(asked.length)
    hour, _, minute = asked.until.partition(":")
    if int(hour) > 23 or int(minute) > 59:
        raise BadInput(f"{asked.until} is no time of the day. {HOW}")
    local = now.astimezone(ZoneInfo(zone))
    end = local.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    return end if end > local else end + timedelta(days=1)


class Delegating:
    """Says what came of it in one sentence. May block; what it raises is for the person."""

    def __init__(self, gate: Gate, names: Names, clock: Clock) -> None:
        self._gate, self._names, self._clock = gate, names, clock

    def do(self, asked: Wish, actor: Actor) -> str:
        """Do what was wished. Raises BadInput, DecisionRefused, DirectoryDown."""
        if asked.kind == "unclear":
            raise BadInput(HOW)
        if asked.kind == "end":
            held = self._gate.take_back(actor)
            return "Your key is yours alone again." if held else "Nobody holds your key."
        zone = self._names.zone(actor.user_id)
        taker = Actor(team_id=actor.team_id, user_id=asked.user)
        made = self._gate.hand_over(actor, taker, ends_at(asked, self._clock.now(), zone))
        names = self._names.of([actor.user_id, asked.user])
        return (
            f"{names[asked.user]} may turn {names[actor.user_id]}'s key until {_at(made.until, zone)}: never "
            "for a request of either of them, and never handed on. `delegate end` takes it back."
        )


def _at(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%a %H:%M} ({zone})"
