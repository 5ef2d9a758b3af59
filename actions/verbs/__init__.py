"""The ten verbs, one file each. To add one: a file here, a line in VERBS, a test."""

from actions.action import Action
from actions.verbs.deploy import Deploy
from actions.verbs.history import History
from actions.verbs.query_logs import QueryLogs
from actions.verbs.query_metrics import QueryMetrics
from actions.verbs.restart import Restart
from actions.verbs.rollback import Rollback
from actions.verbs.run_eval import RunEval
from actions.verbs.scale import Scale
from actions.verbs.status import Status
from actions.verbs.triage import Triage

VERBS: tuple[type[Action], ...] = (
    Deploy,
    Rollback,
    Scale,
    Restart,
    Status,
    History,
    QueryLogs,
    QueryMetrics,
    RunEval,
    Triage,
)
