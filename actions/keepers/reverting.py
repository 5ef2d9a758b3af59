"""What a service's keeper means for a change of the workload itself, and what it says of the service."""

from __future__ import annotations

from actions.errors import NotFound, SourceError
from actions.keepers.kinds import KEEPERS
from actions.plan import Caution
from actions.toolbox import Toolbox


def of_replicas(tools: Toolbox, service: str, environment: str, others: tuple[Caution, ...]) -> tuple[Caution, ...]:
    """`others`, with the keeper's own way of reverting a number of replicas in place of a mere guess from labels.

    Where there is no keeper they stay as they are; one that cannot be read is said.
    """
    kept = tools.catalog.kept(service, environment)
    if kept is None:
        return others
    keeper = KEEPERS[kept.ref.kind]
    try:
        way = keeper.reverts(tools.cluster.workload(kept.ref))
    except NotFound:
        return others
    except SourceError as error:
        text = f"I cannot tell whether {keeper.tool} takes it back: {error.say.rstrip('.')}"
        return (*others, Caution(code="unread", text=text))
    text = (
        f"{keeper.tool} ({kept.ref.kind} {kept.ref.name}) {way}: if Git says how many replicas there are, "
        "change it there as well"
    )
    return (*(each for each in others if each.code != "gitops"), Caution(code="gitops", text=text))


def said(tools: Toolbox, service: str, environment: str) -> str:
    """`Argo CD says Synced, Healthy · version main (Application checkout-prod)`; empty where there is no keeper.

    Raises SourceError.
    """
    kept = tools.catalog.kept(service, environment)
    if kept is None:
        return ""
    keeper, live = KEEPERS[kept.ref.kind], tools.cluster.workload(kept.ref)
    version = kept.version(live) or "none"
    return f"{keeper.tool} says {keeper.state(live)} · version {version} ({kept.ref.kind} {kept.ref.name})"
