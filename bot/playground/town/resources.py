"""The kinds of objects that the API serves."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.playground.town.problems import Named


@dataclass(frozen=True)
class Resource:
    """One resource as discovery lists it."""

    named: Named
    version: str
    model: str  # the `kubernetes` package's class, which knows every field
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: dict[str, str] = field(default_factory=dict)  # name -> kind

    @property
    def plural(self) -> str:
        return self.named.plural

    @property
    def group_version(self) -> str:
        return f"{self.named.group}/{self.version}" if self.named.group else self.version


def _resource(
    group: str, version: str, kind: str, model: str, *, namespaced: bool = True, short: str = "", **subresources: str
) -> Resource:
    plural = kind.lower() + "s"
    names = tuple(short.split(",")) if short else ()
    return Resource(Named(plural, kind, group), version, model, namespaced, names, subresources)


RESOURCES = (
    _resource("", "v1", "Namespace", "V1Namespace", namespaced=False, short="ns", status="Namespace"),
    _resource("", "v1", "Pod", "V1Pod", short="po", status="Pod", log="Pod"),
    _resource("", "v1", "Event", "CoreV1Event", short="ev"),
    _resource("apps", "v1", "Deployment", "V1Deployment", short="deploy", scale="Scale", status="Deployment"),
    _resource("apps", "v1", "ReplicaSet", "V1ReplicaSet", short="rs", status="ReplicaSet"),
    _resource("apps", "v1", "StatefulSet", "V1StatefulSet", short="sts", status="StatefulSet"),
    _resource("apps", "v1", "DaemonSet", "V1DaemonSet", short="ds", status="DaemonSet"),
    _resource("apps", "v1", "ControllerRevision", "V1ControllerRevision"),
    _resource("", "v1", "ResourceQuota", "V1ResourceQuota", short="quota", status="ResourceQuota"),
    _resource(
        "policy", "v1", "PodDisruptionBudget", "V1PodDisruptionBudget", short="pdb", status="PodDisruptionBudget"
    ),
    _resource("autoscaling", "v2", "HorizontalPodAutoscaler", "V2HorizontalPodAutoscaler", short="hpa"),
)
PREFERRED = {"": "v1", "apps": "v1", "autoscaling": "v2", "policy": "v1", "authorization.k8s.io": "v1"}
"""API groups and the version of each that is served."""

SCALE = Named("scales", "Scale", "autoscaling")


def lookup(group: str, version: str, plural: str) -> Resource | None:
    """The resource under this path."""
    served = (each for each in RESOURCES if (each.named.group, each.version, each.plural) == (group, version, plural))
    return next(served, None)
