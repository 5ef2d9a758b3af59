"""twokey rbac: the Kubernetes permissions that follow from what the verbs declare."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

app = typer.Typer(help="The cluster permissions that the verbs declare.", no_args_is_help=True)


@app.command()
def render(
    http_port: Annotated[
        int | None,
        typer.Option(
            "--http-port",
            min=1,
            max=65_535,
            help="Let requests in there, for HTTP mode: to the pods labelled app.kubernetes.io/component: gateway.",
        ),
    ] = None,
) -> None:
    """Write accounts, roles, bindings, admission policies and limits as YAML, for `kubectl apply -f -`."""
    from actions import catalog
    from actions.rbac import manifests
    from actions.registry import Registry
    from actions.verbs import VERBS
    from bot import settings

    print(manifests.render(catalog.load(settings.load().catalog), Registry(VERBS), http_port), end="")


@app.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Compare the cluster with what is declared: rights too few, too many, not confined; exit 1 if anything differs."""
    from actions import catalog
    from actions.clients.kubernetes import KubernetesCluster
    from actions.rbac import accounts
    from actions.rbac.check import excess, missing
    from actions.registry import Registry
    from actions.verbs import VERBS
    from bot import settings

    set_up = settings.load()
    cluster = KubernetesCluster(set_up.kubeconfig, accounts.user if set_up.impersonate else None)
    entries, registry = catalog.load(set_up.catalog), Registry(VERBS)
    found = missing(cluster, entries, registry, set_up.impersonate)
    if set_up.impersonate:
        found += excess(cluster, entries, registry)
    if as_json:
        print(json.dumps([asdict(each) | {"say": each.say} for each in found]))
    elif not found:
        print("Every verb has the rights that it declares, and none beside.")
    else:
        for each in found:
            print(each.say)
        print("`twokey rbac render | kubectl apply -f -` brings what is missing.")
    raise typer.Exit(1 if found else 0)
