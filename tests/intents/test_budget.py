"""What may be asked of models, at the gateway itself; where it is counted: tests/bot/test_books.py."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from intents import journal
from intents.models import prices
from intents.models.answers import Tokens
from intents.models.budget import Asker, Budget, MemoryBook
from intents.models.endpoints import Endpoint, Limit
from intents.models.failures import ModelFailed, OverBudget
from tests.intents.endpoint import serving
from tests.intents.test_endpoints import ASK, FIRST, SMALL

ANA = Asker("ana", "shop", "ops")
PRICED = {"price": {"input": 100, "output": 100}}


async def test_a_budget_in_money_refuses_what_has_no_price() -> None:
    """An unknown price counts as unpriced and never as 0."""
    with pytest.raises(OverBudget, match="no known price"):
        await Budget([Limit(per="all", usd_per_day=Decimal(1))], MemoryBook(lambda: 0.0)).reserve(ANA, None)


@pytest.mark.parametrize("reported", [True, False])
async def test_fifty_calls_at_once_spend_no_more_than_the_limit(reported: bool) -> None:
    """Overspend is at most one reservation; here none, since no call costs more than was set aside.

    Where the endpoint does not say what it used, the whole reservation counts.
    """
    calls: list[journal.Call] = []

    async def answer(body: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        choice = {"message": {"content": json.dumps(FIRST)}}
        usage = {"prompt_tokens": 100, "completion_tokens": 20}
        return web.json_response({"choices": [choice], **({"usage": usage} if reported else {})})

    limit = Decimal("0.5")
    with serving(answer, limits=(Limit(per="team", usd_per_day=limit),)) as (gateway, endpoint):
        connection = gateway._connections[0]
        connection.endpoint = Endpoint.model_validate({**connection.endpoint.model_dump(), **PRICED})
        gateway._record = calls.append
        results = await asyncio.gather(*(gateway.ask(ASK, SMALL, "", ANA) for _ in range(50)), return_exceptions=True)
        await gateway.close()
    refused = [one for one in results if isinstance(one, ModelFailed)]
    answered = [call for call in calls if call.ending == "answered"]
    assert 0 < len(endpoint.bodies) < 50
    assert len(refused) == 50 - len(endpoint.bodies)
    assert sum(call.usd or 0 for call in answered) <= limit
    assert all((call.usd is not None) is reported for call in answered)
    assert reported or len(answered) * Decimal("0.05") < limit, "500 tokens of output alone are set aside at 0.05"


def test_a_price_comes_from_the_list_or_the_file_or_is_not_known() -> None:
    used = Tokens(1_000_000, 1_000_000)
    openai, unknown = Endpoint(), Endpoint(base_url="http://vllm:8000/v1")
    listed = prices.cost(openai, "gpt-4o-mini", used)
    assert listed is not None
    assert listed > 0
    assert prices.cost(unknown, "our-own-model", used) is None
    assert prices.cost(openai, "gpt-4o-mini", Tokens(5, None)) is None
    own = Endpoint.model_validate({"base_url": "http://vllm:8000/v1", **PRICED})
    assert prices.cost(own, "our-own-model", used) == 200
