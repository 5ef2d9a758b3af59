"""The command line itself: what is true before any command runs."""

from __future__ import annotations

from importlib.metadata import version

from typer.testing import CliRunner

from bot.cli import app


def test_the_version_needs_no_command() -> None:
    found = CliRunner().invoke(app, ["--version"])
    assert (found.exit_code, found.stdout) == (0, f"{version('twokey')}\n")
