"""The words that everything above is spelled in: values, names, risks, rules."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$")]
"""The name of a service, an environment or a suite, as the catalogue spells it."""


Guarded = Literal["error_rate", "latency_p50", "latency_p95", "latency_p99", "cpu", "memory", "restarts"]
"""The metrics that a guard may watch: those of `actions.formulas` that a bad version raises; traffic is nobody's."""


class Risk(StrEnum):
    """How much harm an action can do; the policy's defaults follow from it."""

    READ = "read"  # changes nothing
    LOW = "low"  # changes something that the same verb undoes (scale, restart)
    HIGH = "high"  # changes what code runs


Path = tuple[str, ...]
"""Where something stands in a Kubernetes object: `("spec", "template", "spec", "containers", EACH, "image")`."""
EACH, OURS = "[*]", "[ours]"
"""In a path, for a list of named things: each of them, or those that the catalogue names as a service's container."""
NOTHING = "[nothing]"
"""In a path, for a map that may be there, and has to be empty."""
VERSION = "[version]"
"""Alone in a path: where the catalogue says that an object keeps a service's version, for each object its own place."""


class Rule(NamedTuple):
    """One Kubernetes permission: `("apps", "deployments", ("get", "patch"))`; a subresource is `deployments/scale`.

    `touches` are the fields that a patch may change, and all that the cluster will let the verb's account change there
    (P2): with none declared, every patch is refused.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]
    touches: tuple[Path, ...] = ()


class Value(BaseModel):
    """Frozen, and nothing unknown in it: what is passed between rooms cannot be changed on its way."""

    model_config = ConfigDict(frozen=True, extra="forbid")
