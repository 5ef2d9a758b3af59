"""What a verb is handed when it plans or answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from actions.catalog import Catalog
from actions.clients.protocols import Changes, Cluster, EvalModel, EvalRuns, Logs, Metrics
from actions.clock import Clock
from actions.outcome import Step

Progress = Callable[[Step], None]
"""Told how far a long action is."""


@dataclass(frozen=True)
class Toolbox:
    """The outside as the verbs see it. `metrics` and `logs` are None where none is configured."""

    catalog: Catalog
    cluster: Cluster
    clock: Clock
    metrics: Metrics | None = None
    logs: Logs | None = None
    changes: Changes | None = None
    evals: EvalRuns | None = None
    eval_model: Callable[[str | None], EvalModel] | None = None  # by base URL; None is the default endpoint
