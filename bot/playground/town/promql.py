"""Evaluates PromQL over the town's series, one moment at a time, as Prometheus' documentation describes it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot.playground.town import promql_functions
from bot.playground.town.promql_functions import Element, Labels, Value, Vector, labels_of
from bot.playground.town.promql_parser import (
    Aggregate,
    Binary,
    Call,
    ExecutionError,
    Matcher,
    Negative,
    Node,
    Number,
    PromqlError,
    Selector,
    Text,
)
from bot.playground.town.telemetry_series import Series, Telemetry

_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b if b else math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a),
    "%": lambda a, b: math.fmod(a, b) if b else math.nan,
    "^": lambda a, b: a**b,
}
_COMPARISON: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def matching(telemetry: Telemetry, matchers: Iterable[Matcher]) -> list[Series]:
    """The series that fit every matcher."""
    wanted = tuple(matchers)
    name = next((m.value for m in wanted if m.label == "__name__" and m.sign == "="), None)
    return [s for s in telemetry.series(name) if all(m.holds(s.labels.get(m.label, "")) for m in wanted)]


@dataclass(frozen=True)
class Evaluator:
    """Evaluates trees at a moment; the series of a selector are looked up once and kept for the next moment."""

    telemetry: Telemetry
    found: dict[Selector, list[Series]]

    def evaluate(self, node: Node, at: float) -> Value:
        """A number, a text or a vector. Raises PromqlError."""
        match node:
            case Number(value) | Text(value):
                return value
            case Selector():
                return self._vector(node, at)
            case Negative(of):
                return _map(self.evaluate(of, at), operator.neg)
            case Call(function, arguments):
                return self._call(function, arguments, at)
            case Aggregate():
                return self._aggregate(node, at)
            case Binary():
                return _binary(node, self.evaluate(node.left, at), self.evaluate(node.right, at))

    def _series(self, selector: Selector) -> list[Series]:
        if selector not in self.found:
            self.found[selector] = matching(self.telemetry, selector.matchers)
        return self.found[selector]

    def _vector(self, selector: Selector, at: float) -> Vector:
        if selector.window is not None:
            raise PromqlError(
                'invalid expression type "range vector" for range query, must be Scalar or instant Vector'
            )
        moment = at - selector.offset
        values = ((series.labels, series.value(moment)) for series in self._series(selector))
        return [Element(labels_of(labels), value) for labels, value in values if value is not None]

    def _call(self, function: str, arguments: tuple[Node, ...], at: float) -> Value:
        if function in promql_functions.OVER_RANGE:
            if len(arguments) != 1 or not isinstance(arguments[0], Selector) or arguments[0].window is None:
                raise PromqlError(
                    f'parse error: expected type range vector in call to function "{function}", got instant vector'
                )
            selector = arguments[0]
            return promql_functions.over_range(function, self._series(selector), selector, at)
        known = promql_functions.OVER_VALUES.get(function)
        if known is None:
            raise PromqlError(f'parse error: unknown function with name "{function}"')
        return known(at, *(self.evaluate(argument, at) for argument in arguments))

    def _aggregate(self, node: Aggregate, at: float) -> Vector:
        vector = _expect_vector(self.evaluate(node.of, at), node.operator)
        parameter = self.evaluate(node.parameter, at) if node.parameter is not None else 0.0
        groups: dict[Labels, Vector] = {}
        for element in vector:
            groups.setdefault(_grouped(element.labels, node.labels, node.without), []).append(element)
        if node.operator in ("topk", "bottomk"):
            return _ranked(groups.values(), node.operator == "topk", parameter)
        fold = promql_functions.FOLDS[node.operator]
        return [Element(labels, fold([e.value for e in group], parameter)) for labels, group in groups.items()]


def _grouped(labels: Labels, named: tuple[str, ...], without: bool) -> Labels:
    if without:
        return frozenset((k, v) for k, v in labels if k not in named and k != "__name__")
    return frozenset((k, v) for k, v in labels if k in named)


def _ranked(groups: Iterable[Vector], largest: bool, parameter: Value) -> Vector:
    if not isinstance(parameter, float):
        raise PromqlError('parse error: expected type scalar in aggregation parameter, got "vector"')
    count = max(0, int(parameter))
    return [e for group in groups for e in sorted(group, key=lambda e: e.value, reverse=largest)[:count]]


def _map(value: Value, change: Callable[[float], float]) -> Value:
    if isinstance(value, float):
        return change(value)
    return [Element(_unnamed(e.labels), change(e.value)) for e in _expect_vector(value, "a unary expression")]


def _expect_vector(value: Value, where: str) -> Vector:
    if not isinstance(value, list):
        raise PromqlError(f"parse error: expected type instant vector in {where}, got scalar")
    return value


def _unnamed(labels: Labels) -> Labels:
    return frozenset((k, v) for k, v in labels if k != "__name__")


def _binary(node: Binary, left: Value, right: Value) -> Value:
    if isinstance(left, str) or isinstance(right, str):
        raise PromqlError(f'parse error: operator "{node.sign}" not defined for strings')
    if isinstance(left, list) and isinstance(right, list):
        if node.sign in ("and", "or", "unless"):
            return _set(node, left, right)
        return _joined(node, left, right)
    if node.sign in ("and", "or", "unless"):
        raise PromqlError(f'parse error: set operator "{node.sign}" not allowed in binary scalar expression')
    if isinstance(left, float) and isinstance(right, float):
        if node.sign in _COMPARISON and not node.as_bool:
            raise PromqlError("parse error: comparisons between scalars must use BOOL modifier")
        return float(_apply(node.sign, left, right))
    if isinstance(left, list):
        scalar = right
        pairs = [(e, e.value, scalar) for e in left]
    else:
        pairs = [(e, left, e.value) for e in _expect_vector(right, "a binary expression")]
    results = (_result(node, e.labels, e.value, a, b) for e, a, b in pairs if isinstance(b, float))
    return [result for result in results if result is not None]


def _apply(sign: str, a: float, b: float) -> float | bool:
    if sign in _COMPARISON:
        return _COMPARISON[sign](a, b)
    try:
        return float(_ARITHMETIC[sign](a, b))
    except (OverflowError, ZeroDivisionError, TypeError):
        return math.nan


def _result(node: Binary, labels: Labels, kept: float, a: float, b: float) -> Element | None:
    """A comparison keeps the vector's element or drops it, unless `bool` asks for 0 and 1."""
    value = _apply(node.sign, a, b)
    if node.sign not in _COMPARISON or node.as_bool:
        return Element(_unnamed(labels), float(value))
    return Element(labels, kept) if value else None


def _key(node: Binary, labels: Labels) -> Labels:
    if node.on:
        return frozenset((k, v) for k, v in labels if k in node.labels)
    return frozenset((k, v) for k, v in labels if k not in node.labels and k != "__name__")


def _set(node: Binary, left: Vector, right: Vector) -> Vector:
    in_left, in_right = {_key(node, e.labels) for e in left}, {_key(node, e.labels) for e in right}
    if node.sign == "or":
        return left + [e for e in right if _key(node, e.labels) not in in_left]
    return [e for e in left if (_key(node, e.labels) in in_right) == (node.sign == "and")]


def _joined(node: Binary, left: Vector, right: Vector) -> Vector:
    many, one = (right, left) if node.group == "right" else (left, right)
    index: dict[Labels, Element] = {}
    for element in one:
        key = _key(node, element.labels)
        if key in index:
            raise ExecutionError("multiple matches for labels: many-to-many matching not allowed")
        index[key] = element
    found, seen = [], set()
    for element in many:
        key = _key(node, element.labels)
        if key not in index:
            continue
        if key in seen and not node.group:
            raise ExecutionError(
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            )
        seen.add(key)
        a, b = (index[key], element) if node.group == "right" else (element, index[key])
        labels = element.labels if node.group else _key(node, element.labels)
        result = _result(node, labels if node.sign not in _COMPARISON else element.labels, a.value, a.value, b.value)
        if result is not None:
            found.append(result)
    return found
