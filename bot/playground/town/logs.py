"""What a pod writes when nobody else says: how it started, and how it ended."""

from __future__ import annotations

from bot.playground.town.pod_status import Life


def lines(life: Life) -> list[tuple[float, str]]:
    """(Seconds since 1970, text) of the pod's present run, oldest first."""
    written: list[tuple[float, str]] = []
    if life.started is not None:
        written.append((life.started, f'level=info msg="starting {life.workload}"'))
    if life.stage == "ready":
        written.append((life.since, 'level=info msg="ready, listening on :8080"'))
    if life.stage in ("dead", "backoff") and life.ended:
        code = life.ended["terminated"]["exitCode"]
        written.append((life.since, f'level=fatal msg="exiting" code={code}'))
    return written
