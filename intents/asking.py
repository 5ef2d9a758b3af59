"""The messages for a model: system and examples first, then the catalogue's few fitting entries, the thread, the words.

The layout is byte-stable, so that an endpoint's prefix cache holds; nothing but the sentence and the bot's own typed
actions goes in (R3).
"""

from __future__ import annotations

import json
from typing import Any

from intents import prompts
from intents.grammar.lexicon import Lexicon
from intents.names import Names
from intents.reading import Context
from intents.tokens import Sentence, is_mark

MOST = 8  # services shown
_EARLIER = 3  # actions of the thread shown


def messages(sentence: Sentence, context: Context, names: Names, lexicon: Lexicon) -> list[dict[str, str]]:
    """The chat messages for one sentence."""
    catalogue = {
        "environments": sorted(names.catalog.environments),
        "services": services(sentence, context, names, lexicon),
    }
    thread = [{"action": earlier.action, "state": earlier.state} for earlier in context.earlier[-_EARLIER:]]
    return prompts.load("read").messages(
        catalogue=_json(catalogue), thread=_json(thread), sentence=_json(sentence.plain.text)
    )


def services(sentence: Sentence, context: Context, names: Names, lexicon: Lexicon) -> list[str]:
    """The services that fit the sentence, sorted: those it names, those the thread has, and those that look alike."""
    found = dict.fromkeys(named.name for named in names.mentioned_services(sentence.words))
    for earlier in context.earlier[-_EARLIER:]:
        service = earlier.action.get("service")
        if isinstance(service, str) and service in names.catalog.services:
            found[service] = None
    strange = [
        w for w in dict.fromkeys(sentence.words) if w not in lexicon.vocabulary and not is_mark(w) and len(w) > 2
    ]
    for word in strange[:3]:
        found.update(dict.fromkeys(names.catalog.similar_services(word)))
    if len(names.catalog.services) <= MOST:
        found.update(dict.fromkeys(names.catalog.services))
    return sorted(list(found)[:MOST])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
