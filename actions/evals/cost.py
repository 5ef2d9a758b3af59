"""What the answers of a model cost, in US dollars; a model without a known price is unpriced, which is not free."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from actions.catalog import Price
from actions.evals.score import Answered

_MILLION = Decimal(1_000_000)


def dollars(model: str, answers: Sequence[Answered], price: Price | None) -> Decimal | None:
    """By the catalogue's price, else by the list that genai-prices brings along (no network). None where either the
    price or the tokens of an answer are not known; an answer that never came cost nothing.
    """
    came = [a for a in answers if a.text or a.tokens is not None]
    if any(a.tokens is None for a in came):
        return None
    asked, said = sum(a.input_tokens or 0 for a in came), sum(a.output_tokens or 0 for a in came)
    if price is not None:
        return (asked * Decimal(str(price.input)) + said * Decimal(str(price.output))) / _MILLION
    return _listed(model, asked, said)


def spell(amount: Decimal | None) -> str:
    """`$0.031`, `$1.27`, `unpriced`."""
    if amount is None:
        return "unpriced"
    return f"${amount:.2f}" if amount >= 1 else f"${amount:.3f}" if amount >= Decimal("0.0005") else "under $0.001"


def _listed(model: str, asked: int, said: int) -> Decimal | None:
    from genai_prices import Usage, calc_price  # its list takes a moment to load, and only evals need it

    try:
        return calc_price(Usage(input_tokens=asked, output_tokens=said), model_ref=model).total_price
    except LookupError:
        return None
