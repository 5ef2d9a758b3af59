"""Log lines as they are grouped for people: the message in a line, its level, its pattern. Pure; believes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from actions.clients.protocols import LogLine

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
_READ = 2000  # characters of a line that are looked at
_WORDS: dict[str, Level] = {
    **dict.fromkeys(("trace", "debug"), "debug"),
    **dict.fromkeys(("info", "notice"), "info"),
    **dict.fromkeys(("warn", "warning"), "warning"),
    **dict.fromkeys(("err", "error", "fatal", "panic", "critical", "crit", "alert", "emerg", "severe"), "error"),
}
_LEVEL_KEYS = ("level", "lvl", "severity", "levelname", "log.level")
_MESSAGE_KEYS = ("msg", "message", "error", "err", "log", "event")
_LOGFMT = re.compile(r'([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')
_HEAD = re.compile(r"^\W{0,2}(?:\d[\dT:.,/+Z -]{7,34}\s*)?\W{0,2}([A-Za-z]{3,8})\b\W{0,2}")
_KLOG = re.compile(r"^([IWEF])\d{4} [\d:.]+\s+\d+ [\w.-]+:\d+\] ")
_KLOG_LEVELS: dict[str, Level] = {"I": "info", "W": "warning", "E": "error", "F": "error"}
_TROUBLE = re.compile(r"\b(?:panic:|traceback\b|[\w.]*(?:Exception|Error)\b|fatal\b)", re.IGNORECASE)
_STAMP = re.compile(r"^\W{0,2}\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\W*|^\W{0,2}\d\d:\d\d:\d\d[\d.,]*\W*")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_MASKS = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,]*(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}\b"), "<email>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"), "<ip>"),
    (re.compile(r"\b0x[0-9a-f]+\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])\w{20,}\b"), "<id>"),
    (re.compile(r"(?<![A-Za-z_\d.])\d+(?:[.,]\d+)*"), "<num>"),
)


@dataclass(frozen=True)
class Group:
    """Lines that differ only in numbers, ids and the like. The pattern comes from the lines: untrusted."""

    pattern: str
    count: int
    first: datetime
    last: datetime


def clean(text: str) -> str:
    """Without escape sequences and control characters, which could hide or fake text on a terminal."""
    return _CONTROL.sub("", text)


def message(text: str) -> str:
    """What a line says, without its time, level and fields, for JSON, logfmt and plain lines."""
    line = clean(text[:_READ]).strip()
    fields = _fields(line)
    for key in _MESSAGE_KEYS:
        if fields.get(key):
            return fields[key].strip()
    line = _STAMP.sub("", _KLOG.sub("", line))
    head = _HEAD.match(line)
    return line[head.end() :] if head and head[1].lower() in _WORDS and head.end() < len(line) else line


def level(text: str) -> Level | None:
    """The level that the line names itself; `error` where it only looks like one; None where nothing tells."""
    line = clean(text[:_READ]).strip()
    fields = _fields(line)
    for key in _LEVEL_KEYS:
        found = _WORDS.get(fields.get(key, "").lower())
        if found:
            return found
    klog, head = _KLOG.match(line), _HEAD.match(line)
    if klog:
        return _KLOG_LEVELS[klog[1]]
    if head and head[1].lower() in _WORDS:
        return _WORDS[head[1].lower()]
    return "error" if _TROUBLE.search(line) else None


def at_least(text: str, wanted: Level) -> bool:
    """Whether a line is of this level or worse; one that tells no level is not, except for `debug`."""
    found = level(text)
    return wanted == "debug" if found is None else LEVELS.index(found) >= LEVELS.index(wanted)


def pattern(text: str) -> str:
    """The line's message with times, numbers, ids, addresses and hexadecimal digits masked."""
    masked = message(text)
    for mask, word in _MASKS:
        masked = mask.sub(word, masked)
    return " ".join(masked.split())


def group(lines: Iterable[LogLine]) -> tuple[Group, ...]:
    """The lines by pattern, the most frequent first; what continues a line before it (a stack trace) is left out."""
    found: dict[str, list[datetime]] = {}
    for line in lines:
        if line.text.strip() and not line.text[0].isspace():
            found.setdefault(pattern(line.text), []).append(line.at)
    groups = [Group(words, len(times), min(times), max(times)) for words, times in found.items()]
    return tuple(sorted(groups, key=lambda g: (-g.count, g.first, g.pattern)))


def since_version(one: Group, start: datetime, deploy: datetime | None) -> bool:
    """Whether a group began with a deploy: none of it before, though the window reaches back a while before it."""
    return deploy is not None and deploy - start >= timedelta(minutes=5) and one.first >= deploy - timedelta(seconds=5)


def shown(groups: Sequence[Group], notes: Sequence[str], width: int = 110) -> tuple[str, ...]:
    """A line a group for a quote: `181×  upstream timeout after <num> ms calling ledger   first 11:41 · last 14:20`."""
    counts = [f"{one.count:,}×" for one in groups]
    words = [one.pattern if len(one.pattern) <= width else one.pattern[: width - 1] + "…" for one in groups]
    pad, column = max(map(len, counts), default=0), min(64, max(map(len, words), default=0))
    rows = zip(counts, words, notes, strict=True)
    return tuple(f"{count:>{pad}}  {said:<{column}}   {note}" for count, said, note in rows)


def _fields(line: str) -> dict[str, str]:
    if line.startswith("{"):
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            return {}
        return {k: str(v) for k, v in data.items() if isinstance(v, str | int)} if isinstance(data, dict) else {}
    pairs = _LOGFMT.findall(line)
    return {key: _unquoted(value) for key, value in pairs} if len(pairs) > 1 else {}


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), value[1:-1])
