"""The town's model service: an OpenAI-compatible endpoint where each version of the support bot answers customers.

Which questions a version gets wrong follows from a hash of the question, so that an evaluation comes out the same
every time: 2.1 gets six wrong that 2.0 knew, and one right that it did not.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from rapidfuzz import fuzz, process

_FILE = Path(__file__).with_name("answers.yaml")
_UNSURE = "I am not sure about that. May I hand you over to a colleague?"
_ALIKE = 86.0  # from 0 to 100, how much a question must look like a known one


@dataclass(frozen=True)
class Version:
    """Wrong on the questions from `wrong_from` to `wrong_to` in the order of their hashes; seconds an answer takes."""

    wrong_from: int
    wrong_to: int
    seconds: float


VERSIONS: Mapping[str, Version] = {
    "support-bot-1.9": Version(0, 9, 0.11),
    "support-bot-2.0": Version(0, 4, 0.09),
    "support-bot-2.1": Version(1, 10, 0.15),
    "support-bot-2.2": Version(0, 2, 0.07),
}


@dataclass(frozen=True)
class Known:
    """A question with its answers; `fact` stands in the right one only."""

    ask: str
    fact: str
    answer: str
    wrong: str


@lru_cache(1)
def questions() -> tuple[Known, ...]:
    """The table of `answers.yaml`, in the order of the questions' hashes."""
    entries = [Known(**entry) for entry in yaml.safe_load(_FILE.read_text(encoding="utf-8"))]
    return tuple(sorted(entries, key=lambda known: zlib.crc32(known.ask.encode())))


def reply(model: str, prompt: str) -> str:
    """What this version says to the question in a prompt. Raises KeyError for an unknown model."""
    version = VERSIONS[model]
    found = _recognised(prompt)
    if found is None:
        return _UNSURE
    rank = questions().index(found)
    return found.wrong if version.wrong_from <= rank < version.wrong_to else found.answer


def routes(pace: float = 1.0) -> list[web.RouteDef]:
    """The endpoint below `/model/v1`. Answers take their version's seconds times `pace`; 0 answers at once."""

    async def complete(request: web.Request) -> web.Response:
        try:
            body = await request.json()
            model, prompt = str(body["model"]), _text(body["messages"])
        except (json.JSONDecodeError, UnicodeDecodeError, LookupError, TypeError, AttributeError):
            return _error(400, "a JSON body with `model` and `messages` is required", None)
        if model not in VERSIONS:
            return _error(404, f"The model `{model}` does not exist", "model_not_found")
        if body.get("stream"):
            return _error(400, "this endpoint does not stream", "unsupported_value")
        await asyncio.sleep(pace * _seconds(model, prompt))
        return web.json_response(_completion(model, prompt, reply(model, prompt)))

    async def models(_: web.Request) -> web.Response:
        data = [{"id": name, "object": "model", "created": 1_790_000_000, "owned_by": "town"} for name in VERSIONS]
        return web.json_response({"object": "list", "data": data})

    return [web.get("/model/v1/models", models), web.post("/model/v1/chat/completions", complete)]


def _recognised(prompt: str) -> Known | None:
    """The known question that stands in a prompt, whatever instructions surround it."""
    text = _plain(prompt)
    known = {_plain(each.ask): each for each in questions()}
    inside = [plain for plain in known if plain in text]
    if inside:
        return known[max(inside, key=len)]
    best = process.extractOne(text, known.keys(), scorer=fuzz.ratio, score_cutoff=_ALIKE)
    return known[best[0]] if best else None


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[\w'%-]+", text.lower()))


def _text(messages: Sequence[Mapping[str, Any]]) -> str:
    """The last message of the user; a content may be text or a list of parts."""
    asked = [message["content"] for message in messages if message["role"] == "user"]
    content = asked[-1]
    return content if isinstance(content, str) else " ".join(str(part.get("text", "")) for part in content)


def _seconds(model: str, prompt: str) -> float:
    """Between half and twice the version's usual time; which, follows from the question."""
    return VERSIONS[model].seconds * (0.5 + 1.5 * (zlib.crc32(f"{model} {prompt}".encode()) % 1000 / 1000) ** 2)


def _completion(model: str, prompt: str, text: str) -> dict[str, Any]:
    asked, said = _tokens(prompt) + 12, _tokens(text)  # 12: what the chat form itself costs
    return {
        "id": f"chatcmpl-{zlib.crc32(f'{model} {prompt}'.encode()):08x}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }


def _tokens(text: str) -> int:
    """About four characters a token, OpenAI's own rule of thumb."""
    return max(1, round(len(text) / 4))


def _error(status: int, message: str, code: str | None) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": error}, status=status)
