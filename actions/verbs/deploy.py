"""deploy: give a service's container another image."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import StringConstraints

from actions.action import Change, Risk, Rule

# A tag or a digest, as the OCI distribution specification defines them (section "Pulling manifests").
Version = Annotated[str, StringConstraints(pattern=r"^(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|sha256:[0-9a-f]{64})$")]


class Deploy(Change):
    """Run another version of a service."""

    verb: ClassVar[str] = "deploy"
    risk: ClassVar[Risk] = Risk.HIGH
    rules: ClassVar[tuple[Rule, ...]] = (Rule("apps", "deployments", ("get", "patch")),)
    help: ClassVar[str] = "Run another version of a service"
    examples: ClassVar[tuple[str, ...]] = ("deploy checkout 1.4.2 to prod", "ship cart v2.1 to staging")

    version: Version
