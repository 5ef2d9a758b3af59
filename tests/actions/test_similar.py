"""Names that look like a misspelt word, among few and among many."""

from __future__ import annotations

from itertools import product

import pytest

from actions.similar import Similar

AREAS = ("account", "billing", "cart", "checkout", "delivery", "inventory", "ledger", "payment", "search", "warehouse")
KINDS = ("api", "worker", "frontend", "proxy", "consumer")
MANY = [f"{area}-{kind}-{number:03d}" for area, kind, number in product(AREAS, KINDS, range(100))]
FEW = [f"{area}-{kind}" for area, kind in product(AREAS, KINDS)]


def slips(word: str) -> list[str]:
    """Two letters swapped, one left out, one typed twice and a wrong one, in three places of its words."""
    found = []
    for at in (1, len(word) // 3, len(word) // 2):
        found += [
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[: at + 1] + word[at:],
            word[:at] + "z" + word[at + 1 :],
        ]
    return found


@pytest.mark.parametrize(
    ("names", "wanted"), [(FEW, "checkout-api"), (MANY, "checkout-api-042"), (MANY + FEW, "cart-api")]
)
def test_a_name_with_one_slip_is_among_the_first_few(names: list[str], wanted: str) -> None:
    """R6: what is offered where a name is misspelt, also among thousands that begin or end alike."""
    similar = Similar(names)
    assert len(names) < 600 or len(similar._candidates(wanted)) < len(names) / 2
    for slip in slips(wanted):
        assert wanted in similar.to(slip, 6), slip


@pytest.mark.parametrize("names", [FEW, MANY])
@pytest.mark.parametrize("word", ["", "x", "lunch", "weather today", "💥"])
def test_a_word_that_looks_like_nothing_brings_nothing(names: list[str], word: str) -> None:
    assert Similar(names).to(word, 3) == []
