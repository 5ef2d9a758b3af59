"""Names that the catalogue does not have: what stands where a service or an environment should, and what looks like it.

Whatever looks similar is only offered, never taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from rapidfuzz import fuzz, process

from actions.errors import UnknownEnvironment, UnknownService
from actions.terms import Risk
from intents import quantities, wording
from intents.grammar import arguments, changes, looks
from intents.grammar.lexicon import Lexicon
from intents.grammar.search import parses
from intents.names import Names, WithStandIn
from intents.reading import Context, Question, Reading, Refusal
from intents.reasons import ENVIRONMENT, SERVICE
from intents.resolve import MOST, Resolver
from intents.tokens import Sentence, is_mark

_FIGURES = re.compile(r"[+x×-]?\d+(?:[.,]\d+)?[%x×]?$")
_LIKE_VERSION = re.compile(r"v?\d", re.IGNORECASE)
_PLACES = ("in", "on", "-n", "to", "into", "--namespace", "at")


def name(sentence: Sentence, names: Names, lexicon: Lexicon, resolver: Resolver, channel: str | None) -> Reading | None:
    """A refusal that names the unknown word, where a known name in its place would make sense of the whole."""
    words = sentence.words
    strange = [at for at, word in enumerate(words) if _strange(word, names, lexicon)]
    if not strange or strange[-1] - strange[0] >= 3:
        return None
    for start, end in _runs(words, strange, names):
        spelled = " ".join(sentence.spelled[start:end])
        masks = (ENVIRONMENT, SERVICE) if start and words[start - 1] in _PLACES else (SERVICE, ENVIRONMENT)
        for mask in masks:
            draft = _draft(sentence, names, lexicon, (start, end), mask)
            if draft is not None and _chatter(draft, spelled, names, resolver):
                return None
            if draft is not None and mask == SERVICE:
                return _behind(draft, sentence, (start, end), names, resolver) or _service(
                    draft, spelled, names, resolver, channel
                )
            if draft is not None:
                loose = masks[0] == SERVICE and end - start == 1
                return (loose and _version_asked(draft, spelled, resolver)) or _environment(draft, spelled, resolver)
    return None


def _chatter(draft: changes.Draft, spelled: str, names: Names, resolver: Resolver) -> bool:
    """`what's the weather?` asks for no service; `how is crat?` may."""
    named = draft.said.get("environment") or draft.said.get("service")
    return _reads(draft, resolver) and not named and not names.catalog.similar_services(spelled)


def _strange(word: str, names: Names, lexicon: Lexicon) -> bool:
    if is_mark(word) or word in _PLACES or word.startswith("@") or word in lexicon.vocabulary:
        return False
    if quantities.version(word) or _FIGURES.match(word):
        return False
    return not (names.services.get(word) or names.environments.get(word))


def _runs(words: Sequence[str], strange: list[int], names: Names) -> Iterator[tuple[int, int]]:
    """The unknown words alone, then with a name beside them: `cart worker` is one name, and not the cart."""
    start, end = strange[0], strange[-1] + 1
    yield start, end
    if start and names.services.get(words[start - 1]):
        yield start - 1, end
    if end < len(words) and words[end] in ("service", "api", "app"):
        yield start, end + 1


def _draft(sentence: Sentence, names: Names, lexicon: Lexicon, run: tuple[int, int], mask: str) -> changes.Draft | None:
    masked = _Masked(sentence, run, mask)
    text = arguments.Text(masked, _MaskedNames(names))
    for parse in parses(text, lexicon):
        ranked = looks.look(parse)
        draft = changes.change(parse) or changes.verbless(parse) or (ranked[1] if ranked else None)
        key = "service" if mask == SERVICE else "environment"
        if draft is not None and draft.said.get(key) == mask:
            return draft._replace(said={k: v for k, v in draft.said.items() if k != key})
    return None


class _Masked(Sentence):
    """A sentence in which a stand-in takes the place of some words."""

    def __init__(self, sentence: Sentence, run: tuple[int, int], mask: str) -> None:
        start, end = run
        self.plain, self.asks = sentence.plain, sentence.asks
        self.spelled = (*sentence.spelled[:start], mask, *sentence.spelled[end:])
        self.words = (*sentence.words[:start], mask, *sentence.words[end:])


class _MaskedNames(Names):
    """The catalogue's names and the two stand-ins."""

    def __init__(self, names: Names) -> None:
        self.catalog, self.suites = names.catalog, names.suites
        self.services = WithStandIn(names.services, SERVICE)
        self.environments = WithStandIn(names.environments, ENVIRONMENT)


def _behind(
    draft: changes.Draft, sentence: Sentence, run: tuple[int, int], names: Names, resolver: Resolver
) -> Reading | None:
    """`deploy checkout 1..2 to prod`, `restart checkout foo in prod`: a service, and one word too many behind it."""
    start, end = run
    service = names.services.get(sentence.words[start])
    if end - start != 2 or service is None:
        return None
    word, name = sentence.spelled[end - 1], " ".join(sentence.spelled[start:end])
    if _having_part(name.lower(), names) or set(names.catalog.similar_services(name)) - {service}:
        return None  # it may be another service
    known = draft._replace(said={**draft.said, "service": service})
    asked = _version_asked(known, word, resolver)
    if asked is not None:
        return asked
    whole = _with_default({"verb": draft.verb, **known.said}, draft, resolver)
    offered = resolver.complete(whole, "service", (service,))
    return Refusal(reason="unknown_service", say=wording.not_its_name(word, name, service), suggestions=offered)


def _version_asked(draft: changes.Draft, word: str, resolver: Resolver) -> Reading | None:
    """Where a deploy lacks its version, and this word may have been meant as one."""
    if draft.verb != "deploy" or "version" not in draft.missing:
        return None
    reading = resolver.reading(draft, Context(), None)
    if not isinstance(reading, Question):
        return reading
    if _LIKE_VERSION.match(word):
        return reading.model_copy(update={"say": wording.no_version(word, reading.so_far)})
    if _like_places(word, resolver.places(draft.said.get("service")), resolver):
        return None
    return reading.model_copy(update={"say": wording.not_understood(word, reading.say)})


def _service(draft: changes.Draft, spelled: str, names: Names, resolver: Resolver, channel: str | None) -> Reading:
    catalog = names.catalog
    parts = _having_part(spelled.lower(), names)
    said = {"verb": draft.verb, **{k: v for k, v in draft.said.items() if v is not None}}
    if parts:
        missing = tuple(k for k in ("environment",) if k not in said and not _reads(draft, resolver))
        return Question(
            missing=missing,
            ambiguous=("service",),
            so_far=said,
            options={"service": parts, **({"environment": resolver.places(None)} if missing else {})},
            say=f'I know no service called just "{spelled}". Which one?',
        )
    whole = _with_default(said, draft, resolver)
    if similar := catalog.similar_services(spelled):
        say, offered = str(UnknownService(spelled, similar)), resolver.complete(whole, "service", similar)
    else:
        offered = resolver.complete(whole, "service", resolver.services_here(channel))
        say = wording.unknown_service(spelled, [str(action["service"]) for action in offered])
    return Refusal(reason="unknown_service", say=say, suggestions=offered)


def _with_default(said: dict[str, Any], draft: changes.Draft, resolver: Resolver) -> dict[str, Any]:
    if not _reads(draft, resolver) or "environment" in said:
        return said
    production = [place for place in resolver.places(None) if resolver.is_production(place)]
    return {**said, "environment": production[0]} if len(production) == 1 else said


def _reads(draft: changes.Draft, resolver: Resolver) -> bool:
    return resolver.risk(draft.verb) is Risk.READ


def _having_part(word: str, names: Names) -> tuple[str, ...]:
    """Services with this word as a whole part of their name: `worker` in `payments-worker`."""
    return tuple(islice(dict.fromkeys(names.having(word)), MOST))


def _environment(draft: changes.Draft, spelled: str, resolver: Resolver) -> Refusal:
    service = draft.said.get("service")
    places = resolver.places(service)
    likely = _like_places(spelled, places, resolver)
    said = {"verb": draft.verb, **draft.said}
    return Refusal(
        reason="unknown_environment",
        say=str(UnknownEnvironment(spelled, places)),
        suggestions=resolver.complete(said, "environment", likely or places),
    )


def _like_places(spelled: str, places: Sequence[str], resolver: Resolver) -> tuple[str, ...]:
    near = process.extract(spelled.lower(), resolver.spellings(places), scorer=fuzz.WRatio, limit=2, score_cutoff=75)
    found = dict.fromkeys(resolver.environment(key) for key, _, _ in near)
    return tuple(place for place in found if place in places)
