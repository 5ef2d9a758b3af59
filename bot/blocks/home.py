"""App Home: what waits for you, what is yours, what happened lately, whether all is well, what to try."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from approvals.request import Request
from bot.blocks import message as kit
from bot.blocks.card import Face, body, status, title, written
from bot.blocks.message import Block
from bot.blocks.text import clip, escape, local, moment

CARDS, LINES = 8, 10
_VERIFIED = re.compile(r" · verified: .*?(?= · 🚨| · not reviewed yet|$)")


@dataclass(frozen=True)
class Health:
    """One part the program rests on: well, or what to do."""

    name: str
    well: bool
    say: str
    at: datetime | None = None  # when what it says happened


Shown = tuple[Request, Face]


def home(
    waiting: Sequence[Shown],
    reviews: Sequence[Shown],
    yours: Sequence[Shown],
    lately: Sequence[Shown],
    health: Sequence[Health],
    examples: Sequence[str],
) -> Block:
    """The view for one person; `waiting` are the requests that they may decide now, oldest first.

    `reviews` are those for which somebody broke the glass, and that this person may review.
    """
    blocks: list[Block] = []
    if reviews:
        blocks += [kit.header("🚨 Reviews due"), *_cards(reviews[:2], "review-")]
    blocks += [kit.header("Waiting for you"), *_cards(waiting, "")]
    if len(waiting) > CARDS:
        blocks.append(kit.context(f"and {len(waiting) - CARDS} more"))
    if not waiting:
        blocks.append(kit.section("Nothing. Requests that need your key appear here."))
    blocks += _list("Yours", yours, "You asked for nothing yet.")
    blocks += _list("Lately", lately, "No change yet that you would see here.")
    blocks.append(kit.header("Health of Twokey"))
    blocks.append(kit.section("\n".join(_health(h) for h in health) or "Not known."))
    blocks += [kit.header("Try this"), kit.section("\n".join(f"• {escape(clip(e, 200))}" for e in examples[:6]) or "–")]
    return {"type": "home", "callback_id": "home", "blocks": blocks[: kit.VIEW_BLOCKS]}


def _cards(shown: Sequence[Shown], prefix: str) -> list[Block]:
    blocks: list[Block] = []
    for number, (request, face) in enumerate(shown[:CARDS]):
        mark = f"{prefix}{number}-"
        blocks += [
            {**title(face), "block_id": f"{mark}title"},
            *body(request, face, prefix=mark, deciding=True),
            {"type": "divider"},
        ]
    return blocks


def _list(heading: str, shown: Sequence[Shown], otherwise: str) -> list[Block]:
    """A title and when it was asked, and below it how it stands: two lines that a phone need not break."""
    lines = [
        f"*{escape(clip(f.title, 120))}* · {moment(r.created_at, '{date_short_pretty}, {time}')}\n"
        f"{local(escape(clip(_glance(r, f), 120)), written(r, f))}"
        for r, f in shown[:LINES]
    ]
    return [kit.header(heading), kit.section("\n\n".join(lines) or otherwise)]


def _glance(request: Request, face: Face) -> str:
    """How it stands, without how that was verified: Details tell."""
    return _VERIFIED.sub("", status(request, face))


def _health(part: Health) -> str:
    when = f", {moment(part.at, '{date_short_pretty}, {time}')}" if part.at else ""
    return f"{'✅' if part.well else '⚠️'} *{escape(part.name)}*: {escape(clip(part.say, 240))}{when}"
