"""What an endpoint holds to, found by asking for the one word that only an enforced schema would make it say.

The question asks for prose and the schema allows a single odd value, so an endpoint that takes a schema without
enforcing it is seen through (llama.cpp ignores `tool_choice: required`, some clouds ignore a schema).
"""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from intents.models.answers import an_object
from intents.models.budget import Asker
from intents.models.connection import PROVEN, Connection, Question, Used
from intents.models.failures import ModelFailed, NextWay
from intents.models.providers import Way

_ASKED = [
    {"role": "system", "content": "You are a friendly assistant. Answer in one plain sentence, never in JSON."},
    {"role": "user", "content": "What colour is the sky?"},
]


class Probed(NamedTuple):
    """What was found of one endpoint."""

    name: str
    model: str | None  # None where it is the endpoint's to say, and it did not
    enforces: Way | None
    priced: bool
    problem: str | None  # None where it answered

    @property
    def say(self) -> str:
        """What it holds to, or what is wrong, in words."""
        return self.problem or self.enforces or "enforces nothing; its answers are repaired"


async def probe(connection: Connection) -> None:
    """Tries the ways from the strictest on, until one is enforced. Raises ModelFailed where none answers at all."""
    odd = secrets.token_hex(4)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"word": {"type": "string", "enum": [odd]}},
        "required": ["word"],
        "additionalProperties": False,
    }
    question = Question(_ASKED, schema, "probe", Asker())
    answered, problem = False, "The model gave no answer."
    for way in connection.endpoint.provider.ways:
        try:
            text = await connection.complete(way, question, Used())
        except NextWay as error:
            problem = error.say
            if error.proof >= PROVEN:
                connection.found(way, taken=False, enforced=False)
            continue
        answered = True
        enforced = _holds(text, schema)
        connection.found(way, taken=True, enforced=enforced)
        if enforced:
            return
    if not answered:
        raise ModelFailed(problem)


def _holds(text: str, schema: dict[str, Any]) -> bool:
    try:
        an_object(text, schema)
    except NextWay:
        return False
    return True
