"""Checkpoints of the audit log in a Slack channel: a second place that the log's writer cannot take them back from."""

from __future__ import annotations

from slack_sdk import WebClient

from actions.errors import TwokeyError
from bot.blocks import message as kit
from bot.blocks.message import Message
from bot.work import GONE, TROUBLE, code_of


class SlackChannel:
    """See approvals.checkpoints.Place. A message that Slack took can only be removed by an administrator."""

    def __init__(self, client: WebClient, channel: str) -> None:
        self._client, self._channel = client, channel

    def keep(self, text: str, size: int) -> None:
        """Post the whole note. Where the answer is lost it comes twice, which says nothing wrong."""
        payload = said(text, size).payload()
        try:
            self._client.chat_postMessage(channel=self._channel, unfurl_links=False, unfurl_media=False, **payload)
        except TROUBLE as error:
            code = code_of(error)
            say = f"The checkpoint over {size} entries is not in {self._channel} (Slack answers {code})"
            hint = "Is the channel right, and the bot in it?" if code in GONE else "It is tried again in a minute."
            raise TwokeyError(f"{say}. {hint}") from None


def said(note: str, size: int) -> Message:
    """The message: what it is, and the note as it is, to be copied into a file."""
    what = f"Audit log, signed over {size:,} {'entry' if size == 1 else 'entries'}"
    hint = "To check the log against it, save these lines and run `twokey audit verify --checkpoint FILE`."
    return Message(what, (kit.section(f"*{what}*"), kit.preformatted(note), kit.context(hint)))
