"""What the verbs need of the keepers."""

from __future__ import annotations

from actions import objects
from actions.keepers.flux import REQUESTED
from actions.kinds import SERVED, KeeperKind
from actions.terms import NOTHING, VERSION, Path, Rule

_MARK: Path = ("metadata", "annotations", objects.REQUEST_ANNOTATION)
_BESIDE: dict[KeeperKind, tuple[Path, ...]] = {
    "Application": (  # a sync of what the spec says: no source, revision, pruning or force of its own
        ("operation", "initiatedBy", "username"),
        ("operation", "info"),
        ("operation", "sync", "syncStrategy", "hook", NOTHING),
    ),
    "HelmRelease": (("metadata", "annotations", REQUESTED),),
    "Kustomization": (("metadata", "annotations", REQUESTED),),
}

CHANGING = tuple(
    Rule(SERVED[kind].group, SERVED[kind].plural, ("get", "patch"), (_MARK, *beside, (VERSION,)))
    for kind, beside in _BESIDE.items()
)
"""Of a change of the version."""
READING = tuple(Rule(SERVED[kind].group, SERVED[kind].plural, ("get",)) for kind in _BESIDE)
"""Of a look."""
