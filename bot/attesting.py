"""Checkpoints of the audit log in a Slack channel: a second place that the log's writer cannot take them back from."""

from __future__ import annotations

from slack_sdk import WebClient

from actions.errors import TwokeyError
from bot.blocks import message as kit
from bot.blocks.message import Message
from bot.work import TROUBLE, code_of


class SlackChannel:
    """See approvals.checkpoints.Place. A message that Slack took can only be removed by an administrator."""

    def __init__(self, client: WebClient, channel: str) -> None:
        self._client, self._channel = client, channel

    def keep(self, text: str, size: int) -> None:
        """Post the whole note. Tried once: the next checkpoint covers what this one covers."""
        payload = said(text, size).payload()
        try:
            self._client.chat_postMessage(channel=self._channel, unfurl_links=False, unfurl_media=False, **payload)
        except TROUBLE as error:
            say = f"The checkpoint over {size} entries is not in {self._channel} (Slack answers {code_of(error)})"
            raise TwokeyError(f"{say}. Is the channel right, and the bot in it?") from None


def said(note: str, size: int) -> Message:
    """The message: what it is, and the note as it is, to be copied into a file."""
    what = f"Audit log, signed over {size:,} {'entry' if size == 1 else 'entries'}"
    hint = "To check the log against it, save these lines and run `twokey audit verify --checkpoint FILE`."
    return Message(what, (kit.section(f"*{what}*"), kit.preformatted(note), kit.context(hint)))
