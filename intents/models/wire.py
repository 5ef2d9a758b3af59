"""The HTTP client below the SDK: answers of a bounded size, no redirects, nothing compressed.

Without a bound an endless answer would fill the memory long before any deadline; a compressed one would do it faster.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx2
from openai import AsyncOpenAI

if TYPE_CHECKING:
    from intents.models.endpoints import Endpoint

MOST = 256 * 1024  # bytes of one answer, its errors included


class _TooMuch(httpx2.ReadError):
    """The answer is larger than any answer is."""


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._stream:
            seen += len(chunk)
            if seen > MOST:
                raise _TooMuch("the answer does not end")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _TooMuch("the answer is compressed, which was not asked for")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream)


def connect(endpoint: Endpoint, deadline: float) -> AsyncOpenAI:
    """The SDK's client for an endpoint. It retries nothing: it would wait as long as a Retry-After says."""
    key, header = endpoint.key(), endpoint.provider.key_header
    headers: dict[str, Any] = {"Accept-Encoding": "identity", **({header: key} if header else {})}
    http = httpx2.AsyncClient(event_hooks={"response": [_bound]}, follow_redirects=False, timeout=deadline)
    return AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=key,
        max_retries=0,
        timeout=deadline,
        default_headers=headers,
        http_client=http,
    )
