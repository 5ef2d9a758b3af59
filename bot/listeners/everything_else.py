"""Acknowledges what nobody here wants, so that Slack does not deliver it again."""

from __future__ import annotations

import re

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

ANY = re.compile(r".*")


def register(app: AsyncApp) -> None:
    """Last: Bolt takes the first listener that matches."""

    async def acknowledge(ack: AsyncAck) -> None:
        await ack()

    app.event(ANY)(acknowledge)
    app.action(ANY)(acknowledge)
    app.view(ANY)(acknowledge)
    app.view_closed(ANY)(acknowledge)
    app.command(ANY)(acknowledge)
    app.shortcut(ANY)(acknowledge)
    app.options(ANY)(acknowledge)
