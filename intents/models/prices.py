"""What a call costs, from a list that comes with the program (genai-prices, pinned): no price is looked up online.

A model that the list does not have is unpriced, which is said, and is never taken for free.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intents.models.answers import Tokens
    from intents.models.endpoints import Endpoint

_MILLION = 1_000_000


def cost(endpoint: Endpoint, model: str, tokens: Tokens) -> Decimal | None:
    """US dollars for these tokens; None where the price or the tokens are not known. Loads its list: 0.5 s, once."""
    if tokens.input is None or tokens.output is None:
        return None
    if endpoint.price is not None:
        return (endpoint.price.input * tokens.input + endpoint.price.output * tokens.output) / _MILLION
    from genai_prices import Usage, calc_price

    cached = min(tokens.cached or 0, tokens.input)
    usage = Usage(input_tokens=tokens.input, output_tokens=tokens.output, cache_read_tokens=cached)
    try:
        return calc_price(usage, model_ref=model, provider_id=endpoint.provider.priced_as).total_price
    except LookupError:
        return None
