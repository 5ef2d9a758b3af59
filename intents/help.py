"""Sentences to try: each is read by the grammar with this very catalogue before it is shown."""

from __future__ import annotations

from actions.catalog import Catalog
from actions.registry import Registry
from actions.terms import Risk
from intents.grammar.interpreter import Grammar
from intents.guards import View
from intents.names import Names
from intents.reading import Command, Context
from intents.tokens import Sentence

# {service} and {place} are filled with what the catalogue has; the likeliest first.
_SENTENCES = (
    "scale {service} to 3 in {place}",
    "how is {service} doing in {place}?",
    "errors in the {service} logs in {place} last 30m",
    "p99 of {service} in {place} last 6h",
    "{service} is slow in {place}, what changed?",
    "restart {service} in {place}",
    "roll back {service} in {place}",
    "history of {service} in {place}",
    "deploy {service} 1.4.2 to {place}",
    "run {suite} on {candidate}",
)


def help_lines(
    catalog: Catalog, registry: Registry, service: str | None = None, changes: bool = True, limit: int = 5
) -> tuple[str, ...]:
    """Example sentences that work with this catalogue, for one service or the first there is.

    `changes` false leaves out what changes something, for a person who may not ask for it.
    """
    names = Names(catalog)
    grammar = Grammar(names, registry)
    chosen = service if service in catalog.services else next(iter(catalog.services), None)
    if chosen is None:
        return ()
    places = [place for place in catalog.environments_of(chosen) if not catalog.is_production(place)]
    place = next(iter((*places, *catalog.environments_of(chosen))), "")
    suite = next((suite.suite for suite in catalog.services[chosen].evals), "")
    values = {"service": chosen, "place": place, "suite": suite, "candidate": f"{chosen} 2.1"}
    found = []
    for pattern in _SENTENCES:
        line = pattern.format(**values)
        sentence = Sentence(line)
        reading = grammar.read(sentence, View(sentence, names), Context(), None)
        if isinstance(reading, Command) and (changes or reading.action.risk is Risk.READ):
            found.append(line)
    return tuple(found[:limit])
