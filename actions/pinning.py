"""Which image a moving tag stands for: told by the pods that run it, without asking the registry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from actions import image
from actions.action import Change
from actions.errors import TwokeyError
from actions.outcome import Suggestion
from actions.plan import Caution
from actions.toolbox import Toolbox

_MOVING = frozenset({"latest", "main", "master", "edge", "nightly", "stable", "dev"})
_SHOWN = len("sha256:") + 12  # characters of a digest on a button


def of_version(tools: Toolbox, change: Change, repository: str, version: str) -> tuple[Caution, ...]:
    """What speaks against this version's name, and the digest that would pin it where pods of the service show one.

    The pods of every environment of the service are looked at; what cannot be read shows none.
    """
    if version.lower() not in _MOVING:
        return ()
    text = f'"{version}" is a moving tag: what runs may differ from what you have seen'
    running = set(_running(tools, change.service, image.join(repository, version)))
    where = " and ".join(sorted({environment for environment, _ in running}))
    digests = {digest for _, digest in running}
    if len(digests) > 1:
        return (
            Caution(code="mutable_tag", text=f"{text}; it has moved already: different images of it run in {where}"),
        )
    if not digests:
        return (Caution(code="mutable_tag", text=f"{text}; a digest would pin it"),)
    (digest,) = digests
    label = f"Deploy {digest[:_SHOWN]}…, as in {where}, instead"
    action = {**change.as_json(), "version": digest}
    text += f"; in {where} it is {digest[:_SHOWN]}…"
    return (Caution(code="mutable_tag", text=text, instead=Suggestion(label=label, action=action)),)


def _running(tools: Toolbox, service: str, full: str) -> Iterator[tuple[str, str]]:
    """(environment, digest) of every pod of the service that runs this image."""
    for environment in tools.catalog.environments_of(service):
        with suppress(TwokeyError):
            for pod in tools.cluster.pods(tools.catalog.ref(service, environment)):
                for said, digest in pod.digests:
                    if said == full:
                        yield environment, digest
