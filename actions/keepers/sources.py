"""An Application of several sources, of which one keeps a service's version.

Argo CD puts the manifests of all `spec.sources` together, and ignores `spec.source` where there are any; a source that
is only a `ref` lends its files to others and makes no manifests itself.
https://argo-cd.readthedocs.io/en/stable/user-guide/multiple_sources/

Nothing here rests on a source's position: it is known by what it is, and what fits none or several is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from actions.errors import BadInput
from actions.plan import PatchType
from actions.redaction import redacted

NAMES = ("name", "ref", "chart", "path", "repoURL")
"""What a source is, beside the version and the settings that it is used with."""
MAKING = ("path", "chart")
"""What a source has one of that makes manifests."""
Source = Mapping[str, Any]


def listed(holder: Mapping[str, Any]) -> Sequence[Source]:
    """The sources of whatever has some: a spec, a comparison, an entry of the history.

    Argo CD ignores them where there is a `sourceHydrator`.
    """
    if holder.get("sourceHydrator"):
        return ()
    return holder.get("sources") or ([holder["source"]] if holder.get("source") else [])


def seen(live: Mapping[str, Any], word: str) -> Mapping[str, Any]:
    """The Application as if the source that `word` names were the only one that it has and ever had.

    Where no source alone is meant, it is without any. Other kinds stay as they are.
    """
    if live.get("kind") != "Application":
        return live
    status = live.get("status") or {}
    sync, past = status.get("sync") or {}, status.get("history") or ()
    compared = {**sync, **(sync.get("comparedTo") or {})}
    history = [{**entry, **one} for entry in past if (one := _alone(entry, word))]
    found = {**status, "sync": {**sync, **_alone(compared, word)}, "history": history}
    return {**live, "spec": {**live["spec"], "source": {}, **_alone(live["spec"], word)}, "status": found}


def said(live: Mapping[str, Any], word: str) -> str:
    """`source 1 of 2: chart shop, repoURL https://charts.example`; empty where there are not several.

    Raises BadInput that lists them where no source alone is meant.
    """
    if live.get("kind") != "Application":
        return ""
    there, at = listed(live["spec"]), _position(live["spec"], word)
    if live["spec"].get("sourceHydrator"):
        raise BadInput(
            f"Application {live['metadata']['name']} has a sourceHydrator, so Argo CD ignores its source and a version "
            "there. Change the version in the repository that it hydrates."
        )
    if at is None:
        why = f'no one source of it is called "{word}"' if word else "more than one of its sources makes manifests"
        lines = "; ".join(map(_spoken, there)) or "none"
        name = live["metadata"]["name"]
        raise BadInput(
            f"I cannot tell which source of Application {name} keeps the version: {why}. "
            f"Name it in the catalogue, as `source` of `managed_by`. There is: {lines}."
        )
    return f"source {at + 1} of {len(there)}: {_spoken(there[at])}" if len(there) > 1 else ""


def alike(one: Source, other: Source) -> bool:
    """Whether both are the same place, at whichever revision: that of one may be written into the other."""
    return all((one.get(key) or "") == (other.get(key) or "") for key in ("repoURL", *MAKING))


def placed(
    live: Mapping[str, Any], word: str, kind: PatchType, spec: dict[str, JsonValue]
) -> tuple[PatchType, dict[str, JsonValue]]:
    """A change of `seen` as one of the Application itself, where it has a list of them. Raises BadInput as `said`."""
    said(live, word)
    if not live["spec"].get("sources"):
        return kind, spec
    at, change = _position(live["spec"], word), spec["source"]
    assert at is not None  # noqa: S101 - `said` has refused what is not clear
    assert isinstance(change, dict)  # noqa: S101 - as every form of an Application's version begins
    return "sourced", {"sources": [{**_identity(listed(live["spec"])[at]), **change}]}


def found(change: Source, there: Sequence[Source]) -> int | None:
    """Which of these a change of `placed` is about; None where it is no longer one alone."""
    wanted = {key: change[key] for key in NAMES if key in change}
    matching = [at for at, source in enumerate(there) if _identity(source) == wanted]
    return matching[0] if len(matching) == 1 else None


def beside(change: Source) -> dict[str, Any]:
    """What it changes of that source."""
    return {key: value for key, value in change.items() if key not in NAMES}


def _alone(holder: Mapping[str, Any], word: str) -> dict[str, Any]:
    """That source and its revision."""
    at = _position(holder, word)
    if at is None:
        return {}
    revisions = holder.get("revisions") or [holder.get("revision")]
    return {"source": listed(holder)[at], "revision": revisions[at] if at < len(revisions) else None}


def _position(holder: Mapping[str, Any], word: str) -> int | None:
    there = listed(holder)
    if not word and not holder.get("sources"):
        return 0 if there else None
    keys = NAMES if word else MAKING
    matching = [
        at for at, source in enumerate(there) if any(source.get(key) and word in ("", source[key]) for key in keys)
    ]
    return matching[0] if len(matching) == 1 else None


def _identity(source: Source) -> dict[str, JsonValue]:
    """Without a password that stands in an address (L6)."""
    return {key: redacted(str(source[key])) for key in NAMES if source.get(key)}


def _spoken(source: Source) -> str:
    return ", ".join(f"{key} {value}" for key, value in _identity(source).items())
