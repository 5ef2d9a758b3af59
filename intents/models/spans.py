"""Traces of model calls, under OpenTelemetry's names. Without an SDK installed and set up they cost and do nothing.

Source: OpenTelemetry semantic conventions for generative AI ("Development", so every name stands here and only here).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intents.models.answers import Tokens

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
MAX_TOKENS = "gen_ai.request.max_tokens"
OUTPUT_TYPE = "gen_ai.output.type"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SERVER = "server.address"
ERROR = "error.type"
WAY, ENDPOINT, PROMPT, COST = "twokey.way", "twokey.endpoint", "twokey.prompt", "twokey.cost_usd"


class Span:
    """One call under way."""

    def __init__(self, span: Any, *, content: bool) -> None:
        self._span, self._content = span, content

    def asked(self, messages: list[dict[str, str]]) -> None:
        """What was sent, where that may be recorded."""
        if self._content:
            self._span.set_attribute(INPUT_MESSAGES, json.dumps(messages, ensure_ascii=False))

    def answered(self, model: str, tokens: Tokens, text: str, usd: Decimal | None) -> None:
        """What came back."""
        self._span.set_attribute(RESPONSE_MODEL, model)
        counts = ((INPUT_TOKENS, tokens.input), (OUTPUT_TOKENS, tokens.output), (CACHED_TOKENS, tokens.cached))
        for name, count in counts:
            if count is not None:
                self._span.set_attribute(name, count)
        if usd is not None:
            self._span.set_attribute(COST, float(usd))
        if self._content:
            self._span.set_attribute(OUTPUT_MESSAGES, json.dumps([{"role": "assistant", "content": text}]))


@contextmanager
def call(attributes: dict[str, str | int], *, content: bool) -> Iterator[Span]:
    """A client span named after the operation and the model; an error is recorded by its type alone."""
    from opentelemetry import trace

    tracer = trace.get_tracer("twokey")
    name = f"{attributes[OPERATION]} {attributes[REQUEST_MODEL]}"
    with tracer.start_as_current_span(
        name, kind=trace.SpanKind.CLIENT, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield Span(span, content=content)
        except BaseException as error:
            span.set_attribute(ERROR, type(error).__name__)
            span.set_status(trace.StatusCode.ERROR)
            raise
