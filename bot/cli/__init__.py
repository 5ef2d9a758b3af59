"""The command line. Every command lives in a file of its own and imports what it needs when it runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from actions.errors import TwokeyError
from bot.cli import audit, demo, doctor, evals, interpret, migrate, policy, rbac, readings, serve

app = typer.Typer(
    name="twokey",
    help="Operations in Slack, with a second key.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)
app.command("interpret")(interpret.interpret)
app.command("migrate")(migrate.migrate)
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")
app.add_typer(rbac.app, name="rbac")
app.add_typer(evals.app, name="eval")
app.add_typer(readings.app, name="readings")

_debug = False


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(version("twokey"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback where something goes wrong.")] = False,
) -> None:
    """Operations in Slack, with a second key."""
    global _debug
    _debug = debug


def main() -> None:
    """The entry point: one line for an error that a person can act on, a traceback only with --debug."""
    try:
        app()
    except TwokeyError as error:
        if _debug:
            raise
        for line in error.say.splitlines():
            print(f"twokey: {line}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # `twokey audit export | head` is no failure
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
