"""`@twokey policy`: what is in force and what is held back, of policies and catalogues (A9).

Words show it; only buttons on a card decide (A12).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from approvals import amendment, quorum
from approvals.charter import Charter, Draft
from approvals.ledger import Ledger
from approvals.request import Request
from bot.blocks.amendment import count
from bot.cards import Cards
from bot.people import Names

_SHOW = re.compile(r"policy|policies|catalog(?:ue)?|(?:policy|catalog(?:ue)?) (?:show|status|list)")
_DECIDE = re.compile(r"(?:policy|catalog(?:ue)?) (?:ask|propose|approve|deny|adopt|accept|reject)\b.*", re.DOTALL)

NO_WORDS = "I take no approvals in words, not for a policy or a catalogue either: press the button."


@dataclass(frozen=True)
class Wish:
    """What somebody wants to know, or to decide in words, which is not taken."""

    kind: Literal["show", "decide"]


def wish(text: str) -> Wish | None:
    """The wish in a message without mention of the bot; None where it is about something else."""
    said = " ".join(text.split()).rstrip(".!?").lower()
    if _SHOW.fullmatch(said):
        return Wish("show")
    return Wish("decide") if _DECIDE.fullmatch(said) else None


def why(draft: Draft) -> str:
    """One line for the log, `twokey doctor` and Home."""
    return (
        f"it makes {count(draft)}, so the one before stays in force; this one takes {quorum.say(draft.needs)}. "
        "In Slack, say `policy` and press Ask for it."
    )


@dataclass(frozen=True)
class Held:
    """What is held back; where somebody asks for it now, that in words, and its card's channel and message."""

    draft: Draft
    say: str = ""
    card: tuple[str, str] | None = None


@dataclass(frozen=True)
class Standing:
    """What there is to show."""

    say: str
    held: tuple[Held, ...]


class Amending:
    """Gathers what is to be shown. May block; what it raises is for the person."""

    def __init__(self, charter: Charter, ledger: Ledger, cards: Cards, names: Names) -> None:
        self._charter, self._ledger, self._cards, self._names = charter, ledger, cards, names

    def standing(self, meant: Wish) -> Standing:
        """What is in force and held back. Raises NoPolicy, StoreDown."""
        current, drafts = self._charter.in_force(), self._charter.drafts()
        head = f"Policy {current.version[:12]} is in force."
        if not drafts:
            return Standing(f"{head} Nothing is held back.", ())
        asked = [r for target in amendment.TARGETS.values() for r in self._ledger.waiting_on(target.key)]
        waiting = {str(r.plan.action["draft"]): r for r in asked}
        held = tuple(self._held(draft, waiting.get(draft.id)) for draft in drafts)
        return Standing(f"{NO_WORDS} {head}" if meant.kind == "decide" else head, held)

    def _held(self, draft: Draft, request: Request | None) -> Held:
        if request is None:
            return Held(draft)
        agreed = [d.approver for d in request.decisions if d.approve]
        names = self._names.of(actor.user_id for actor in (request.requester, *agreed))
        so_far = f", {' and '.join(names[actor.user_id] for actor in agreed)} approved" if agreed else ""
        who = names[request.requester.user_id]
        what = f"{amendment.WORDS[draft.kind]} {draft.id}"
        say = f"{who} asks for {what}{so_far}; it waits for {quorum.say(request.missing)}."
        home = [c for c in self._cards.of(request.id).copies if c.channel == request.origin.get("channel") and c.ts]
        return Held(draft, say, (home[0].channel, str(home[0].ts)) if home else None)
