"""Prompts are files: front matter, then parts marked with the role that says them. Identity is the content's hash."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import yaml

_PART = re.compile(r"(?m)^## (system|user|assistant)\n")


class Prompt(NamedTuple):
    """A prompt file."""

    name: str
    version: int
    variant: str  # of several wordings of one version that are compared with each other
    output_tokens: int  # the longest answer that makes sense, a hint to the endpoint
    digest: str  # SHA-256 of the file, as hexadecimal digits
    parts: tuple[tuple[str, str], ...]  # (role, text)

    def messages(self, **values: str) -> list[dict[str, str]]:
        """The chat messages, with `{{name}}` replaced. One pass: what a value holds is never replaced again."""
        filled = re.compile("|".join(re.escape(f"{{{{{name}}}}}") for name in values)) if values else None
        found = []
        for role, text in self.parts:
            shown = filled.sub(lambda match: values[match[0][2:-2]], text) if filled else text
            found.append({"role": role, "content": shown})
        return found


@cache
def load(name: str) -> Prompt:
    """The prompt of this name."""
    raw = resources.files(__package__).joinpath(f"{name}.md").read_bytes()
    _, front, body = raw.decode("utf-8").split("---\n", 2)
    head: dict[str, Any] = yaml.safe_load(front)
    pieces = _PART.split(body)[1:]
    parts = tuple((role, text.strip()) for role, text in zip(pieces[::2], pieces[1::2], strict=True))
    return Prompt(
        name=head["name"],
        version=head["version"],
        variant=head["variant"],
        output_tokens=head["hints"]["output_tokens"],
        digest=hashlib.sha256(raw).hexdigest(),
        parts=parts,
    )
