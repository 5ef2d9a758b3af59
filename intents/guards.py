"""What a sentence must not hold to be an order. The same for every engine, and deterministic (R6).

A guard never makes a reading better: it can only turn one down. So even the worst model lowers coverage and no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import resources
from itertools import pairwise
from typing import Any, NamedTuple

import yaml

from intents import reasons
from intents.names import Named, Names
from intents.reading import Reason
from intents.reasons import ENVIRONMENT, SERVICE
from intents.tokens import Sentence


class Objection(NamedTuple):
    """Why a sentence is no order."""

    reason: Reason
    say: str


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT = resources.files("intents").joinpath("guards.yaml").read_text(encoding="utf-8")
_DATA: dict[str, str] = yaml.load(_TEXT, Loader=_Loader)  # noqa: S506 - the loader is the safe one


def _any(kind: str) -> re.Pattern[str]:
    """Any of a kind's phrases, as whole words."""
    phrases = (
        "|".join(_DATA[kind].split("\n")).strip("|").replace("<service>", SERVICE).replace("<environment>", ENVIRONMENT)
    )
    return re.compile(rf"(?<= )(?:{phrases})(?= )")


_POLITE, _CHANGES, _ORDER = _any("polite"), _any("changes"), _any("orders")
_ONE_ORDER, _READS, _APPROVALS = _any("one_order"), _any("reads"), _any("approvals")
_INJECTION, _DANGER, _DESTRUCTION = _any("injection"), _any("danger"), _any("destruction")
_NEGATION, _CONDITION, _QUESTION = _any("negation"), _any("conditions"), _any("questions")
_INTENT = _any("intents")
_SCHEDULE, _SCOPE, _PLURAL, _REPORT = _any("schedules"), _any("scopes"), _any("plurals"), _any("reports")
_WAITING, _VERDICT = _any("waiting"), _any("verdicts")
_NOUN, _WANTED = _any("nouns"), _any("wanted")
_COMPLAINT = re.compile(
    "|".join(_DATA["complaints"].split("\n"))
    .strip("|")
    .replace("<service>", SERVICE)
    .replace("<environment>", ENVIRONMENT)
)
_APPROVAL_WORDS = frozenset(_DATA["approval_words"].split())
_APPROVING_WORDS = frozenset(_DATA["approving_words"].split())
_PLACES = frozenset(("in", "on", "to", "into", "onto", "-n", "--namespace", "→"))
_POINTS = frozenset(("it", "that", "this", "same", "again", "its"))
_ON_HOME = (
    "What waits for you, and what became of what you asked for, is on my Home tab. "
    "A card says who may approve it, or why it was refused."
)
_AND = re.compile(r" (?:and|then|also|plus|&|&&|as well as|followed by|along with|or|afterwards|;|,) ")


class View:
    """A sentence with its names masked and its politeness taken out: what the guards look at."""

    def __init__(self, sentence: Sentence, names: Names) -> None:
        self.sentence = sentence
        self.services, self.environments = _mentioned(sentence, names)
        words = list(sentence.words)
        for found, mask in ((self.environments, ENVIRONMENT), (self.services, SERVICE)):
            for named in found:
                words[named.start : named.end] = [mask, *[""] * (named.end - named.start - 1)]
        self.reasons = reasons.find(words, sentence.spelled) if sentence.language == "en" else ()
        self.proven = [named for named in self.environments if self._proves(named)]
        self.environments = [named for named in self.environments if named not in self.proven]
        if words and words[0] in ("k", "kubectl", "kc", "oc"):  # there, these are kinds of objects and no orders
            words = ["" if word in ("deploy", "deployment") else word for word in words]
        self.masked = tuple(words)
        self.text, self.plain = _text(words), _plain(words)
        for reason in self.reasons:
            words[reason.start : reason.end] = [""] * (reason.end - reason.start)
        self._ordered = _text(words)
        self.bare = _plain(words) if self.reasons else self.plain  # without the reason for it
        self.order = _COMPLAINT.sub(_dropped, self.bare)  # without a complaint before or behind it either

    def _proves(self, named: Named) -> bool:
        """Whether this place is only where a version did well: `…, it is tested in staging`."""
        return any(reason.proves and reason.start <= named.start < reason.end for reason in self.reasons)

    def wants_change(self) -> bool:
        """Whether any word speaks of changing something; a service's name is no such word."""
        return bool(_CHANGES.search(self.plain))

    def speaks_of_rollback(self) -> bool:
        """Whether it is about going back to an older version."""
        return bool(re.search(r" (?:roll\w* (?:it |that )?back|rollback|revert|undo) ", self.plain))

    def points(self) -> bool:
        """Whether it points at something that the thread holds."""
        return bool(_POINTS & set(self.sentence.words))

    def names_order(self) -> bool:
        """Whether an order is only named: `restart of cart in prod`, `cart's rollback`."""
        return bool(_NOUN.search(self._ordered))

    def whys(self) -> Iterator[tuple[tuple[str, ...], bool]]:
        """The words of each reason, names masked, and whether it stands before the order."""
        begun = 0
        for reason in sorted(self.reasons):
            yield tuple(filter(None, self.masked[reason.start : reason.end])), reason.start == begun
            begun = reason.end if reason.start == begun else -1

    def ordered(self) -> str:
        """The words of the order itself, names masked, without reasons and complaints."""
        return _COMPLAINT.sub(_dropped, self._ordered)

    def reasons_name(self) -> bool:
        """Whether a reason names a service or an environment."""
        return any({SERVICE, ENVIRONMENT} & {*words} for words, _ in self.whys())

    def dangerous(self) -> bool:
        """Whether a word speaks of something that must never be done from a chat."""
        return bool(_DESTRUCTION.search(self.plain))


def _text(words: list[str]) -> str:
    return f" {' '.join(word for word in words if word)} "


def _plain(words: list[str]) -> str:
    """Masked words as a text without politeness."""
    active = _WANTED.sub("restart", _text(words))  # "i need cart restarted" orders, and reports nothing
    polite = f" {' '.join(_POLITE.sub(' ', active).split())} "
    return _ONE_ORDER.sub("restart", polite)  # "rolling restart" is one order, not two


def _ordered(named: Named, sentence: Sentence, names: Names) -> Named:
    """In "scale api to 5" it is the api that is named, also where there is a service "scale-api"."""
    if named.end - named.start > 1 and _ORDER.search(f" {sentence.words[named.start]} "):
        return next(names.services.at(sentence.words, named.start + 1), named)
    return named


def _mentioned(sentence: Sentence, names: Names) -> tuple[list[Named], list[Named]]:
    """Services and environments named. A word that names both is what its place or its neighbours leave it to be."""
    services = [_ordered(named, sentence, names) for named in names.mentioned_services(sentence.words)]
    places = _targets(sentence, names.mentioned_environments(sentence.words))
    if len({named.name for named in services}) > 1:  # "all pods of cart" where a service is called "all"
        services = [named for named in services if not _PLURAL.search(f" {sentence.words[named.start]} ")]
    both = {named.start for named in services} & {named.start for named in places}
    located = {at for at in both if at and sentence.words[at - 1] in _PLACES}
    if not located and any(named.start not in both for named in places):
        return services, [named for named in places if named.start not in both]
    if any(named.start not in both for named in services):
        located = both
    return [named for named in services if named.start not in located], places


def _targets(sentence: Sentence, places: list[Named]) -> list[Named]:
    """The places without the one that a version is promoted from: `ship cart 2.1 from staging to prod`."""
    words = sentence.words
    pairs = pairwise(places)
    sources = [
        one
        for one, other in pairs
        if one.start
        and words[one.start - 1] == "from"
        and words[one.end : other.start] in (("to",), ("into",), ("onto",))
    ]
    return [named for named in places if named not in sources]


def _dropped(complaint: re.Match[str]) -> str:
    """Nothing in a complaint's place; itself where it speaks of a change ("cart is restarting in prod, …")."""
    return complaint[0] if _CHANGES.search(f" {complaint[0]} ") else ""


def never(view: View) -> Objection | None:
    """What turns any sentence down, also one that only looks: approvals in words, orders to the program itself."""
    if view.sentence.plain.hidden:
        return Objection(
            "unsafe",
            "That message holds hidden characters, so what it shows may not be what it says. Please type it again.",
        )
    words = set(view.sentence.words)
    if words & _APPROVING_WORDS and words <= _APPROVAL_WORDS:
        return Objection(
            "not_an_operation", "I never read an approval from words. Please press Approve or Deny on the card itself."
        )
    if _about_requests(view):
        return Objection("not_an_operation", _ON_HOME)
    if _INJECTION.search(view.plain):
        return Objection(
            "unsafe",
            "I can't be told to work around my own rules. Say which service and environment, and what to do with it.",
        )
    return None


def _about_requests(view: View) -> bool:
    """Whether somebody asks what waits, what became of a request, or who may approve one."""
    waits = not view.services and not view.environments and _WAITING.search(view.text)
    return bool(waits or _VERDICT.search(view.text))


def warns(word: str) -> bool:
    """Whether a word would turn an order down were it no name: of a negation, a condition or a time."""
    return any(kind.search(f" {word} ") for kind in (_NEGATION, _CONDITION, _SCHEDULE))


def orders(words: Sequence[str]) -> bool:
    """Whether any of these words is one that orders something."""
    return bool(_ORDER.search(f" {' '.join(words)} "))


def order(view: View) -> Objection | None:
    """Why this sentence cannot be an order to change something; None where nothing speaks against it."""
    if view.sentence.plain.struck:
        return Objection(
            "negated", "Part of that is crossed out, so I do nothing. Write what you want on a line of its own."
        )
    for guard in (
        _approval,
        _danger,
        _negation,
        _quoted,
        _conditional,
        _asking,
        _report,
        _several,
        _plural,
        _schedule,
        _scope,
    ):
        found = guard(view)
        if found is not None:
            return found
    return None


def _approval(view: View) -> Objection | None:
    if _APPROVALS.search(view.plain):
        return Objection(
            "not_an_operation", "I never read an approval from words. Please press Approve or Deny on the card itself."
        )
    return None


def _danger(view: View) -> Objection | None:
    if _DANGER.search(view.bare):
        return Objection(
            "unsafe",
            "That is nothing I do from a chat. I can deploy, roll back, scale or restart one service, and look at it.",
        )
    return None


def _negation(view: View) -> Objection | None:
    if _NEGATION.search(view.plain):
        return Objection(
            "negated",
            "I read that as something not to do, so I do nothing. Say it without the exception if you want it done.",
        )
    return None


def _quoted(view: View) -> Objection | None:
    for words in view.sentence.quoted:
        if len(words) > 1 and _CHANGES.search(f" {' '.join(words)} "):
            return Objection(
                "not_an_operation", "That order stands in quotation marks. Write it without them if you want it done."
            )
    return None


def _conditional(view: View) -> Objection | None:
    if _CONDITION.search(view.plain) or _INTENT.search(view.bare):
        say = "I can't wait for conditions or decide for you. Say plainly what to do now, or ask me to look first."
        return Objection("conditional", say)
    return None


def _asking(view: View) -> Objection | None:
    if _QUESTION.search(view.order):
        say = "That asks about a change and does not order one. To have it done, begin with the verb: restart cart."
        return Objection("not_an_operation", say)
    return None


def _report(view: View) -> Objection | None:
    if _REPORT.search(view.order):
        return Objection(
            "not_an_operation",
            "That sounds like a report, so I do nothing. To have it done, start with the verb: restart cart in dev.",
        )
    return None


def _several(view: View) -> Objection | None:
    many = "That is more than one change. Please send them one by one; each gets a card of its own."
    services = {named.name for named in view.services}
    environments = {named.name for named in view.environments}
    counted = len(_ORDER.findall(view.bare))
    if len(environments) > 1 or counted > 1 or len(services) > 1:
        return Objection("several_actions", many)
    if _AND.search(view.bare) and counted and _READS.search(view.bare):
        return Objection("several_actions", many)
    return None


def _plural(view: View) -> Objection | None:
    if _PLURAL.search(view.bare):
        return Objection("unsupported", "I change one named service at a time. Say which one, and where.")
    return None


def _schedule(view: View) -> Objection | None:
    if _SCHEDULE.search(view.bare):
        return Objection("unsupported", "I can't do things later or for a while. Ask again when it should happen.")
    return None


def _scope(view: View) -> Objection | None:
    if _SCOPE.search(view.order):
        return Objection(
            "unsupported",
            "I can't change a part of a service: no single pods, zones or shares of traffic. I can change all of it.",
        )
    return None


def read(view: View) -> Objection | None:
    """Why this sentence is not even a question to look something up."""
    if re.search(
        r" (?:do not|don't|dont|never|stop|no need to) (?:show|tell|post|give|look|check|run|fetch|send|list|get) ",
        view.plain,
    ):
        return Objection("negated", "I read that as something not to do, so I do nothing.")
    return None
