"""twokey rbac: the Kubernetes permissions that follow from what the verbs declare."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(help="The cluster permissions that the verbs declare.", no_args_is_help=True)


@app.command()
def render() -> None:
    """Write ServiceAccounts, Roles and bindings as YAML, for `kubectl apply -f -`."""
    from actions import catalog, rbac
    from actions.registry import Registry
    from actions.verbs import VERBS
    from bot import settings

    print(rbac.render(catalog.load(settings.load().catalog), Registry(VERBS)), end="")


@app.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Ask the cluster what our credential lacks for each verb; exit 1 if anything is missing."""
    from actions import catalog, rbac
    from actions.clients.kubernetes import KubernetesCluster
    from actions.registry import Registry
    from actions.verbs import VERBS
    from bot import settings

    found = settings.load()
    missing = rbac.check(KubernetesCluster(found.kubeconfig), catalog.load(found.catalog), Registry(VERBS))
    if as_json:
        print(json.dumps([lack._asdict() for lack in missing]))
    elif not missing:
        print("Every verb has the rights that it declares.")
    for lack in () if as_json else missing:
        print(lack.say)
    raise typer.Exit(1 if missing else 0)
