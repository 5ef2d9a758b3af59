"""What the API server refuses to store, field by field (k8s.io/kubernetes/pkg/apis, validation of each group)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from bot.playground.town.objects import Object, share
from bot.playground.town.problems import Flaw

_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")
_NOT_NEGATIVE = "must be greater than or equal to 0"


def flaws(kind: str, obj: Object, before: Object | None) -> list[Flaw]:
    """Everything that is wrong with the object; `before` is the stored one where it is an update."""
    found = _metadata(obj, before)
    check: Callable[[Object, Object | None], list[Flaw]] | None = {
        "Deployment": _deployment,
        "HorizontalPodAutoscaler": _autoscaler,
        "Scale": _scale,
    }.get(kind)
    return [*found, *(check(obj, before) if check else [])]


def _invalid(path: str, value: Any, detail: str) -> Flaw:
    return Flaw(path, "Invalid value", json.dumps(value, separators=(",", ":")), detail)


def _metadata(obj: Object, before: Object | None) -> list[Flaw]:
    meta = obj["metadata"]
    if before is None:
        if _NAME.match(str(meta.get("name", ""))):
            return []
        if not meta.get("name"):
            return [Flaw("metadata.name", "Required value", "", "name or generateName is required")]
        rule = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
            "and must start and end with an alphanumeric character"
        )
        return [_invalid("metadata.name", meta["name"], rule)]
    fixed = ("uid", "creationTimestamp")
    return [
        _invalid(f"metadata.{key}", meta[key], "field is immutable")
        for key in fixed
        if key in meta and meta[key] != before["metadata"].get(key)
    ]


def _deployment(obj: Object, before: Object | None) -> list[Flaw]:
    spec, found = obj["spec"], []
    for key in ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        if spec.get(key, 0) < 0:
            found.append(_invalid(f"spec.{key}", spec[key], _NOT_NEGATIVE))
    if 0 <= spec["progressDeadlineSeconds"] <= spec.get("minReadySeconds", 0):
        why = "must be greater than minReadySeconds"
        found.append(_invalid("spec.progressDeadlineSeconds", spec["progressDeadlineSeconds"], why))
    found += _selector(spec, before)
    found += _strategy(spec)
    template = spec["template"]["spec"]
    if template.get("restartPolicy") != "Always":
        path, value = "spec.template.spec.restartPolicy", json.dumps(template.get("restartPolicy"))
        found.append(Flaw(path, "Unsupported value", value, 'supported values: "Always"'))
    return found + _containers(template)


def _selector(spec: Object, before: Object | None) -> list[Flaw]:
    selector = spec.get("selector")
    if not selector or not (selector.get("matchLabels") or selector.get("matchExpressions")):
        return [Flaw("spec.selector", "Required value")]
    labels = spec["template"]["metadata"].get("labels") or {}
    found = []
    if not (selector.get("matchLabels") or {}).items() <= labels.items():
        why = "`selector` does not match template `labels`"
        found.append(_invalid("spec.template.metadata.labels", labels, why))
    if before is not None and selector != before["spec"]["selector"]:
        found.append(_invalid("spec.selector", selector, "field is immutable"))
    return found


def _strategy(spec: Object) -> list[Flaw]:
    strategy = spec["strategy"]
    if strategy["type"] == "Recreate":
        if not strategy.get("rollingUpdate"):
            return []
        why = "may not be specified when strategy `type` is 'Recreate'"
        return [Flaw("spec.strategy.rollingUpdate", "Invalid value", "", why)]
    if strategy["type"] != "RollingUpdate":
        supported = 'supported values: "Recreate", "RollingUpdate"'
        return [Flaw("spec.strategy.type", "Unsupported value", json.dumps(strategy["type"]), supported)]
    rolling, path = strategy["rollingUpdate"], "spec.strategy.rollingUpdate"
    for key in ("maxUnavailable", "maxSurge"):
        value = rolling[key]
        if isinstance(value, str) and not re.fullmatch(r"\d+%", value):
            why = "must be a valid percent string (e.g. '1%' or '93%')"
            return [_invalid(f"{path}.{key}", value, why)]
        if isinstance(value, int) and value < 0:
            return [_invalid(f"{path}.{key}", value, _NOT_NEGATIVE)]
    if share(rolling["maxSurge"], 100, True) == share(rolling["maxUnavailable"], 100, False) == 0:
        return [_invalid(f"{path}.maxUnavailable", rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0")]
    return []


def _containers(template: Object) -> list[Flaw]:
    containers = template.get("containers") or []
    if not containers:
        return [Flaw("spec.template.spec.containers", "Required value")]
    found, names = [], set()
    for i, container in enumerate(containers):
        path = f"spec.template.spec.containers[{i}]"
        name, image = container.get("name", ""), container.get("image", "")
        if not name:
            found.append(Flaw(f"{path}.name", "Required value"))
        elif not _LABEL.match(name):
            why = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
            found.append(_invalid(f"{path}.name", name, why))
        elif name in names:
            found.append(Flaw(f"{path}.name", "Duplicate value", json.dumps(name)))
        names.add(name)
        if not image:
            found.append(Flaw(f"{path}.image", "Required value"))
        elif image != image.strip():
            found.append(_invalid(f"{path}.image", image, "must not have leading or trailing whitespace"))
        for j, variable in enumerate(container.get("env") or []):
            if not variable.get("name"):
                found.append(Flaw(f"{path}.env[{j}].name", "Required value"))
    return found


def _autoscaler(obj: Object, before: Object | None) -> list[Flaw]:
    spec, found = obj["spec"], []
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if least < 1:
        found.append(_invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        found.append(_invalid("spec.maxReplicas", most, "must be greater than 0"))
    elif most < least:
        found.append(_invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    return found


def _scale(obj: Object, before: Object | None) -> list[Flaw]:
    replicas = obj["spec"].get("replicas", 0)
    return [_invalid("spec.replicas", replicas, _NOT_NEGATIVE)] if replicas < 0 else []
