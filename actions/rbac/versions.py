"""How a keeper's version is confined: each object's own place for it, and there a version and nothing else (P2).

One account changes every keeper of a namespace, so the path alone would not do: where the catalogue says that one
Application's version is its Git revision, its images stay as they are. Lists are compared entry by entry.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from actions.keepers.field import ENTRIES, PARAMETERS, TEXTS
from actions.rbac.places import Place
from actions.terms import Path

_OWN = "variables.versions[?variables.workload].orValue([])"
_IMAGES = "variables.images[?variables.workload].orValue([])"
REPOSITORY = (  # of an image: without its digest and its tag
    "({0}.split('@')[0].lastIndexOf(':') > {0}.split('@')[0].lastIndexOf('/')"
    " ? {0}.split('@')[0].substring(0, {0}.split('@')[0].lastIndexOf(':')) : {0}.split('@')[0])"
)
Variable = Callable[[str, Path], str]
"""(new or old, path) -> how the policy calls what stands there."""


def variables(place: Place) -> dict[str, str]:
    """What the catalogue says of the keepers here."""
    return {
        "versions": json.dumps({key: sorted(paths) for key, paths in place.versions.items()}, sort_keys=True),
        "images": json.dumps({key: sorted(found) for key, found in place.images.items()}, sort_keys=True),
    }


def touched(place: Place, resource: str) -> list[Path]:
    """Every path that keeps a version of such an object here; of a list, the list."""
    found = {path for key, paths in place.versions.items() if key.startswith(f"{resource}.") for path in paths}
    return sorted({tuple((PARAMETERS if _is_parameter(path) else path).split(".")) for path in found})


def limits(path: Path, variable: Variable) -> tuple[str, str]:
    """What has to hold of a path of `touched`, and what is said where it does not."""
    new, old = (f"{variable(age, path[:-1])}[?'{path[-1]}']" for age in ("new", "old"))
    dotted = ".".join(path)
    lists = {TEXTS: _texts, ENTRIES: _entries, PARAMETERS: _parameters}
    if dotted in lists:
        changed = lists[dotted](f"dyn({new}.orValue([]))", f"dyn({old}.orValue([]))")
    else:
        changed = f"'{dotted}' in {_OWN} && {new}.hasValue() && type({new}.value()) == string"
    return f"{new} == {old} || ({changed})", f"the catalogue does not keep this version at {dotted}, or it is none"


def _texts(new: str, old: str) -> str:
    """`[name=]repository:tag`: those of the service's repository, each under the name that it had."""
    ours = f"'{TEXTS}' in {_OWN} && {_repository('{0}')} in {_IMAGES}"
    named = f"(!e.contains('=') || {old}.exists(p, p.startsWith(e.substring(0, e.lastIndexOf('=') + 1)) && {{0}}))"
    return (
        f"{new}.all(e, e in {old} || ({ours.format('e')} && {named.format(ours.format('p'))}))"
        f" && {old}.all(p, p in {new} || ({ours.format('p')}))"
    )


def _entries(new: str, old: str) -> str:
    """Tag or digest of the service's image; its name, and what it is renamed to, stay."""
    ours = f"'{ENTRIES}' in {_OWN} && ({{0}}.name in {_IMAGES} || {{0}}[?'newName'].orValue('') in {_IMAGES})"
    same = "p.name == e.name && p[?'newName'] == e[?'newName']"
    added = f"!{old}.exists(p, p.name == e.name) && !e[?'newName'].hasValue()"
    return (
        f"{new}.all(e, e in {old} || ({ours.format('e')} && ({old}.exists(p, {same}) || ({added}))))"
        f" && {old}.all(p, {new}.exists(e, e.name == p.name && (e == p || ({ours.format('p')}))))"
    )


def _parameters(new: str, old: str) -> str:
    """The value of those that the catalogue names."""
    ours = f"('{PARAMETERS}.' + {{0}}.name) in {_OWN}"
    return (
        f"{new}.all(e, e in {old} || {ours.format('e')})"
        f" && {old}.all(p, {new}.exists(e, e.name == p.name && (e == p || {ours.format('p')})))"
    )


def _repository(text: str) -> str:
    return REPOSITORY.format(f"{text}.substring({text}.lastIndexOf('=') + 1)")


def _is_parameter(path: str) -> bool:
    return path.startswith(f"{PARAMETERS}.")
