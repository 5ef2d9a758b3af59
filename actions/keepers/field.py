"""Where in a keeper the version stands, as the catalogue spells it: `spec.source.kustomize.images`.

Four forms, all of them the tools' own:
- one value: a Git revision, a chart's version, a Helm value, a substitution
- `spec.source.kustomize.images` of an Application: texts in kustomize's words, `[name=]repository:tag`
  https://argo-cd.readthedocs.io/en/stable/user-guide/kustomize/
- `spec.source.helm.parameters.NAME` of an Application: a list of named values
  https://argo-cd.readthedocs.io/en/stable/user-guide/helm/#helm-parameters
- `spec.images` of a Kustomization: a list of named images
  https://fluxcd.io/flux/components/kustomize/kustomizations/#images
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import JsonValue

from actions import image
from actions.errors import BadInput
from actions.kinds import KeeperKind
from actions.plan import PatchType

TEXTS, ENTRIES, PARAMETERS = "spec.source.kustomize.images", "spec.images", "spec.source.helm.parameters"
"""The lists; everything else is one value."""
_KEYS = r"(?:\.[A-Za-z0-9_-]+)+"
_FORMS: dict[KeeperKind, tuple[str, ...]] = {
    "Application": (
        r"spec\.source\.targetRevision",
        r"spec\.source\.kustomize\.images",
        r"spec\.source\.helm\.parameters\.[A-Za-z0-9_.-]+",
        r"spec\.source\.helm\.valuesObject" + _KEYS,
    ),
    "HelmRelease": (r"spec\.chart\.spec\.version", r"spec\.values" + _KEYS),
    "Kustomization": (r"spec\.images", r"spec\.postBuild\.substitute\.[A-Za-z0-9_]+"),
}
_SPOKEN: dict[KeeperKind, str] = {
    "Application": (
        "spec.source.targetRevision, spec.source.kustomize.images, spec.source.helm.parameters.NAME "
        "or spec.source.helm.valuesObject.KEY"
    ),
    "HelmRelease": "spec.chart.spec.version or spec.values.KEY",
    "Kustomization": "spec.images or spec.postBuild.substitute.NAME",
}
_OF_SOURCE = ("spec.source.targetRevision", "spec.chart.spec.version")
DEFAULTS: dict[KeeperKind, str] = {
    "Application": "spec.source.targetRevision",
    "HelmRelease": "spec.values.image.tag",
    "Kustomization": "spec.images",
}


class Field(Protocol):
    """One form. `live` is the keeper as the API gives it."""

    names_image: bool
    """Whether what stands there is a container's image, so that the pods can be compared with it."""

    @property
    def names_source(self) -> bool:
        """Whether it is a revision of the source itself, or a chart's version: one of another source is none of it."""
        ...

    def read(self, live: Mapping[str, Any]) -> str | None:
        """The version that stands there; None where none does."""
        ...

    def change(self, live: Mapping[str, Any], version: str) -> tuple[PatchType, dict[str, JsonValue]]:
        """The patch's type and the `spec` that puts this version there. Raises BadInput where it cannot stand there."""
        ...


def require(kind: KeeperKind, path: str, has_image: bool) -> None:
    """Raises ValueError in words where no version of such an object stands at this path."""
    if not any(re.fullmatch(form, path) for form in _FORMS[kind]):
        raise ValueError(f"the version of a {kind} stands at {_SPOKEN[kind]}, not at {path}")
    if path in (TEXTS, ENTRIES) and not has_image:
        raise ValueError(f"{path} is a list of images: say with `image` which of them is the service's")


def of(path: str, repository: str) -> Field:
    """The form at this path, which `require` has passed."""
    if path == TEXTS:
        return _Texts(repository)
    if path == ENTRIES:
        return _Entries(repository)
    if path.startswith(f"{PARAMETERS}."):
        return _Parameter(path.removeprefix(f"{PARAMETERS}."))
    return _Single(path)


def held(live: Mapping[str, Any], path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    value: Any = live
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


@dataclass(frozen=True)
class _Single:
    path: str
    names_image = False

    @property
    def names_source(self) -> bool:
        return self.path in _OF_SOURCE

    def read(self, live: Mapping[str, Any]) -> str | None:
        value = held(live, self.path)
        return None if value is None else str(value)

    def change(self, live: Mapping[str, Any], version: str) -> tuple[PatchType, dict[str, JsonValue]]:
        _require_tag(version, self.path)
        return "merge", _nested(self.path, version)


@dataclass(frozen=True)
class _Texts:
    repository: str
    names_image = True
    names_source = False

    def read(self, live: Mapping[str, Any]) -> str | None:
        return next((image.split(_said(text))[1] for text in self._ours(live)), None)

    def change(self, live: Mapping[str, Any], version: str) -> tuple[PatchType, dict[str, JsonValue]]:
        wanted, texts = image.join(self.repository, version), held(live, TEXTS) or []
        ours = self._ours(live)
        changed = [_renamed(text, wanted) if text in ours else text for text in texts]
        return "merge", _nested(TEXTS, changed if ours else [*changed, wanted])

    def _ours(self, live: Mapping[str, Any]) -> list[str]:
        return [text for text in held(live, TEXTS) or [] if image.split(_said(text))[0] == self.repository]


@dataclass(frozen=True)
class _Entries:
    repository: str
    names_image = True
    names_source = False

    def read(self, live: Mapping[str, Any]) -> str | None:
        entry = self._ours(live)
        return (entry.get("digest") or entry.get("newTag")) if entry else None

    def change(self, live: Mapping[str, Any], version: str) -> tuple[PatchType, dict[str, JsonValue]]:
        entry, pinned = self._ours(live), version.startswith("sha256:")
        name = str(entry["name"]) if entry else self.repository
        new: dict[str, JsonValue] = {"name": name, "digest" if pinned else "newTag": version}
        if entry and not pinned and entry.get("digest"):
            new["digest"] = None  # kustomize would prefer it to the tag
        return "named", _nested(ENTRIES, [new])

    def _ours(self, live: Mapping[str, Any]) -> Mapping[str, Any] | None:
        entries = held(live, ENTRIES) or []
        return next((each for each in entries if self.repository in (each.get("name"), each.get("newName"))), None)


@dataclass(frozen=True)
class _Parameter:
    name: str
    names_image = False
    names_source = False

    def read(self, live: Mapping[str, Any]) -> str | None:
        found = (each for each in held(live, PARAMETERS) or [] if each.get("name") == self.name)
        return next((str(each.get("value", "")) for each in found), None)

    def change(self, live: Mapping[str, Any], version: str) -> tuple[PatchType, dict[str, JsonValue]]:
        _require_tag(version, self.name)
        return "named", _nested(PARAMETERS, [{"name": self.name, "value": version}])


def _require_tag(version: str, where: str) -> None:
    if version.startswith("sha256:"):
        raise BadInput(f"At {where} stands a version by its name, and not a digest. Say the version.")


def _said(text: str) -> str:
    """`app=registry.example/app:1.0` -> the image that it says."""
    return text.rpartition("=")[2]


def _renamed(text: str, wanted: str) -> str:
    name, equals, _ = text.rpartition("=")
    return f"{name}{equals}{wanted}"


def _nested(path: str, value: JsonValue) -> dict[str, JsonValue]:
    """What a patch's `spec` holds for a path that begins there."""
    parts = path.split(".")[1:]
    for part in reversed(parts):
        value = {part: value}
    assert isinstance(value, dict)  # noqa: S101 - every form has a key below spec
    return value
