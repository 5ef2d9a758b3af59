"""What a look at a service needs of Kubernetes, whichever kind runs it. A rule of a kind that a namespace does not have
is left out there (`actions.rbac`)."""

from __future__ import annotations

from typing import get_args

from actions.kinds import SERVED, WorkloadKind
from actions.terms import Rule

WORKLOADS = tuple(Rule(SERVED[kind].group, SERVED[kind].plural, ("get",)) for kind in get_args(WorkloadKind))
"""The object itself."""
REVISIONS = (Rule("apps", "replicasets", ("list",)), Rule("apps", "controllerrevisions", ("list",)))
"""What it ran before; the pods of Deployments and Rollouts are found by these as well."""
PODS = Rule("", "pods", ("list",))
EVENTS = Rule("", "events", ("list",))
LOGS = Rule("", "pods/log", ("get",))
