"""Which keepers there are."""

from __future__ import annotations

from actions.keepers.argocd import Application
from actions.keepers.flux import HelmRelease, Kustomization
from actions.keepers.keeper import Keeper

KEEPERS: dict[str, Keeper] = {
    "Application": Application(),
    "HelmRelease": HelmRelease(),
    "Kustomization": Kustomization(),
}
"""By kind; a workload is none of them."""
