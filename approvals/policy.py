"""policy.yaml: reading it, and the front door to what is said about it elsewhere in this room."""

from __future__ import annotations

from pathlib import Path

from actions import yamlfile
from actions.catalog import Catalog
from actions.errors import ConfigError
from actions.registry import Registry
from approvals.explanation import Explanation, explain
from approvals.policy_check import Problem, check, membership
from approvals.policy_model import Policy
from approvals.quorum import Groups
from approvals.verdict import Allowed, Forbidden, NeedsApproval, Subject, Verdict, judge

__all__ = [
    "Allowed",
    "Explanation",
    "Forbidden",
    "NeedsApproval",
    "Policy",
    "Problem",
    "Subject",
    "Verdict",
    "check",
    "explain",
    "judge",
    "load",
    "load_checked",
    "membership",
]


def load(path: Path) -> Policy:
    """Read policy.yaml. Raises ConfigError with file, line and key."""
    return yamlfile.load(path, Policy, "TWOKEY_POLICY")


def load_checked(path: Path, catalog: Catalog, registry: Registry, groups: Groups | None = None) -> Policy:
    """The policy that may be served: read, and without problems (A7).

    `groups` is who is in them now (`membership`); without it user groups are taken to be large enough.
    Raises ConfigError with file, line and key of every problem.
    """
    policy = load(path)
    problems = check(policy, catalog, registry, groups)
    if problems:
        lines = [f"{path}:{yamlfile.line_of(path, p.loc)}: {p.key}: {p.say}" for p in problems]
        raise ConfigError("\n".join(lines))
    return policy
