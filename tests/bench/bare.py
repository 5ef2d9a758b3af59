"""The least that a Slack app does: Bolt's AsyncApp acknowledges and posts one message. `python -m tests.bench.bare`."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

from aiohttp import ClientSession
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

_log = logging.getLogger("bare")
_log.setLevel(logging.ERROR)


async def main() -> None:
    """Serves until it is ended; the message it posts is the event's id."""
    session = ClientSession()  # connections are kept, as the product keeps them
    client = AsyncWebClient(os.environ["SLACK_BOT_TOKEN"], os.environ["SLACK_API_URL"], session=session)
    app = AsyncApp(client=client, logger=_log)

    async def answer(body: dict[str, Any], ack: Any) -> None:
        await ack()
        await client.chat_postMessage(channel=body["event"]["channel"], text=body["event_id"])

    async def nothing() -> None:
        """What everybody says in a channel, ourselves included, is delivered as well."""

    app.event("app_mention")(answer)
    app.event("message")(nothing)
    handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"], logger=_log, web_client=client)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
    print("bare: ready")  # noqa: T201 - the one line that the measuring process waits for
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
