"""The one condition that is understood: a guard behind an order to deploy ("…, and roll back if errors double").

Every word of it is matched by one of few whole forms, up to the end of the sentence; what stands before it has to be
an order to deploy by itself, with every guard against conditions in place. Anything else is no such clause, and the
sentence is read as if this file were not there. So no plain condition ever becomes an order. In other languages its
words are those of `languages/guard-*.txt` and no others, since elsewhere many words are retold as one "if".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from actions import tripwire
from actions.registry import Registry
from intents import languages, quantities, wording
from intents.names import Names
from intents.reading import Command, Question, Reading, Refusal
from intents.tokens import Sentence


class Clause(NamedTuple):
    """A guard from `start` to the end of a sentence; without `guard` it was not said whole, and `options` fit."""

    start: int
    guard: str | None
    options: tuple[str, ...] = ()


_METRICS = {
    "error_rate": r"error[ _]rates?|errors?|rate of errors|error ratio|5xx(?: rate| errors)?",
    "latency_p50": r"p50(?: latency)?|latency[ _]p50|median latency",
    "latency_p99": r"p99(?: latency)?|latency[ _]p99",
    "latency_p95": r"p95(?: latency)?|latency[ _]p95|latency|latencies|response times?",
    "cpu": r"cpu(?: usage)?",
    "memory": r"memory(?: usage)?",
    "restarts": r"restarts",
}
_METRIC = f"(?:(?:the|its) )?(?:{'|'.join(f'(?P<{name}>{words})' for name, words in _METRICS.items())})"
_GOES = r"(?:(?:go(?:es)?|gets?|rises?|climbs?|grows?|jumps?|is|are) )?"
_TIMES = (
    rf"(?:(?P<double>doubles?)|(?P<triple>triples?)|{_GOES}(?:(?:more than|over|above|to|at least|at) )?"
    r"(?:(?P<twice>twice)|x ?(?P<x>\d+(?:\.\d+)?)|(?P<times>\d+(?:\.\d+)?) ?(?:x|times))"
    r"(?: (?:as (?:high|many|much)(?: as (?:now|before|usual))?|what it (?:is|was)|(?:the )?(?:usual|normal)))?)"
)
_GROWS = r"(?:go(?:es)?|gets?|rises?|increases?|climbs?|grows?|jumps?|spikes?)"
_ABOVE = r"over|above|beyond|past|higher than|worse than|to"
_FIGURE, _UNIT = r"\d+(?:\.\d+)?", r"%|percent|ms|milliseconds?|s|secs?|seconds?|mib|gib|cores?|(?=$| )"
_PASSES = r"exceeds?|more than|reach(?:es)?|hits?|>=?"
_LIMIT = rf"(?P<value>{_FIGURE}) ?(?P<unit>{_UNIT})"
_VALUE = (  # "goes over 5 %", and in other languages "over 5 % goes" and "5 % exceeds"
    rf"(?:{_GROWS} (?:{_ABOVE}) |(?:(?:is|are) )?(?:(?:(?P<above>{_ABOVE})|{_PASSES}) )?)"
    rf"{_LIMIT}(?(above)(?: {_GROWS})?|(?: (?:{_PASSES}))?)"
)
_VAGUE = (  # "rises 50 %" names no limit: it may mean to it, or by so much
    rf"(?P<vague>{_GROWS}(?: up)?(?: by)?(?: more than)? {_FIGURE} ?(?:{_UNIT})|by {_FIGURE} ?(?:{_UNIT}) {_GROWS}"
    r"|rises?|increases?|grows?|climbs?|spikes?|jumps?|degrades?|worsens?|(?:go(?:es)?|gets?) (?:up|worse|higher))"
)
_TRIGGER = f"(?:{_TIMES}|{_VALUE}|{_VAGUE})"
_SPAN = r"[a-z0-9-]+(?: [a-z]+){0,3}?"
_WINDOW = (
    rf"(?:(?:within|in|during|for|over) (?:the )?(?:(?:first|next|following) )?(?P<%s>{_SPAN})(?: inside)?"
    rf"|(?P<%sb>{_SPAN}) inside)"
)
_LATER = r"(?: (?:of|after) (?:the |that |it)?(?:deploy|deployment|rollout|release)?)?"
_QUIET = r"(?:automatically|auto|by itself|on its own|without asking(?: (?:me|us|anybody|anyone))?(?: again)?|at once)"
_BACK = (
    rf"(?:please )?(?:{_QUIET} )?(?:roll(?: (?:it|that|this))? back|rollback|revert(?: (?:it|that|this))?"
    rf"|undo (?:it|that|this)|go back|take it back)(?: to the previous (?:version|one))?(?: {_QUIET})*"
)
_IF = r"(?:if|when|once|in case|as soon as)"
_AND = r"(?:[,;] )*(?:(?:and then|and|but|then|also) )?(?:[,;] )*"
_THEN = r"(?:[,;] |(?:and then|and|but|then) )(?:(?:and then|and|but|then) )?(?:[,;] )*"  # or the deploy itself waits
_W1, _W2 = (_WINDOW % (name, name) for name in ("w1", "w2"))
_FOR1, _FOR2 = (f"(?: {window}{_LATER})?" for window in (_W1, _W2))
_CONDITIONS = (  # the order of words is free: other languages have the verb first or last
    f"{_METRIC} {_TRIGGER}{_FOR1}",
    f"{_METRIC}(?: ,)? {_W1} {_TRIGGER}",
    f"{_W1} (?:, )?{_METRIC} {_TRIGGER}{_FOR2}",
    f"{_TRIGGER} {_METRIC}{_FOR1}",
    f"(?:{_ABOVE}|{_PASSES}) {_METRIC} {_LIMIT}{_FOR1}",
    f"{_GROWS} {_METRIC} (?:{_ABOVE}) {_LIMIT}{_FOR1}",
)
_WITH = r"(?:with(?: (?:an?|the|this|automatic))* (?:guard|rollback guard|rollback)|guarded by)"
_FORMS = [
    *(f"{_AND}{_BACK}(?: ,)? {_IF} {condition}(?: ,)?(?: {_QUIET})?" for condition in _CONDITIONS),
    *(f"{_THEN}{_IF} {condition}(?: [,;])?(?: then| whereupon)? {_BACK}" for condition in _CONDITIONS),
    *(f"{_THEN}{condition}(?: [,;])? whereupon {_BACK}" for condition in _CONDITIONS),
    f"{_AND}{_WITH}(?: [,;])?(?: (?:on|of|for|at|{_IF}))? {_METRIC}(?: [,;])?(?: at)? {_TRIGGER}{_FOR1}",
    f"{_AND}with (?:a|an|the)(?: automatic)? (?:guard|rollback guard)(?P<bare>)",
    f"{_AND}(?:without (?:a |any |its |the )?guard|with no guard|unguarded)(?P<none>)",
]
_CLAUSES = [re.compile(form) for form in _FORMS]
_CUES = frozenset(("if", "when", "once", "case", "soon", "whereupon", "with", "without", "guarded", "unguarded"))
_ENDS = frozenset(",;!")
_UNITS = {
    **dict.fromkeys(("%", "percent"), "%"),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("core", "cores"), "cores"),
    "mib": "MiB",
    "gib": "GiB",
}
_USUAL = ("error_rate x2", "error_rate x1.5", "latency_p95 x2")
_EITHER = re.compile(r"(?<![\d.,])\d{1,3}[.,]\d{3}(?!\d)", re.ASCII)
_OFFERED = {"error_rate": ("x1.5", "x2", "x3"), "restarts": ("1", "3")}


def find(sentence: Sentence, names: Names) -> Clause | None:
    """The longest such clause at the end of a sentence, behind at least one word; None where there is none."""
    if sentence.asks or sentence.quoted:
        return None
    told = languages.guard_words(sentence, names)
    while told and told[-1].word in _ENDS:
        told.pop()
    words = [one.word for one in told]
    if not _CUES.intersection(words):
        return None
    for at in range(1, len(words)):
        start = sentence.word_at(told[at].start) if told[at - 1].end <= told[at].start else None
        if not start:
            continue  # in the midst of a phrase
        text = " ".join(words[at:])
        for form in _CLAUSES:
            found = form.fullmatch(text)
            if found is not None:
                said = found.groupdict()
                return _clause(start, said, _two_figures(sentence, said.get("value")))
    return None


def _two_figures(sentence: Sentence, value: str | None) -> tuple[str, ...]:
    """A limit like "1.500" or "1,500" as both of what it may be: outside English, either mark may part thousands."""
    if value is None or sentence.language == "en":
        return ()
    if all(written.replace(",", "") != value for written in _EITHER.findall(sentence.plain.text)):
        return ()
    digits = value.replace(".", "")
    return f"{digits[:-3]}.{digits[-3:]}", digits


def applied(reading: Reading | None, clause: Clause, registry: Registry) -> Reading | None:
    """The reading of what stands before a clause, with the guard in it; None where that is no deploy."""
    if isinstance(reading, Command):
        action = reading.action.as_json()
        if action["verb"] != "deploy":
            return None
        if clause.guard is not None:
            return reading.model_copy(update={"action": registry.parse({**action, "guard": clause.guard})})
        say = wording.question(action, ("guard",), ())
        options: dict[str, tuple[str | int, ...]] = {"guard": clause.options}
        return Question(missing=("guard",), so_far=action, options=options, say=say, engine=reading.engine)
    if isinstance(reading, Question):
        if reading.so_far.get("verb") != "deploy":
            return None
        return _questioned(reading, clause)
    if isinstance(reading, Refusal) and any(each["verb"] == "deploy" for each in reading.suggestions):
        guard = clause.guard or clause.options[0]
        with_it = tuple({**each, "guard": guard} for each in reading.suggestions if each["verb"] == "deploy")
        return reading.model_copy(update={"suggestions": with_it})
    return None


def _questioned(reading: Question, clause: Clause) -> Question:
    if clause.guard is not None:
        return reading.model_copy(update={"so_far": {**reading.so_far, "guard": clause.guard}})
    missing = (*reading.missing, "guard")
    options = {**reading.options, "guard": clause.options}
    say = wording.question(reading.so_far, missing, reading.ambiguous)
    return reading.model_copy(update={"missing": missing, "options": options, "say": say})


def _clause(start: int, said: dict[str, str | None], figures: tuple[str, ...]) -> Clause | None:
    """The clause of what was said; `figures` are what its limit may be where that is in doubt."""
    if said.get("none") is not None:
        return Clause(start, tripwire.NONE)
    if said.get("bare") is not None:
        return Clause(start, None, tuple(f"{each} within {tripwire.WINDOW}m" for each in _USUAL))
    metric = next(name for name in _METRICS if said.get(name) is not None)
    minutes = _minutes([said[key] for key in ("w1", "w1b", "w2", "w2b") if said.get(key) is not None])
    if minutes is None:
        return None
    bounded = min(max(minutes, tripwire.SHORTEST), tripwire.LONGEST)
    if figures:
        limits = [_threshold({**said, "value": figure}) for figure in figures]
        return _offer(start, [f"{metric} {limit} within {bounded}m" for limit in limits])
    threshold = _threshold(said)
    if threshold is not None and bounded == minutes:
        return _checked(start, f"{metric} {threshold} within {minutes}m", metric)
    offered = (threshold,) if threshold else _OFFERED.get(metric, ("x1.5", "x2"))
    return _offer(start, [f"{metric} {each} within {bounded}m" for each in offered])


def _checked(start: int, line: str, metric: str) -> Clause | None:
    try:
        return Clause(start, str(tripwire.parse(line)))
    except ValueError:
        return _offer(start, [f"{metric} {each} within {tripwire.WINDOW}m" for each in _OFFERED.get(metric, ("x2",))])


def _offer(start: int, lines: Sequence[str]) -> Clause | None:
    """As options, those of them that are tripwires."""
    valid = []
    for line in lines:
        try:
            valid.append(str(tripwire.parse(line)))
        except ValueError:
            continue
    return Clause(start, None, tuple(valid)) if valid else None


def _threshold(said: dict[str, str | None]) -> str | None:
    for key, factor in (("double", "2"), ("twice", "2"), ("triple", "3")):
        if said.get(key) is not None:
            return f"x{factor}"
    factor_said = said.get("x") or said.get("times")
    if factor_said:
        return f"x{factor_said}"
    if said.get("value"):
        unit = said.get("unit") or ""
        return f"{said['value']}{_UNITS.get(unit, unit)}"
    return None


def _minutes(windows: Sequence[str | None]) -> int | None:
    """Minutes of the only window that was said, the usual where none was; None where it is no time, or two."""
    if not windows:
        return tripwire.WINDOW
    words = str(windows[0]).split()
    span = quantities.duration(words, 0)
    if len(windows) > 1 or span is None or span.end != len(words):
        return None
    count, unit = int(span.value[:-1]), span.value[-1]
    return {"s": -(-count // 60), "m": count, "h": count * 60, "d": count * 1440}[unit]
