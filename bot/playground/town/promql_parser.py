"""Reads PromQL into a tree. The grammar is that of Prometheus' documentation, without subqueries and `@`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_536_000.0}
AGGREGATIONS = ("sum", "avg", "max", "min", "count", "stddev", "topk", "bottomk", "quantile", "group")
_WITH_PARAMETER = ("topk", "bottomk", "quantile")
_PRECEDENCE = (
    ("or",),
    ("and", "unless"),
    ("==", "!=", "<=", ">=", "<", ">"),
    ("+", "-"),
    ("*", "/", "%"),
    ("^",),
)
_COMPARISONS = _PRECEDENCE[2]
_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![A-Za-z0-9_.]))
    |(?P<number>(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)(?![A-Za-z_]))
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)
    |(?P<sign>=~|!~|==|!=|<=|>=|[-+*/%^<>=(){}\[\],@])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")


class PromqlError(Exception):
    """A query that cannot be read, in the words Prometheus would use."""


class ExecutionError(PromqlError):
    """A query that reads well and cannot be evaluated over what is there."""


@dataclass(frozen=True)
class Matcher:
    """One condition of a selector."""

    label: str
    sign: Literal["=", "!=", "=~", "!~"]
    value: str

    def holds(self, found: str) -> bool:
        """Whether a label's value fits; an absent label is the empty string. Regexes are anchored."""
        if self.sign in ("=", "!="):
            return (found == self.value) == (self.sign == "=")
        return bool(re.fullmatch(self.value, found)) == (self.sign == "=~")


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Selector:
    """Series by name and labels; with `window` (seconds) their samples over it."""

    matchers: tuple[Matcher, ...]
    window: float | None = None
    offset: float = 0.0

    @property
    def name(self) -> str | None:
        """The metric's name where the selector pins it."""
        return next((m.value for m in self.matchers if m.label == "__name__" and m.sign == "="), None)


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Aggregate:
    operator: str
    of: Node
    parameter: Node | None
    labels: tuple[str, ...]
    without: bool


@dataclass(frozen=True)
class Negative:
    of: Node


@dataclass(frozen=True)
class Binary:
    """`left sign right`; vectors are matched on `labels` (`on`) or on all others (`ignoring`)."""

    sign: str
    left: Node
    right: Node
    as_bool: bool = False
    on: bool = False
    labels: tuple[str, ...] = ()
    group: Literal["", "left", "right"] = ""


Node = Number | Text | Selector | Call | Aggregate | Negative | Binary


def parse(query: str) -> Node:
    """The tree of a query. Raises PromqlError."""
    return _Parser(query).whole()


def seconds(text: str) -> float:
    """A duration such as `5m` or `1h30m` in seconds. Raises PromqlError."""
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    if not parts or "".join(n + unit for n, unit in parts) != text:
        raise PromqlError(f'not a valid duration string: "{text}"')
    return sum(int(n) * UNITS[unit] for n, unit in parts)


class _Parser:
    def __init__(self, query: str) -> None:
        self._tokens = list(_tokens(query))
        self._at = 0

    def whole(self) -> Node:
        if not self._tokens:
            raise PromqlError("unknown position: parse error: no expression found in input")
        node = self._binary(0)
        if self._at < len(self._tokens):
            raise self._unexpected()
        return node

    # -- tokens

    def _peek(self, kind: str | None = None) -> str:
        """The next token's text if it is of this kind (any kind without one), else ''."""
        if self._at >= len(self._tokens):
            return ""
        found, text, _ = self._tokens[self._at]
        return text if kind is None or found == kind else ""

    def _take(self, *texts: str) -> str:
        """The next token, which must be one of these (any without them)."""
        text = self._peek()
        if not text or (texts and text not in texts):
            raise self._unexpected()
        self._at += 1
        return text

    def _skip(self, text: str) -> bool:
        if self._peek("string") or self._peek() != text:
            return False
        self._at += 1
        return True

    def _unexpected(self) -> PromqlError:
        if self._at >= len(self._tokens):
            return PromqlError("parse error: unexpected end of input")
        _, text, where = self._tokens[self._at]
        return PromqlError(f'1:{where + 1}: parse error: unexpected "{text}"')

    # -- the grammar, loosest first

    def _binary(self, level: int) -> Node:
        if level == len(_PRECEDENCE):
            return self._unary()
        left = self._binary(level + 1)
        while self._peek() in _PRECEDENCE[level] and not self._peek("string"):
            sign = self._take()
            as_bool = sign in _COMPARISONS and self._skip("bool")
            on, labels, group = self._matching()
            right = self._binary(level if sign == "^" else level + 1)  # only ^ binds to the right
            left = Binary(sign, left, right, as_bool, on, labels, group)
        return left

    def _matching(self) -> tuple[bool, tuple[str, ...], Literal["", "left", "right"]]:
        word = self._peek("name")
        if word not in ("on", "ignoring"):
            return False, (), ""
        self._take()
        labels = self._labels()
        if self._peek("name") in ("group_left", "group_right"):
            group: Literal["left", "right"] = "left" if self._take() == "group_left" else "right"
            if self._peek() == "(":
                self._labels()
            return word == "on", labels, group
        return word == "on", labels, ""

    def _unary(self) -> Node:
        if self._skip("-"):
            return Negative(self._binary(len(_PRECEDENCE) - 1))
        if self._skip("+"):
            return self._binary(len(_PRECEDENCE) - 1)
        return self._modified(self._atom())

    def _modified(self, node: Node) -> Node:
        if self._peek() == "[":
            if not isinstance(node, Selector):
                raise PromqlError("parse error: ranges only allowed for vector selectors")
            self._take("[")
            node = replace(node, window=self._duration())
            self._take("]")
        if self._peek("name") == "offset":
            self._take()
            back = self._skip("-")
            if not isinstance(node, Selector):
                raise PromqlError("parse error: offset modifier must be preceded by a selector")
            node = replace(node, offset=-self._duration() if back else self._duration())
        return node

    def _duration(self) -> float:
        if not self._peek("duration"):
            raise self._unexpected()
        return seconds(self._take())

    def _atom(self) -> Node:
        if self._skip("("):
            node = self._binary(0)
            self._take(")")
            return node
        if self._peek("number"):
            return Number(float(self._take()))
        if self._peek("string"):
            return Text(_unquote(self._take()))
        if self._peek() == "{":
            return self._selector(None)
        if not self._peek("name"):
            raise self._unexpected()
        name = self._take()
        if name.lower() in ("inf", "nan"):
            return Number(float(name))
        if name in AGGREGATIONS and self._peek() in ("(", "by", "without"):
            return self._aggregate(name)
        if self._peek() == "(":
            return Call(name, self._arguments())
        return self._selector(name)

    def _aggregate(self, operator: str) -> Node:
        grouping = self._grouping()
        arguments = self._arguments()
        if grouping is None:
            grouping = self._grouping()
        wanted = 2 if operator in _WITH_PARAMETER else 1
        if len(arguments) != wanted:
            raise PromqlError(
                f"parse error: wrong number of arguments for aggregate expression provided, "
                f"expected {wanted}, got {len(arguments)}"
            )
        without, labels = grouping or (False, ())
        return Aggregate(operator, arguments[-1], arguments[0] if wanted == 2 else None, labels, without)

    def _grouping(self) -> tuple[bool, tuple[str, ...]] | None:
        word = self._peek("name")
        if word not in ("by", "without"):
            return None
        self._take()
        return word == "without", self._labels()

    def _labels(self) -> tuple[str, ...]:
        self._take("(")
        labels = []
        while not self._skip(")"):
            if not self._peek("name"):
                raise self._unexpected()
            labels.append(self._take())
            if self._peek() != ")":
                self._take(",")
        return tuple(labels)

    def _arguments(self) -> tuple[Node, ...]:
        self._take("(")
        arguments: list[Node] = []
        while not self._skip(")"):
            arguments.append(self._binary(0))
            if self._peek() != ")":
                self._take(",")
        return tuple(arguments)

    def _selector(self, name: str | None) -> Selector:
        matchers = [Matcher("__name__", "=", name)] if name else []
        if self._skip("{"):
            while not self._skip("}"):
                matchers.append(self._matcher())
                if self._peek() != "}":
                    self._take(",")
        if all(m.holds("") for m in matchers):
            raise PromqlError("parse error: vector selector must contain at least one non-empty matcher")
        return Selector(tuple(matchers))

    def _matcher(self) -> Matcher:
        if not self._peek("name"):
            raise self._unexpected()
        label, sign = self._take(), self._take("=", "!=", "=~", "!~")
        if not self._peek("string"):
            raise self._unexpected()
        value = _unquote(self._take())
        if sign in ("=~", "!~"):
            try:
                re.compile(value)
            except re.error as error:
                raise PromqlError(f"parse error: error parsing regexp: {error}") from None
        return Matcher(label, sign, value)  # type: ignore[arg-type]  # _take allows exactly these four


def _tokens(query: str) -> list[tuple[str, str, int]]:
    found, at = [], 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            raise PromqlError(f"1:{at + 1}: parse error: unexpected character: {query[at]!r}")
        if match.lastgroup and match.lastgroup != "space":
            found.append((match.lastgroup, match[0], at))
        at = match.end()
    return found


def _unquote(text: str) -> str:
    if text[0] == "`":
        return text[1:-1]
    escapes = {"n": "\n", "t": "\t", "r": "\r"}
    return _ESCAPE.sub(lambda m: escapes.get(m[1], m[1]), text[1:-1])
