"""twokey audit: prove from the log what happened. Every command lives in a file of its own."""

from __future__ import annotations

import typer

from bot.cli.audit import checkpoint, export, key, prove, seal, verify

app = typer.Typer(help="The append-only log of who asked, who agreed and what happened.", no_args_is_help=True)
app.command("verify")(verify.verify)
app.command("export")(export.export)
app.command("checkpoint")(checkpoint.checkpoint)
app.command("prove")(prove.prove)
app.command("seal")(seal.seal)
app.command("key")(key.key)
app.command("rotate")(key.rotate)
