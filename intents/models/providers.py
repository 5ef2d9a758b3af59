"""How the kinds of endpoints differ: the one table. Everything else treats them alike.

Sources: OpenAI's API reference (`max_completion_tokens` replaces `max_tokens`; newer models refuse a temperature);
Azure OpenAI's v1 API (the key goes into `api-key`); vLLM's, llama.cpp's, Ollama's and LiteLLM's pages on
OpenAI-compatible servers. What an endpoint really enforces is found by the probe and by use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

Way = Literal["json_schema", "tools", "json_object"]
WAYS: tuple[Way, ...] = ("json_schema", "tools", "json_object")
Kind = Literal["openai", "azure", "vllm", "llama.cpp", "ollama", "litellm", "other"]


class Provider(NamedTuple):
    """What is particular about one kind of endpoint."""

    traced_as: str  # gen_ai.provider.name
    priced_as: str | None  # its name in the list of prices; None: looked for by the model's name alone
    length: str = "max_tokens"  # how the longest answer is said
    temperature: bool = True  # whether 0 may be asked for
    ways: tuple[Way, ...] = WAYS  # what is worth trying, the strictest first
    key_header: str | None = None  # beside `Authorization: Bearer`


PROVIDERS: Mapping[Kind, Provider] = {
    "openai": Provider("openai", "openai", length="max_completion_tokens", temperature=False),
    "azure": Provider(
        "azure.ai.openai", "azure", length="max_completion_tokens", temperature=False, key_header="api-key"
    ),
    "vllm": Provider("vllm", None),
    "llama.cpp": Provider("llama_cpp", None, ways=("tools", "json_schema", "json_object")),  # 500 on a schema
    "ollama": Provider("ollama", None, ways=("json_schema", "json_object")),  # takes no tool_choice
    "litellm": Provider("litellm", None),
    "other": Provider("_OTHER", None),
}


def kind_of(base_url: str) -> Kind:
    """The kind that an address tells of; "other" where it tells nothing."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    if host == "api.openai.com":
        return "openai"
    if host.endswith((".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")):
        return "azure"
    return "ollama" if parts.port == 11434 else "other"
