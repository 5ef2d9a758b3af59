"""The command line itself: what is true before any command runs."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from typer.testing import CliRunner

from bot.cli import app


def test_the_version_needs_no_command() -> None:
    found = CliRunner().invoke(app, ["--version"])
    assert (found.exit_code, found.stdout) == (0, f"{version('twokey')}\n")


def test_the_demo_prints_a_command_that_works_where_nothing_is_activated(tmp_path: Path) -> None:
    """`make demo` calls the program by its path, so the command to prove the log with has that path, too."""
    program = Path(sys.executable).with_name("twokey")
    bare = {"PATH": os.defpath, "HOME": str(tmp_path)}
    call = [str(program), "demo", "--no-browser", "--data", str(tmp_path / "data")]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True, env=bare) as demo:
        assert demo.stdout is not None
        try:
            said = next(line for line in demo.stdout if "audit verify" in line)
        finally:
            demo.send_signal(signal.SIGTERM)
    setting, *command = shlex.split(said)
    proof = subprocess.run(command, env=bare | dict([setting.split("=", 1)]), capture_output=True, text=True)
    assert (proof.returncode, "each as it was written" in proof.stdout) == (0, True), proof.stderr
