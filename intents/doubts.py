"""What leaves an order in doubt although every word of it is understood: then one button asks.

Two classes: reasons that may be a time, a condition or an outcome ("as traffic drops, …", "…, it worked"), and names
that may be words ("support, restart in prod", "restart now in prod"). A doubt never makes an order; it only asks.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import yaml

from intents import guards, quantities
from intents.guards import View
from intents.names import Named
from intents.reasons import ENVIRONMENT, SERVICE

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT = resources.files("intents").joinpath("doubts.yaml").read_text(encoding="utf-8")
_DATA: dict[str, str] = yaml.load(_TEXT, Loader=_Loader)  # noqa: S506 - the loader is the safe one
_CAUSE = f"(?:{_DATA['cause'].strip()})"


def _any(kind: str) -> re.Pattern[str]:
    lines = "|".join(line for line in _DATA[kind].split("\n") if line)
    return re.compile(
        lines.replace("<cause>", _CAUSE).replace("<service>", SERVICE).replace("<environment>", ENVIRONMENT)
    )


_TIMING, _SEQUENCE, _OUTCOME, _WELL = _any("timing"), _any("sequence"), _any("outcome"), _any("well")
_SAME_VERSION, _NO_TARGET = _any("same_version"), _any("no_target")
_SPOKEN, _ODD = _any("spoken"), _any("odd")
_ELSEWHERE = frozenset(_DATA["elsewhere"].split())
_LITTLE, _PEOPLE = frozenset(_DATA["little"].split()), frozenset(_DATA["people"].split())
_NUMBERS, _COUNTED = frozenset(_DATA["numbers"].split()), frozenset(_DATA["counted"].split())
_VERBS, _OCCASIONS = frozenset(_DATA["verbs"].split()), frozenset(_DATA["occasions"].split())
_PLACES = frozenset(
    ("in", "on", "to", "into", "onto", "at", "within", "inside", "@", "-n", "--namespace", "--env", "env")
)
_NOUNS = frozenset(("service", "app", "application", "deployment", "workload", "environment", "env", "cluster", "'s"))
_SINGULAR = frozenset(("is", "'s", "has", "keeps", "hangs", "crashes", "fails", "looks", "seems", "needs"))
_POINTS = re.compile(r" (?:it|that|this|that one|this one|them|same|again) ")


def doubtful(view: View, verb: str, thread: str | None) -> bool:
    """Whether an order of this verb may be none. `thread` is the service that "it" would mean there, if any."""
    whys = [(f" {' '.join(words)} ", starts) for words, starts in view.whys()]
    if any(_TIMING.search(why) or (_SEQUENCE if starts else _OUTCOME).search(why.lstrip()) for why, starts in whys):
        return True
    if {named.name for named in view.proven} & {named.name for named in view.environments}:
        return True  # "deploy cart 2.1.0 to prod, it is running fine in prod"
    behind = _SAME_VERSION if verb == "deploy" else _WELL
    if any(behind.search(why.lstrip()) for why, starts in whys if not starts):
        return True
    return _only_in_reason(view, whys, thread) or _wordy(view, verb)


def _only_in_reason(view: View, whys: list[tuple[str, bool]], thread: str | None) -> bool:
    """Whether the target is named in a reason alone, where that need not be the target."""
    ordered = view.ordered()
    if ENVIRONMENT not in ordered and any(
        ENVIRONMENT in why and not _ELSEWHERE.isdisjoint(why.split()) for why, _ in whys
    ):
        return True  # "tests are green in staging, deploy cart 2.1.0"
    if SERVICE in ordered or not view.services:
        return False
    if thread is not None and thread != view.services[0].name:
        return True  # "search is slow, restart it" in the cart's thread
    if any(SERVICE in why and not starts for why, starts in whys):
        return True  # "restart in prod so search recovers"
    return bool(_NO_TARGET.search(view.text)) and not _POINTS.search(ordered)


def _wordy(view: View, verb: str) -> bool:
    """Whether a name may be no name: all that name the service, or the environment, are words of another use."""
    text = f" {' '.join(word for word in view.masked if word)} "
    if _SPOKEN.search(text) or _ODD.search(text):
        return True
    words = view.sentence.words
    services = bool(view.services) and all(_service_in_doubt(named, words, verb) for named in view.services)
    return services or (bool(view.environments) and all(_place_in_doubt(named, words) for named in view.environments))


def _service_in_doubt(named: Named, words: tuple[str, ...], verb: str) -> bool:
    word = words[named.start]
    if named.end - named.start > 1 or {*words[named.end : named.end + 1]} & _NOUNS:
        return False
    before = "".join(words[: named.start][-1:])
    if word in _NUMBERS:
        return verb not in ("scale", "deploy") or before not in _VERBS
    if word in _LITTLE or (verb in ("deploy", "rollback") and quantities.version(word)):
        return True
    if word in _COUNTED:
        one = word.endswith("s") and words[named.end : named.end + 1][0] in _SINGULAR if words[named.end :] else False
        if not before and one and "it" in words[named.end :]:
            return False
        return before in {"", "more", "many", "new", "extra", *_NUMBERS} or before.isdigit()
    return (word in _PEOPLE or guards.warns(word)) and before not in _VERBS


def _place_in_doubt(named: Named, words: tuple[str, ...]) -> bool:
    word, before = words[named.start], words[: named.start][-1:]
    if named.end - named.start > 1 or {*before} & _PLACES or {*words[named.end : named.end + 1]} & _NOUNS:
        return False
    occasion = word in _OCCASIONS and (not before or before == ("for",))
    return occasion or word in _LITTLE or guards.warns(word)
