"""Takes what looks like a secret out of text from logs and events, before it is shown or kept (L6).

A second line of defence: services should not log secrets. The shapes are the published ones of common tokens
(Slack, GitHub, AWS, OpenAI, JSON Web Tokens, PEM) and values that are named as secrets where they stand.
"""

from __future__ import annotations

import re

HIDDEN = "<hidden>"
_NAMED = re.compile(
    r"""((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|authorization)
        ["']?\s*[:=]\s*["']?)(?:(?:bearer|basic)\s+)?[^\s"',;&}]{3,}""",
    re.IGNORECASE | re.VERBOSE,
)
_SHAPES = re.compile(
    r"""xox[a-z]-[\w-]{6,}|xapp-[\w-]{6,}
    |gh[pousr]_\w{20,}|github_pat_\w{20,}
    |(?:AKIA|ASIA)[A-Z0-9]{16}
    |sk-[\w-]{16,}
    |eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*
    |-----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*
    |(?<=://)[^\s/:@]{1,64}:[^\s/@]{1,128}(?=@)""",
    re.VERBOSE,
)
# Refusals quote what they refuse (L6): metav1's field.Error, here where people write secrets. An object that is quoted
# has no end that could be told, so nothing behind it is shown either.
_VALUE = re.compile(
    r"""(\b(?:env|parameters|patches|substitute|values\w*)\b[\w.\[\]-]*:\ \w+\ value:\ )
        (?:"(?:[^"\\]|\\.)*"|[^"\s][^\s:,]*(?=[:,]\s|$)|.+)""",
    re.VERBOSE,
)
# The same where it is quoted as a whole, in JSON or in Go's own words.
_MEMBER = re.compile(r"""((?<![A-Za-z])(?:\\?["']value\\?["']\s*:|Value:)\s*)(\\?["'])(?:(?!\2)(?:\\.|[^\\]))*\2""")
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)


def redacted(text: str) -> str:
    """The same text with secrets replaced by `<hidden>`."""
    named = _NAMED.sub(lambda m: m[1] + HIDDEN, text)
    return _SHAPES.sub(HIDDEN, _BEARER.sub(lambda m: f"{m[1]} {HIDDEN}", named))


def without_values(text: str) -> str:
    """What a cluster says of objects, without what it quotes of their variables and settings, and `redacted`."""
    return redacted(_MEMBER.sub(rf"\1{HIDDEN}", _VALUE.sub(rf"\1{HIDDEN}", text)))
