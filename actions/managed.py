"""`managed_by` of a service in the catalogue: where its version is changed, if that is not its workload itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, StringConstraints, model_validator

from actions.clients.protocols import WorkloadRef
from actions.keepers import field, sources
from actions.kinds import KeeperKind
from actions.plan import PatchType
from actions.terms import Value

Template = Annotated[str, StringConstraints(pattern=r"^(?:[a-z0-9.-]|\{service\}|\{environment\})+$")]
"""A name in the cluster; `{service}` and `{environment}` stand for theirs."""
Called = Annotated[str, StringConstraints(pattern=r"^[^\s'\"\\]{1,300}$")]
"""What a source is called, an address perhaps; the same fields."""

_KINDS: dict[str, tuple[KeeperKind, ...]] = {"argocd": ("Application",), "flux": ("HelmRelease", "Kustomization")}


class ManagedBy(Value):
    """The object of a GitOps tool that keeps a service's version."""

    tool: Literal["argocd", "flux"]
    kind: KeeperKind | None = Field(None, description="Application, or HelmRelease (Flux's default) or Kustomization")
    name: Template | None = Field(
        None,
        description="may hold {service} and {environment}; a HelmRelease is called {service} if not given, "
        "the others {service}-{environment}",
    )
    namespace: Template | None = Field(
        None,
        description="of an Application argocd, of a Kustomization flux-system, of a HelmRelease the workload's "
        "if not given",
    )
    cluster: str | None = Field(None, description="kubeconfig context, where it is not its environment's")
    version: str | None = Field(None, description="where the version stands: spec.source.targetRevision, for instance")
    source: Called | None = Field(
        None,
        description="of an Application with several sources, the one in which it stands, by its name, ref, chart, path "
        "or repoURL; may hold {service} and {environment}; the only one that makes manifests if not given",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, data: Any) -> Any:
        return {"tool": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind and self.kind not in _KINDS[self.tool]:
            raise ValueError(f"{self.tool} has no {self.kind}; it has {' and '.join(_KINDS[self.tool])}")
        if self.source and self.keeper != "Application":
            raise ValueError(f"a {self.keeper} has no list of sources, so leave `source` out")
        return self

    @property
    def keeper(self) -> KeeperKind:
        """Its kind, which follows from the tool where it is not given."""
        return self.kind or _KINDS[self.tool][0]

    @property
    def path(self) -> str:
        """Where the version stands."""
        return self.version or field.DEFAULTS[self.keeper]

    def kept(self, service: str, environment: str, workload: WorkloadRef, repository: str) -> Kept:
        """Where it is for a service in an environment, where this is its workload."""
        homes = {"Application": "argocd", "Kustomization": "flux-system", "HelmRelease": workload.namespace}
        name = self.name or ("{service}" if self.keeper == "HelmRelease" else "{service}-{environment}")
        namespace = self.namespace or homes[self.keeper]
        place, called, source = (
            text.replace("{service}", service).replace("{environment}", environment)
            for text in (namespace, name, self.source or "")
        )
        ref = WorkloadRef(self.cluster or workload.cluster, place, self.keeper, called)
        return Kept(ref, self.path, repository, source)


@dataclass(frozen=True)
class Kept:
    """Where a service's version is kept in one environment."""

    ref: WorkloadRef
    path: str
    repository: str
    source: str = ""
    """Of an Application, what the one is called in which it stands; empty for the only one that makes manifests."""

    @property
    def where(self) -> str:
        """`spec.source.targetRevision of values`"""
        return f"{self.path} of {self.source}" if self.source else self.path

    @cached_property
    def field(self) -> field.Field:
        """How the version stands there."""
        return field.of(self.path, self.repository)

    def seen(self, live: Mapping[str, Any]) -> Mapping[str, Any]:
        """The keeper as far as it is this service's."""
        return sources.seen(live, self.source)

    def version(self, live: Mapping[str, Any]) -> str | None:
        """What stands there; None where nothing does, or where it is not clear which source it is."""
        return self.field.read(self.seen(live))

    def change(self, live: Mapping[str, Any], version: str) -> tuple[PatchType, dict[str, JsonValue]]:
        """As of its field (`actions.keepers.field.Field`). Raises BadInput also where the source is not clear."""
        return sources.placed(live, self.source, *self.field.change(self.seen(live), version))
