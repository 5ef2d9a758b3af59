"""Who acts in the cluster: an account for each verb, another one that may only try it, and those of our two processes.

The gateway and the runner may read. To change something the runner takes the part of a verb's own account, and to show
a preview the gateway takes the part of its preview account, whose every request has to be a dry run.
"""

from __future__ import annotations

HOME = "twokey"
"""The namespace that Twokey itself runs in."""
GATEWAY, RUNNER, READER = "twokey-gateway", "twokey-runner", "twokey-reader"
PREVIEW = "-preview"


def name(verb: str, preview: bool = False) -> str:
    """The ServiceAccount of a verb, in each namespace: `twokey-deploy`, `twokey-deploy-preview`."""
    return f"twokey-{verb.replace('_', '-')}{PREVIEW if preview else ''}"


def user(verb: str, namespace: str, preview: bool = False) -> str:
    """The user that a patch of this verb acts as there (P4), as Kubernetes spells a ServiceAccount."""
    return f"system:serviceaccount:{namespace}:{name(verb, preview)}"
