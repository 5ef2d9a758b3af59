"""Processes that are measured from outside."""

from __future__ import annotations

import gc
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal

from bot import warmup

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds for a process to say that it is ready
_OURS = ("TWOKEY_", "SLACK_", "OPENAI_", "KUBECONFIG", "PROMETHEUS_", "LOKI_")
_TICKS = os.sysconf("SC_CLK_TCK")


def memory(process: int | Literal["self"], kind: Literal["VmRSS", "VmHWM"]) -> float:
    """What a process has in memory now, or the most it ever had, in MiB (proc_pid_status(5))."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith(f"{kind}:"))
    return round(int(kibibytes) / 1024, 1)


class Child:
    """`python -m …` with these settings and no others of ours. It is ended with the block."""

    def __init__(self, module: Sequence[str], environ: Mapping[str, str]) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=ROOT,
            env={**clean, **environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def line(self) -> str:
        """The next line that it prints. Raises RuntimeError where it ends or says nothing for too long."""
        try:
            found = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            raise RuntimeError(f"{self._process.args!r} says nothing") from None
        if found is None:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return found

    def resident(self) -> float:
        """VmRSS in MiB."""
        return memory(self._process.pid, "VmRSS")

    def cpu(self) -> float:
        """Seconds of processor time that it has used, its threads included (proc_pid_stat(5))."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def _listen(self) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as printed:
                for line in printed:
                    self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()


@contextmanager
def unobtrusive() -> Iterator[None]:
    """Let this process add little to what it measures.

    Its threads take turns every half millisecond, and its collector, which would hold up the emulator for 0.1 s and
    more, sees no more of it than in `twokey demo`.
    """
    turns, looks = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(0.0005)
    warmup.spare()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*looks)
        sys.setswitchinterval(turns)
