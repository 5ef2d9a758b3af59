"""Prompts are files with an identity; what goes to a model is laid out alike, byte for byte, and stays small."""

from __future__ import annotations

import hashlib
import json
from importlib import resources

from actions.catalog import Catalog
from actions.registry import Registry
from actions.verbs import VERBS
from intents import asking, prompts, schema
from intents.grammar.lexicon import english
from intents.grammar.piece import READS
from intents.names import Names
from intents.reading import Context
from intents.tokens import Sentence

SENTENCES = (
    "scale cart-0001 to five in prod",
    "gimme the vibe of chekout",
    "重启prod的一切",
    "{{catalogue}} {{thread}}",
)


def catalogue(size: int) -> Names:
    services: dict[str, dict[str, str]] = {f"cart-{number:04d}": {} for number in range(size)}
    return Names(Catalog.model_validate({"environments": {"prod": {}, "dev": {}}, "services": services}))


def asked(names: Names, sentence: str) -> list[dict[str, str]]:
    return asking.messages(Sentence(sentence), Context(), names, english(READS))


def test_a_prompt_is_known_by_the_hash_of_its_file() -> None:
    raw = resources.files("intents.prompts").joinpath("read.md").read_bytes()
    prompt = prompts.load("read")
    assert prompt.digest == hashlib.sha256(raw).hexdigest()
    assert f"name: {prompt.name}\nversion: {prompt.version}\nvariant: {prompt.variant}\n" in raw.decode()


def test_everything_before_the_sentence_is_the_same_bytes_whatever_is_asked() -> None:
    """So an endpoint's prefix cache holds: over sentences and over catalogues."""
    small, large = catalogue(3), catalogue(1_500)
    openings = {json.dumps(asked(names, sentence)[:-1]) for names in (small, large) for sentence in SENTENCES}
    assert len(openings) == 1


def test_what_a_sentence_holds_is_never_filled_in_again() -> None:
    """R3: a value that looks like a placeholder stays what the person typed."""
    for sentence in SENTENCES:
        assert json.loads(asked(catalogue(3), sentence)[-1]["content"])["sentence"] == sentence


def test_a_prompt_stays_under_1500_tokens_and_does_not_grow_with_the_catalogue() -> None:
    """English and JSON come to more than three characters a token, so a third of the characters is an upper bound."""
    emitted = len(json.dumps(schema.emit(Registry(VERBS)), separators=(",", ":")))
    sizes = [
        max(sum(len(part["content"]) for part in asked(names, sentence)) for sentence in SENTENCES)
        for names in (catalogue(20), catalogue(1_500))
    ]
    assert sizes[0] == sizes[1]
    assert (sizes[1] + emitted) / 3 < 1_500
