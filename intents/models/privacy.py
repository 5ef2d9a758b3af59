"""What must not leave for a model: secrets, and addresses of people. Taken out before a request is built."""

from __future__ import annotations

import re

from actions.redaction import HIDDEN, redacted

_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_LONG = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{32,}={0,2}")
_KINDS = tuple(map(re.compile, ("[a-z]", "[A-Z]", "[0-9]")))


def hidden(text: str) -> str:
    """The same text with `<hidden>` in place of keys, tokens, passwords and mail addresses.

    Digests and commits stay: they are lower-case hexadecimal, and a deploy may name them.
    """
    return _LONG.sub(_unless_plain, _MAIL.sub(HIDDEN, redacted(text)))


def _unless_plain(match: re.Match[str]) -> str:
    """A long run of letters of both cases and figures is a key; a word or a digest is not."""
    return HIDDEN if all(kind.search(match[0]) for kind in _KINDS) else match[0]


def safe(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Messages as they may leave. Those of the prompt itself hold nothing to hide, so their bytes stay the same."""
    return [{**message, "content": hidden(message["content"])} for message in messages]
