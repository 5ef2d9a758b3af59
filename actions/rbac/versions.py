"""How a keeper's version is confined: each object's own place for it, and there a version and nothing else (P2).

One account changes every keeper of a namespace, so the path alone would not do: where the catalogue says that one
Application's version is its Git revision, its images stay as they are. Lists are compared entry by entry.
Of an Application with several sources none may come, go or change its place, and of the one that the catalogue names
the version alone may differ. Two lists cannot be walked together in CEL, so there is a limit to how long they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from actions.keepers.field import ENTRIES, PARAMETERS, TEXTS
from actions.keepers.sources import MAKING, NAMES
from actions.rbac.cel import alike_but
from actions.rbac.places import Place
from actions.terms import Path

_OWN = "variables.versions[?variables.workload].orValue([])"
_IMAGES = "variables.images[?variables.workload].orValue([])"
REPOSITORY = (  # of an image: without its digest and its tag
    "({0}.split('@')[0].lastIndexOf(':') > {0}.split('@')[0].lastIndexOf('/')"
    " ? {0}.split('@')[0].substring(0, {0}.split('@')[0].lastIndexOf(':')) : {0}.split('@')[0])"
)
_SPEC, _SOURCE, _SOURCES = (("spec",), ("spec", "source"), ("spec", "sources"))
_MOST = 32  # sources of an Application
Variable = Callable[[str, Path], str]
"""(new or old, path) -> how the policy calls what stands there."""


def variables(place: Place) -> dict[str, str]:
    """What the catalogue says of the keepers here."""
    return {
        "versions": json.dumps({key: sorted(paths) for key, paths in place.versions.items()}, sort_keys=True),
        "sources": json.dumps({key: _named(found) for key, found in place.sources.items()}, sort_keys=True),
        "nothing": "{}",
        "images": json.dumps({key: sorted(found) for key, found in place.images.items()}, sort_keys=True),
    }


def touched(place: Place, resource: str) -> list[Path]:
    """Every path that keeps a version of such an object here; of a list, the list. Sources are one."""
    paths = _single(place, resource)
    return [*paths, _SOURCES] if resource == "applications" and paths else paths


def _single(place: Place, resource: str) -> list[Path]:
    found = {path for key, paths in place.versions.items() if key.startswith(f"{resource}.") for path in paths}
    return sorted({tuple((PARAMETERS if _is_parameter(path) else path).split(".")) for path in found})


def limits(place: Place, path: Path, variable: Variable) -> tuple[str, str]:
    """What has to hold of a path of `touched`, and what is said where it does not."""
    if path == _SOURCES:
        kept = _sources(_single(place, "applications"), variable)
        return kept, "in these sources the catalogue keeps no such version"
    several = f"{variable('new', _SPEC)}[?'sources'].orValue([]).size() > 0"  # Argo CD ignores the single one then
    own = f"({several} ? [] : {_OWN})" if path[:2] == _SOURCE else _OWN
    said = f"the catalogue does not keep this version at {'.'.join(path)}, or it is none"
    return _limited(path, variable, own), said


def _limited(path: Path, variable: Variable, own: str) -> str:
    """`own` are the places that are this service's."""
    new, old = (f"{variable(age, path[:-1])}[?'{path[-1]}']" for age in ("new", "old"))
    dotted = ".".join(path)
    lists = {TEXTS: _texts, ENTRIES: _entries, PARAMETERS: _parameters}
    if dotted in lists:
        changed = lists[dotted](f"dyn({new}.orValue([]))", f"dyn({old}.orValue([]))", own)
    else:
        changed = f"'{dotted}' in {own} && {new}.hasValue() && type({new}.value()) == string"
    return f"{new} == {old} || ({changed})"


def _sources(paths: list[Path], variable: Variable) -> str:
    """One by one, each at its place."""
    new, old = (f"{variable(age, _SPEC)}[?'sources'].orValue([])" for age in ("new", "old"))
    own = f"variables.sources[?variables.workload].orValue([]).filter(s, {_is_meant(new)}).map(s, s.version)"

    def inner(age: str, path: Path) -> str:
        found = f"{new if age == 'new' else old}[i]"
        for key in path[len(_SOURCE) :]:
            found = f"dyn({found}[?'{key}'].orValue(variables.nothing))"
        return found

    alike = [alike_but(inner("new", at), inner("old", at), sorted(keys), "k") for at, keys in _levels(paths).items()]
    same = " && ".join([*alike, *(f"({_limited(path, inner, own)})" for path in paths)])
    sized = f"{new}.size() == {old}.size() && {new}.size() <= {_MOST}"
    places = f"[{', '.join(map(str, range(_MOST)))}]"
    return f"{new} == {old} || ({sized} && {places}.all(i, i >= {new}.size() || ({same})))"


def _is_meant(there: str) -> str:
    """That the source at `i`, and no other, is what is kept as `s`: see `actions.keepers.sources`."""
    makes = " || ".join(f"{{0}}[?'{key}'].orValue('') != ''" for key in MAKING)
    called = " || ".join(f"{{0}}[?'{key}'].orValue('') == s.source" for key in NAMES)
    fits = f"(s.source == '' ? ({makes}) : ({called}))"
    return f"{fits.format(f'{there}[i]')} && {there}.filter(e, {fits.format('e')}).size() == 1"


def _levels(paths: list[Path]) -> dict[Path, set[str]]:
    """Every map within a source on the way to a version -> what in it may differ."""
    found: dict[Path, set[str]] = {}
    for path in paths:
        for at in range(len(_SOURCE), len(path)):
            found.setdefault(path[:at], set()).add(path[at])
    return found


def _named(found: frozenset[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"version": path, "source": source} for path, source in sorted(found)]


def _texts(new: str, old: str, own: str) -> str:
    """`[name=]repository:tag`: those of the service's repository, each under the name that it had."""
    ours = f"'{TEXTS}' in {own} && {_repository('{0}')} in {_IMAGES}"
    named = f"(!e.contains('=') || {old}.exists(p, p.startsWith(e.substring(0, e.lastIndexOf('=') + 1)) && {{0}}))"
    return (
        f"{new}.all(e, e in {old} || ({ours.format('e')} && {named.format(ours.format('p'))}))"
        f" && {old}.all(p, p in {new} || ({ours.format('p')}))"
    )


def _entries(new: str, old: str, own: str) -> str:
    """Tag or digest of the service's image; its name, and what it is renamed to, stay."""
    ours = f"'{ENTRIES}' in {own} && ({{0}}.name in {_IMAGES} || {{0}}[?'newName'].orValue('') in {_IMAGES})"
    same = "p.name == e.name && p[?'newName'] == e[?'newName']"
    added = f"!{old}.exists(p, p.name == e.name) && !e[?'newName'].hasValue()"
    return (
        f"{new}.all(e, e in {old} || ({ours.format('e')} && ({old}.exists(p, {same}) || ({added}))))"
        f" && {old}.all(p, {new}.exists(e, e.name == p.name && (e == p || ({ours.format('p')}))))"
    )


def _parameters(new: str, old: str, own: str) -> str:
    """The value of those that the catalogue names, and nothing else of them."""
    ours = f"('{PARAMETERS}.' + {{0}}.name) in {own}"
    revalued = f"{old}.exists(p, {alike_but('e', 'p', ['value'], 'k')})"
    added = f"!{old}.exists(p, p.name == e.name) && e.all(k, k in ['name', 'value'])"
    return (
        f"{new}.all(e, e in {old} || ({ours.format('e')} && ({revalued} || ({added}))))"
        f" && {old}.all(p, {new}.exists(e, e.name == p.name && (e == p || {ours.format('p')})))"
    )


def _repository(text: str) -> str:
    return REPOSITORY.format(f"{text}.substring({text}.lastIndexOf('=') + 1)")


def _is_parameter(path: str) -> bool:
    return path.startswith(f"{PARAMETERS}.")
