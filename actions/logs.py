"""A service's log lines: from Loki where one is configured and answers, else from the pods themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from actions import formulas, loglines
from actions.clients.protocols import LogLine
from actions.errors import SourceError
from actions.loglines import Level
from actions.redaction import redacted
from actions.toolbox import Toolbox

MOST = 5000
"""Lines that are asked for at once: what Loki gives at most by default (`max_entries_limit_per_query`)."""
_SELECTOR = '{namespace="{namespace}",app="{service}"}'
# Lines name their own level in many forms; Loki only sorts out what cannot be it, the reading decides.
_LIKELY = {
    "error": "(?i)(err|fatal|panic|crit|exception|traceback|severe|emerg|alert|^F[0-9]{4})",
    "warning": "(?i)(warn|err|fatal|panic|crit|exception|traceback|severe|emerg|alert|^[WF][0-9]{4})",
}


@dataclass(frozen=True)
class Found:
    """Lines, oldest first, with secrets hidden. `cut` says that there were more than could be read.

    `from_pods`: the pods' own logs, without those of pods that are gone; so what they show first may be older.
    """

    lines: tuple[LogLine, ...]
    cut: bool
    from_pods: bool = False
    missing: tuple[str, ...] = ()  # sentences: what could not be asked

    def start(self, asked: datetime) -> datetime:
        """From when on these are really all the lines."""
        return max(asked, self.lines[0].at) if self.cut and self.lines else asked


def read(
    tools: Toolbox, service: str, environment: str, since: datetime, level: Level | None = None, contains: str = ""
) -> Found:
    """Every line since then that fits. `contains` is looked for as it is, in any case.

    Raises SourceError where neither Loki nor the cluster answers; UnknownService or UnknownEnvironment.
    """
    missing: tuple[str, ...] = ()
    lines: list[LogLine] | None = None
    from_pods = False
    if tools.logs is not None:
        try:
            asked = query(tools, service, environment, level, contains)
            lines = tools.logs.query(asked, since, tools.clock.now(), MOST)
        except SourceError as error:
            missing = (f"{error.say} These lines are from the pods themselves.",)
    if lines is None:
        from_pods = True
        lines = tools.cluster.logs(tools.catalog.ref(service, environment), since, MOST)
    fits = _filter(level, contains)
    kept = tuple(replace(line, text=redacted(line.text)) for line in lines if fits(line))
    return Found(kept, len(lines) >= MOST, from_pods, missing)


def query(tools: Toolbox, service: str, environment: str, level: Level | None, contains: str) -> str:
    """The LogQL. What a person typed stands only inside quoted strings, so it can never become LogQL itself."""
    template = tools.catalog.services[service].logs.get("selector") if service in tools.catalog.services else None
    asked = formulas.fill(template or _SELECTOR, tools.catalog, service, environment)
    if contains:
        asked += f" |~ {_quoted('(?i)' + re.escape(contains))}"
    if level in _LIKELY:
        asked += f" |~ {_quoted(_LIKELY[level])}"
    return asked


def _quoted(text: str) -> str:
    """A Go string literal. JSON's escapes are all Go's as well; what UTF-8 cannot hold is replaced."""
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")


def _filter(level: Level | None, contains: str) -> Callable[[LogLine], bool]:
    wanted = contains.casefold()

    def fits(line: LogLine) -> bool:
        return wanted in line.text.casefold() and (level is None or loglines.at_least(line.text, level))

    return fits
