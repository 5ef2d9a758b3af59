"""A kubeconfig for the town."""

from __future__ import annotations

from pathlib import Path

import yaml

from bot.playground.town.gatekeeper import TOKEN

CONTEXT = "town"


def write_kubeconfig(url: str, path: Path, token: str = TOKEN) -> Path:
    """Write a kubeconfig with the one context `town` for the API at `url`, readable by its owner alone."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": {"server": url}}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": "prod"}}],
        "current-context": CONTEXT,
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return path
