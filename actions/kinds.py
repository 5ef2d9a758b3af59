"""The kinds of Kubernetes objects that Twokey changes, and where the API serves them."""

from __future__ import annotations

from typing import Literal, NamedTuple

WorkloadKind = Literal["Deployment", "StatefulSet", "DaemonSet", "Rollout"]
"""What can run a service."""
KeeperKind = Literal["Application", "HelmRelease", "Kustomization"]
"""What a GitOps tool follows: where a service has one, its version is changed there, and nowhere else."""
Kind = Literal[WorkloadKind, KeeperKind, "HorizontalPodAutoscaler"]
"""What a change can touch."""


class Served(NamedTuple):
    """Where the API serves a kind."""

    group: str
    version: str
    plural: str


SERVED: dict[Kind, Served] = {
    "Deployment": Served("apps", "v1", "deployments"),
    "StatefulSet": Served("apps", "v1", "statefulsets"),
    "DaemonSet": Served("apps", "v1", "daemonsets"),
    # Argo Rollouts 1: https://argo-rollouts.readthedocs.io/en/stable/features/specification/
    "Rollout": Served("argoproj.io", "v1alpha1", "rollouts"),
    "HorizontalPodAutoscaler": Served("autoscaling", "v2", "horizontalpodautoscalers"),
    # Argo CD 2 and 3: https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml
    "Application": Served("argoproj.io", "v1alpha1", "applications"),
    # Flux 2.3 and newer: https://fluxcd.io/flux/components/helm/api/v2/
    "HelmRelease": Served("helm.toolkit.fluxcd.io", "v2", "helmreleases"),
    # Flux 2.0 and newer: https://fluxcd.io/flux/components/kustomize/api/v1/
    "Kustomization": Served("kustomize.toolkit.fluxcd.io", "v1", "kustomizations"),
}
