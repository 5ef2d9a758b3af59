"""Faults at chosen system calls of a process, by strace(1): it is killed or stopped there, or the call fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

WRITING = "write,pwrite64,writev,pwritev,sendto,sendmsg,fsync,fdatasync,ftruncate,unlink,unlinkat,rename"
"""The calls by which a process changes anything outside itself."""

MOST = 200  # calls of one kind in one part; more are never reached
PATIENCE = 120.0  # seconds until a child must have come to where it is stopped

INSTALLED = shutil.which("strace") is not None


@dataclass
class Victim:
    """The process that forks those to whom things happen (`tests.hostile.victim`)."""

    folder: Path
    process: subprocess.Popen[str]
    _pid: int = field(default=0, init=False)

    @property
    def log(self) -> Path:
        """What strace saw."""
        return self.folder / "strace"

    def begin(self, order: str) -> int:
        """Have a child forked for this order; its process id. It stands still."""
        self._say(order)
        self._pid = int(self._line())
        return self._pid

    def end(self) -> int:
        """How the child ended: 0, 3, or minus the signal that killed it."""
        return int(self._line())

    def _say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()


def traced(victim: Victim, order: str, *options: str) -> tuple[subprocess.Popen[str], int]:
    """A child at work on an order with strace at it, told with these options; strace, and the child's process id."""
    pid = victim.begin(order)
    tracer = subprocess.Popen(
        ["strace", "-p", str(pid), "-o", str(victim.log), "-e", f"trace={WRITING}", *options],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tracer.stderr
    assert "attached" in tracer.stderr.readline()
    os.kill(pid, signal.SIGCONT)
    return tracer, pid


def struck(victim: Victim, order: str, *options: str) -> int:
    """An order during which this happens; how the child ended."""
    tracer, _ = traced(victim, order, *options)
    ended = victim.end()
    tracer.communicate()
    return ended


def at_every_call(strike: Callable[[str, int], bool]) -> int:
    """Strike at the first, second, … call of each kind, until it says that this one was not reached; how often it was.

    strace counts each kind of system call for itself.
    """
    reached = 0
    for kind in WRITING.split(","):
        for number in range(1, MOST):
            if not strike(kind, number):
                break
            reached += 1
        else:
            raise AssertionError(f"{kind} has no end")
    return reached


@contextmanager
def stopped(victim: Victim, order: str, kind: str, number: int) -> Iterator[bool]:
    """An order that stands still at this writing call for as long as the block lasts, and then goes on to its end.

    False where it came to its end before that call.
    """
    tracer, pid = traced(victim, order, *injection("signal=STOP", number, kind))
    there = _await_stop(victim)
    try:
        yield there
    finally:
        if there:
            tracer.terminate()
        tracer.communicate()
        if there:
            os.kill(pid, signal.SIGCONT)


def _await_stop(victim: Victim) -> bool:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        said = victim.log.read_text()
        if "--- SIGSTOP {" in said:
            return True
        if "+++ exited" in said:
            return False
        time.sleep(0.005)  # strace tells nobody
    raise AssertionError("it neither stopped nor ended")


def injection(what: str, number: int, kind: str) -> tuple[str, str]:
    """The option that makes something happen at one call: `injection("signal=KILL", 7, "fdatasync")`."""
    return ("-e", f"inject={kind}:{what}:when={number}")
