"""`/twokey policy ask 1a2b3c4d5e6f`: a weaker policy's way into force, read word by word, by no model (A9, A12)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from actions.errors import BadInput
from approvals import quorum
from approvals.actor import Actor
from approvals.amendment import Amendment, Standing
from approvals.charter import Charter, Draft
from bot.people import Names

_SAID = re.compile(r"policy(?: (?P<kind>ask|approve|deny) (?P<draft>[0-9a-f]{12}))?")
_ANY = re.compile(r"policy (?:ask|approve|deny)\b.*", re.DOTALL)
_SHOWN = 12  # lines of a difference in one message; `twokey policy diff` has them all

HOW = "Write `policy` to see what is held back, then `policy ask`, `policy approve` or `policy deny` and its id."


@dataclass(frozen=True)
class Wish:
    """What somebody wants to do about the policy."""

    kind: Literal["show", "ask", "approve", "deny", "unclear"]
    draft: str = ""


def wish(text: str) -> Wish | None:
    """The wish in a message without mention of the bot; None where it is about something else."""
    said = " ".join(text.split()).rstrip(".!").lower()
    found = _SAID.fullmatch(said)
    if found is None:
        return Wish("unclear") if _ANY.fullmatch(said) else None
    match found["kind"]:
        case "ask":
            return Wish("ask", found["draft"])
        case "approve":
            return Wish("approve", found["draft"])
        case "deny":
            return Wish("deny", found["draft"])
        case _:
            return Wish("show")


def why(draft: Draft) -> str:
    """One line for the log, `twokey doctor` and Home."""
    weaker = sum(shift.weaker for shift in draft.shifts)
    verdicts = "1 verdict" if weaker == 1 else f"{weaker} verdicts"
    return (
        f"it weakens {verdicts}, so the one before stays in force until {quorum.say(draft.needs)} approves. "
        f"In Slack, say `policy ask {draft.id}`."
    )


class Amending:
    """Says what came of it. May block; what it raises is for the person."""

    def __init__(self, charter: Charter, amendment: Amendment, names: Names) -> None:
        self._charter, self._amendment, self._names = charter, amendment, names

    def do(self, meant: Wish, actor: Actor) -> str:
        """Do what was wished. Raises BadInput, DecisionRefused, DirectoryDown."""
        match meant.kind:
            case "unclear":
                raise BadInput(HOW)
            case "ask":
                return self._asked(self._amendment.ask(meant.draft, actor), actor)
            case "approve":
                return self._approved(self._amendment.approve(meant.draft, actor), actor)
            case "deny":
                said = self._amendment.deny(meant.draft, actor)
                return f"{self._name(actor)} denied policy {said.draft.id}: it stays out of force."
            case _:
                return self._shown()

    def _shown(self) -> str:
        current, drafts = self._charter.in_force(), self._charter.drafts()
        head = f"Policy {current.version[:12]} is in force."
        return "\n\n".join([head, *map(self._told, drafts)]) if drafts else f"{head} Nothing is held back."

    def _told(self, draft: Draft) -> str:
        now = self._amendment.asked(draft)
        if now is None:
            return f"Nobody asks for it; `policy ask {draft.id}` does.\n{_lines(draft)}"
        agreed = f" Approved by {self._list(now.approved)}." if now.approved else ""
        return f"{self._name(now.by)} asks for it.{agreed} {_how(draft)}\n{_lines(draft)}"

    def _asked(self, said: Standing, actor: Actor) -> str:
        return f"{self._name(actor)} asks for another policy. {_how(said.draft)}\n{_lines(said.draft)}"

    def _approved(self, said: Standing, actor: Actor) -> str:
        if said.adopted:
            return (
                f"{self._name(actor)} approved. Policy {said.draft.policy.version[:12]} is in force now, everywhere. "
                "What was planned under the one before has to be asked for again."
            )
        return f"{self._name(actor)} approved policy {said.draft.id}. It still needs {quorum.say(said.left)}."

    def _list(self, actors: tuple[Actor, ...]) -> str:
        return " and ".join(self._name(actor) for actor in actors)

    def _name(self, actor: Actor) -> str:
        return self._names.of([actor.user_id])[actor.user_id]


def _lines(draft: Draft) -> str:
    """What would change, the weaker first, as far as a message goes: whoever approves has to see how much it is."""
    first = sorted(draft.shifts, key=lambda shift: not shift.weaker)
    shown = [f"• {shift.say}" for shift in first[:_SHOWN]]
    more = len(first) - len(shown)
    rest = [f"… and {more} more: `twokey policy diff` lists them."] if more else []
    weaker = sum(shift.weaker for shift in first)
    head = f"Policy {draft.id} is held back, because it makes {weaker} of the {len(first)} verdicts it changes weaker:"
    return "\n".join([head, *shown, *rest])


def _how(draft: Draft) -> str:
    return (
        f"It takes {quorum.say(draft.needs)}, never who asks: `policy approve {draft.id}`, or `policy deny {draft.id}`."
    )
