"""A model under evaluation behind an OpenAI-compatible endpoint (Chat Completions, the portable path)."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

from actions.clients.protocols import Completion
from actions.errors import Denied, NotFound, Rejected, SourceError, Unreachable

if TYPE_CHECKING:
    from openai import OpenAI

TIMEOUT = 30.0  # seconds a question; the SDK's own default is ten minutes


class OpenAIChat:
    """Implements EvalModel. Safe to call from several threads."""

    def __init__(self, base_url: str | None, api_key: str | None) -> None:
        self._base_url, self._api_key = base_url, api_key

    @cached_property
    def _client(self) -> OpenAI:
        from openai import OpenAI  # costs a second to import, and only evals need it

        return OpenAI(base_url=self._base_url, api_key=self._api_key or "none", timeout=TIMEOUT, max_retries=1)

    def complete(self, model: str, prompt: str) -> Completion:
        """One answer at temperature 0. Latency is what the caller waited, in seconds."""
        import openai

        started = time.perf_counter()
        try:
            answer = self._client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": prompt}], temperature=0
            )
        except openai.APIStatusError as error:
            raise _translate(error, model) from None
        except openai.OpenAIError as error:
            raise Unreachable(f"The model endpoint gave no answer: {type(error).__name__}.") from None
        latency = time.perf_counter() - started
        usage = answer.usage
        return Completion(
            text=(answer.choices[0].message.content or "") if answer.choices else "",
            latency=latency,
            input_tokens=usage.prompt_tokens if usage else None,
            output_tokens=usage.completion_tokens if usage else None,
        )


def _translate(error: object, model: str) -> SourceError:
    status = getattr(error, "status_code", 0)
    if status in (401, 403):
        return Denied("The model endpoint refused our key. Check OPENAI_API_KEY.")
    if status == 404:
        return NotFound(f'The model endpoint knows no model "{model}".')
    if status < 500:
        return Rejected(f"The model endpoint refused the call with status {status}.")
    return Unreachable(f"The model endpoint failed with status {status}.")
