"""The one workspace: its people, channels, messages and files, kept in memory."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from actions.clock import Clock
from bot.playground import cast
from bot.playground.emulator.wire import ApiError, Json

ChangeKind = Literal["message", "message_changed", "message_deleted"]


@dataclass
class Conversation:
    """A public channel, or the direct message of one person with the bot."""

    id: str
    name: str
    purpose: str
    members: set[str]
    user: str | None = None  # the person, in a direct message

    @property
    def is_im(self) -> bool:
        return self.user is not None


@dataclass
class File:
    """An uploaded file; `shared` once its upload was completed."""

    id: str
    name: str
    title: str
    mimetype: str
    alt_text: str
    length: int
    created: int
    content: bytes | None = None
    shared: bool = False


@dataclass
class Message:
    """A message as the workspace keeps it; `wire.py`'s callers see `events.render_message` of it."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    thread_ts: str | None = None
    reply_broadcast: bool = False
    ephemeral_to: str | None = None
    edited_by: str | None = None
    edited_ts: str | None = None
    client_msg_id: str | None = None  # set on what a person wrote
    metadata: Json | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    pinned: bool = False

    @property
    def by_bot(self) -> bool:
        return self.user == cast.BOT_USER_ID


@dataclass(frozen=True)
class Change:
    """Something that happened to a message; `before` is a copy from before an edit or a deletion."""

    kind: ChangeKind
    message: Message
    before: Message | None = None


class Workspace:
    """Everything that Slack would remember. Not safe between threads: it lives in one event loop."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.people = {person.id: person for person in cast.PEOPLE}
        self.usergroups = {group.id: group for group in cast.USERGROUPS}
        everybody = {*self.people, cast.BOT_USER_ID}
        self.conversations: dict[str, Conversation] = {}
        for channel in cast.CHANNELS:
            self.conversations[channel.id] = Conversation(channel.id, channel.name, channel.purpose, set(everybody))
        for person in cast.PEOPLE:
            direct = "D" + person.id.removeprefix("U")
            members = {person.id, cast.BOT_USER_ID}
            self.conversations[direct] = Conversation(direct, cast.BOT_NAME, "", members, person.id)
        self.files: dict[str, File] = {}
        self._messages: dict[str, dict[str, Message]] = {id_: {} for id_ in self.conversations}
        self._last_stamp = 0
        self._listeners: list[Callable[[Change], None]] = []

    def subscribe(self, listener: Callable[[Change], None]) -> None:
        """Call this after every change of a message."""
        self._listeners.append(listener)

    def stamp(self) -> str:
        """A new `ts`: the time in seconds with six places, never given twice."""
        micros = int(self.clock.now().timestamp() * 1_000_000)
        self._last_stamp = max(micros, self._last_stamp + 1)
        return f"{self._last_stamp // 1_000_000}.{self._last_stamp % 1_000_000:06d}"

    # -- who and where -------------------------------------------------------------------------

    def conversation(self, name: str) -> Conversation:
        """By id, `#name`, a person's id (their direct message with the bot). Raises channel_not_found."""
        found = self.conversations.get(name)
        bare = name.removeprefix("#")
        for candidate in self.conversations.values():
            if found is None and (candidate.user == name or (not candidate.is_im and candidate.name == bare)):
                found = candidate
        if found is None:
            raise ApiError("channel_not_found")
        return found

    def direct(self, user: str) -> Conversation:
        """The direct message of this person with the bot. Raises channel_not_found."""
        return self.conversation(user)

    def person(self, name: str) -> cast.Person:
        """By id, name or `@name`. Raises user_not_found."""
        bare = name.removeprefix("@")
        for candidate in self.people.values():
            if name == candidate.id or bare == candidate.name:
                return candidate
        raise ApiError("user_not_found")

    def create_channel(self, name: str, members: set[str]) -> Conversation:
        """A new public channel. Raises name_taken."""
        if any(one.name == name and not one.is_im for one in self.conversations.values()):
            raise ApiError("name_taken")
        created = Conversation("C" + secrets.token_hex(4).upper(), name, "", members)
        self.conversations[created.id] = created
        self._messages[created.id] = {}
        return created

    # -- messages ------------------------------------------------------------------------------

    def messages(self, channel: str | None = None) -> list[Message]:
        """Oldest first, of one conversation or of all."""
        if channel is not None:
            return list(self._messages[channel].values())
        return [message for one in self._messages.values() for message in one.values()]

    def find(self, channel: str, ts: str) -> Message | None:
        """The message, if it is there."""
        return self._messages.get(channel, {}).get(ts)

    def message(self, channel: str, ts: str) -> Message:
        """Raises message_not_found."""
        found = self.find(channel, ts)
        if found is None:
            raise ApiError("message_not_found")
        return found

    def replies(self, channel: str, thread_ts: str) -> list[Message]:
        """What was answered in this thread, oldest first, without the parent and without private notes."""
        return [
            one
            for one in self._messages[channel].values()
            if one.thread_ts == thread_ts and one.ts != thread_ts and one.ephemeral_to is None
        ]

    def post(self, message: Message) -> Message:
        """Keep a new message and tell everybody."""
        parent = self.find(message.channel, message.thread_ts or "")
        if parent is not None and parent.thread_ts is not None:
            message.thread_ts = parent.thread_ts  # an answer to an answer belongs to the same thread
        if parent is not None and parent.thread_ts is None:
            parent.thread_ts = parent.ts
        self._messages[message.channel][message.ts] = message
        self._tell(Change("message", message))
        return message

    def edit(self, message: Message, by: str, revise: Callable[[Message], None]) -> Message:
        """Let `revise` change the message, mark it as edited and tell everybody."""
        before = copy.deepcopy(message)
        revise(message)
        message.edited_by, message.edited_ts = by, self.stamp()
        self._tell(Change("message_changed", message, before))
        return message

    def delete(self, message: Message) -> None:
        """Forget the message and tell everybody."""
        del self._messages[message.channel][message.ts]
        self._tell(Change("message_deleted", message, message))

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)
