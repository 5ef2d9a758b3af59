"""twokey demo: a Slack, a small town and the product itself, on this machine alone."""

from __future__ import annotations

import json
import shutil
import sys
import webbrowser
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.playground.demo import Addresses


def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The page's port; chosen by the system if 0.")] = 0,
    data: Annotated[
        Path | None, typer.Option(help="Keep the store and the files here; a new temporary folder if not given.")
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON with every address.")] = False,
) -> None:
    """Try everything: no Slack workspace, no cluster, no model, no token."""
    from bot.playground.demo import run

    def ready(addresses: Addresses, model: str | None) -> None:
        print(json.dumps(asdict(addresses)) if as_json else _welcome(addresses, model), flush=True)
        if browser and not as_json:
            webbrowser.open(addresses.url)

    run(port=port, data=data, ready=ready)


def _welcome(addresses: Addresses, model: str | None) -> str:
    reads = f"the grammar, and by {model} where it abstains" if model else "the grammar; no model is set"
    return f"""\
Twokey's playground: {addresses.url}
Sentences are read by {reads}. {"All else" if model else "Everything"} runs on this machine.

Three things to try in #ops:
  @twokey scale checkout to 5 in prod         then become ben, and approve
  @twokey payments is slow, what changed?
  @twokey deploy cart 2.2.0 to staging        watch it fail, then roll back

Prove what happened:
  TWOKEY_DATABASE_URL={addresses.database} {_command()} audit verify

Stop with Ctrl-C."""


def _command() -> str:
    """How this program was called, where its name alone would not be found: `make demo` activates nothing."""
    return "twokey" if shutil.which("twokey") else sys.argv[0]
