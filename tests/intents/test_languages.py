"""Other languages, retold in English words: orders and looks, and everything that must stop an order in them too."""

from __future__ import annotations

import pytest

from actions.catalog import Catalog
from actions.terms import Risk
from intents import evals, guards, languages
from intents.languages import Language
from intents.reader import Reader
from intents.reading import Command, Refusal

READER = Reader(evals.catalog(), evals.registered())
ORDERS = {
    "de": ("restarte cart in prod", "skaliere cart in prod auf 5", "deploye cart 1.4.2 nach prod"),
    "el": ("κάνε restart το cart στο prod", "κάνε scale το cart στα 5 στο prod", "κάνε deploy το cart 1.4.2 στο prod"),
    "es": ("reinicia cart en prod", "escala cart a 5 en prod", "despliega cart 1.4.2 en prod"),
    "fr": ("redémarre cart en prod", "passe cart à 5 en prod", "déploie cart 1.4.2 en prod"),
    "zh": ("重启prod的cart", "把prod的cart扩容到5个", "在prod部署cart 1.4.2"),
}
FRAMES = {
    "de": "bitte {} nicht|nein, nicht: {}|wenn es klemmt, {}|{} falls nötig|soll ich: {}?|warum {}?|"
    "{} morgen|{} um 17 Uhr|{} und checkout|{} aber nur einen Pod|ben sagte: {}|"
    "wir haben gestern: {}|{}, dann deploye checkout 1.2|niemals {}|vielleicht {}|"
    "{} ohne Genehmigung|{} blubb",
    "el": "μην {}|όχι {}|αν κολλήσει, {}|{} αν χρειαστεί|να {};|γιατί {};|{} αύριο|{} στις 17:00|"
    "{} και το checkout|{} αλλά μόνο ένα pod|ο ben είπε: {}|χθες κάναμε: {}|ποτέ {}|ίσως {}|"
    "{} χωρίς έγκριση|{} μπλουμπ",
    "es": "no {}|nunca {}|si falla, {}|{} si hace falta|¿debería: {}?|¿por qué {}?|{} mañana|"
    "{} a las 17:00|{} y checkout|{} pero solo un pod|ben dijo: {}|ayer hicimos: {}|jamás {}|"
    "quizás {}|{} sin aprobación|{} blabla",
    "fr": "ne {} pas|jamais {}|si ça plante, {}|{} s'il le faut|est-ce que je dois: {} ?|pourquoi {} ?|"
    "{} demain|{} à 17h|{} et checkout|{} mais un seul pod|ben a dit: {}|hier on a: {}|"
    "surtout pas: {}|peut-être {}|{} sans validation|{} blabla",
    "zh": "不要{}|别{}|如果挂了，{}|{}的话|要不要{}？|为什么{}？|明天{}|{}，下午5点|{}和checkout|"
    "{}但只要一个pod|ben说：{}|昨天我们{}|千万别{}|也许{}|{}，不用审批|{}吗？|刚刚{}了|{}会怎么样？|"
    "{}哈哈哈",
}  # fmt: skip


@pytest.mark.parametrize("code", ORDERS)
async def test_an_order_is_read_and_the_same_order_framed_is_none(code: str) -> None:
    """R1, R6: the guards hold in each language."""
    for order in ORDERS[code]:
        reading = await READER.read(order)
        assert isinstance(reading, Command), order
        for frame in FRAMES[code].split("|"):
            framed = await READER.read(frame.format(order))
            assert not (isinstance(framed, Command) and framed.action.risk is not Risk.READ), frame.format(order)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("starte cart in prod nicht neu", "negated"),
        ("μην επανεκκινήσεις το cart στο prod", "negated"),
        ("no reinicies cart en prod", "negated"),
        ("ne redémarre pas cart en prod", "negated"),
        ("不要重启prod的cart", "negated"),
        ("wenn cart hängt, starte cart in prod neu", "conditional"),
        ("si cart falla, reinicia cart en prod", "conditional"),
        ("如果出错就重启prod的cart", "conditional"),
    ],
)
async def test_a_refusal_gives_the_reason_that_it_has_in_english(text: str, reason: str) -> None:
    reading = await READER.read(text)
    assert isinstance(reading, Refusal)
    assert reading.reason == reason


@pytest.mark.parametrize(
    "text",
    ["api redémarre en prod", "cart reinicia en prod", "cart startet in prod neu", "το cart επανεκκίνησε στο prod",
     "reinicié cart en prod", "j'ai redémarré cart en prod", "cart escala a 5 en prod"],
)  # fmt: skip
async def test_a_form_that_orders_or_tells_orders_only_where_it_comes_first(text: str) -> None:
    """R1: "cart redémarre" is news and "redémarre cart" an order."""
    assert not isinstance(await READER.read(text), Command)


@pytest.mark.parametrize("language", languages.languages(), ids=lambda language: language.code)
def test_no_phrase_takes_away_a_word_that_a_guard_looks_for(language: Language) -> None:
    """R6: an English "not" or "unless" within a foreign sentence stays one, whatever it means there."""
    taken = [
        (words, said.words)
        for words, said in language.phrases.items()
        for kind in (guards._NEGATION, guards._CONDITION)
        if kind.search(f" {' '.join(words)} ") and not _stops(said.words)
    ]
    assert taken == []


def _stops(words: tuple[str, ...]) -> bool:
    text = f" {' '.join(words)} "
    kinds = (guards._NEGATION, guards._CONDITION, guards._QUESTION, guards._REPORT, guards._SCHEDULE, guards._SCOPE)
    return any(kind.search(text) for kind in kinds)


async def test_a_name_that_is_a_word_of_the_retelling_was_not_said() -> None:
    """R6: "所有" and "todo" name no service that is called "everything", as the English for them would."""
    names: dict[str, dict[str, str]] = {"everything": {}, "billing": {}}
    catalog = Catalog.model_validate({"environments": {"prod": {}}, "services": names})
    reader = Reader(catalog, evals.registered())
    assert isinstance(await reader.read("restart everything service in prod"), Command)
    for text in ("重启prod所有的服务", "reinicia todo el servicio en prod", "starte alle Dienste in prod neu"):
        assert not isinstance(await reader.read(text), Command)


@pytest.mark.parametrize("text", ["restart cart in prod", "what's up with the mailer?", "scale basket to 5 in stg pls"])
async def test_english_stays_as_it_is(text: str) -> None:
    from intents.tokens import Sentence

    sentence = Sentence(text)
    words = sentence.words
    assert not languages.understand(sentence, READER._names, READER._lexicon.vocabulary)
    assert (sentence.words, sentence.language) == (words, "en")
