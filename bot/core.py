"""Keeps a process on one core, and leaves it to the kernel on which.

The threads of one interpreter take turns under its lock, so together they never fill more than one core. Spread over
several, each turn first wakes another core, and at 80 orders a second the slowest cards come much later for it. The
kernel knows nothing of the lock, so it is told: sched_setaffinity(2).
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

EVERY = 0.5  # seconds between moments in which the kernel may move the process to another core
MOMENT = 0.01  # seconds; on its next turn a thread that finds its core taken by others wakes up on a free one

_OURS = Path("/proc/self")
_PROCESSOR = 36  # of what stands behind the name in stat: the core that the first thread ran on last (proc_pid_stat(5))


def stay() -> None:
    """Work of a thread that never ends; returns at once where there is only one core, or no such thing as affinity."""
    if not hasattr(os, "sched_setaffinity") or not _OURS.exists():
        return
    core = Core()
    while core.has_others:
        core.let_go()
        time.sleep(MOMENT)
        core.hold()
        time.sleep(EVERY)


class Core:
    """The threads of this process, those that others start included: a thread begins where the one that made it is.

    Where nothing can be read of them just now (too many files are open), they stay as they are until the next moment.
    """

    def __init__(self) -> None:
        self._allowed = os.sched_getaffinity(0)
        self._held: set[int] | None = None

    @property
    def has_others(self) -> bool:
        """Whether there is any other core for us."""
        return len(self._allowed) > 1

    def let_go(self) -> None:
        """Every thread may run wherever it may without us; also where somebody else decided so in the meantime."""
        found = os.sched_getaffinity(0)
        if self._held is not None and found != self._held:
            self._allowed = found
        with contextlib.suppress(OSError):
            self._set(self._allowed)

    def hold(self) -> None:
        """Every thread runs on the core where the kernel has the first one."""
        with contextlib.suppress(OSError):
            stat = (_OURS / "stat").read_text(encoding="utf-8", errors="replace")
            self._held = {int(stat.rpartition(")")[2].split()[_PROCESSOR])}
            self._set(self._held)

    def _set(self, cores: set[int]) -> None:
        for thread in (_OURS / "task").iterdir():
            with contextlib.suppress(OSError):  # the thread has ended; or these cores were taken away, which passes
                os.sched_setaffinity(int(thread.name), cores)
