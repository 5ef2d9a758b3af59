"""What must not leave for a model: secrets, and addresses of people. Taken out before a request is built."""

from __future__ import annotations

import re

from actions.redaction import HIDDEN, redacted

_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_LONG_SECRET = re.compile(r"(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])(?=[\w+/-]*\d)[A-Za-z0-9+/_-]{32,}={0,2}")


def hidden(text: str) -> str:
    """The same text with `<hidden>` in place of keys, tokens, passwords and mail addresses.

    Digests and commits stay: they are lower-case hexadecimal, and a deploy may name them.
    """
    return _LONG_SECRET.sub(HIDDEN, _MAIL.sub(HIDDEN, redacted(text)))


def safe(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Messages as they may leave. Those of the prompt itself hold nothing to hide, so their bytes stay the same."""
    return [{**message, "content": hidden(message["content"])} for message in messages]
