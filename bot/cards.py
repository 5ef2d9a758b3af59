"""Where a request's card is shown, and what its thread has been told. Only the projector writes here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Executable, bindparam, delete, insert, or_, select, update

from actions.clock import Clock
from approvals.request import State
from approvals.tables import as_text, as_time, requests
from bot.tables import copies, told
from bot.writer import Writer

PATIENCE = timedelta(seconds=60)  # after which a reserved copy that never was posted may be posted again
CATCH_UP = 50  # of the newest requests, those that ended before they had a card still get one

_OPEN = [state for state in State if not state.final]

# Made once: building a statement costs more than running it.
_ITS_COPIES = copies.c.request_id == bindparam("its_request")
_THIS_COPY = _ITS_COPIES & (copies.c.channel == bindparam("its_channel"))
_OF = (
    select(*(copies.c[name] for name in ("request_id", "channel", "ts", "thread", "rev", "settled")))
    .where(_ITS_COPIES)
    .order_by(copies.c.reserved_at)
)
_RESERVED = select(copies.c.ts, copies.c.reserved_at).where(_THIS_COPY)
_RESERVE = insert(copies)
_CHANGE, _CHANGE_ALL = update(copies).where(_THIS_COPY), update(copies).where(_ITS_COPIES)
_THIS_MESSAGE = (copies.c.channel == bindparam("its_channel")) & (copies.c.ts == bindparam("its_ts"))
_AT = select(copies.c.request_id).where(_THIS_MESSAGE)
_ITS_LINES = told.c.request_id == bindparam("its_request")
_TOLD = select(told.c.line).where(_ITS_LINES)
_TOLD_THIS = _TOLD.where(told.c.line == bindparam("its_line"))
_TELL = insert(told)


@dataclass(frozen=True)
class Copy:
    """One message that shows a card. `thread` is the thread of its story."""

    request_id: str
    channel: str
    ts: str | None
    thread: str | None
    rev: int
    settled: bool


@dataclass(frozen=True)
class Claim:
    """A card that is ours to post. Where somebody tried at `since` and nobody heard how it went, it may be there."""

    since: datetime | None = None


@dataclass(frozen=True)
class Shown:
    """What people see of a request: every copy of its card in the order of posting, and the lines they were told."""

    copies: tuple[Copy, ...] = ()
    told: frozenset[str] = frozenset()

    def there(self, channel: str) -> bool:
        """Whether a copy is posted in this channel."""
        return any(copy.channel == channel and copy.ts for copy in self.copies)

    @property
    def settled(self) -> bool:
        """Whether every copy shows the end, so that nothing follows."""
        return bool(self.copies) and all(copy.settled for copy in self.copies)


class Cards:
    """Safe between threads. Every method may raise StoreDown."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer, self._clock = writer, clock

    def reserve(self, request_id: str, channel: str) -> Claim | None:
        """The right to post this card there; two processes never both have it."""
        now = self._clock.now()
        mine = {"its_request": request_id, "its_channel": channel}
        row = {"request_id": request_id, "channel": channel, "reserved_at": as_text(now), "rev": -1, "settled": False}

        def work(connection: Connection) -> Claim | None:
            found = connection.execute(_RESERVED, mine).first()
            if found is None:
                connection.execute(_RESERVE, row)
                return Claim()
            if found.ts is not None or found.reserved_at > as_text(now - PATIENCE):
                return None
            connection.execute(_CHANGE, {**mine, "reserved_at": as_text(now)})
            return Claim(as_time(found.reserved_at) if found.reserved_at else None)

        return self._writer.write(work)

    def release(self, request_id: str, channel: str, may_be_there: bool = False) -> None:
        """It could not be posted now; somebody may try again at once, and looks first whether it is there."""
        tried = as_text(self._clock.now() - PATIENCE) if may_be_there else ""
        self._set(request_id, channel, reserved_at=tried)

    def take_in(self, request_id: str, channel: str, ts: str, thread: str) -> str:
        """A message that nobody noted shows this card. The `ts` of the copy that counts: its own, if there was none."""
        mine = {"its_request": request_id, "its_channel": channel}
        copy = {"ts": ts, "thread": thread, "rev": -1}
        row = {"request_id": request_id, "channel": channel, "reserved_at": as_text(self._clock.now())}

        def work(connection: Connection) -> str:
            found = connection.execute(_RESERVED, mine).first()
            if found is None:
                connection.execute(_RESERVE, {**row, **copy, "settled": False})
            elif found.ts is None:
                connection.execute(_CHANGE, {**mine, **copy})
            return str(found.ts) if found is not None and found.ts else ts

        return self._writer.write(work)

    def posted(self, copy: Copy) -> None:
        """It is there, showing its revision."""
        self._set(copy.request_id, copy.channel, ts=copy.ts, thread=copy.thread, rev=copy.rev)

    def shown(self, request_id: str, channel: str, rev: int) -> None:
        """It shows this revision now."""
        self._set(request_id, channel, rev=rev)

    def settle(self, request_id: str) -> None:
        """Every copy shows the end, and the thread has the whole story."""
        change = {"its_request": request_id, "settled": True}
        self._writer.write(lambda connection: connection.execute(_CHANGE_ALL, change))

    def of(self, request_id: str) -> Shown:
        """All that is shown of a request."""
        mine = {"its_request": request_id}

        def work(connection: Connection) -> Shown:
            found = tuple(Copy(*row) for row in connection.execute(_OF, mine))
            return Shown(found, frozenset(connection.execute(_TOLD, mine).scalars()) if found else frozenset())

        return self._writer.read(work)

    def unfinished(self) -> set[str]:
        """The requests whose cards may still change."""
        query = select(requests.c.id).where(requests.c.state.in_(_OPEN))
        return self._ids(query.union(select(copies.c.request_id).where(copies.c.settled.is_(False))))

    def behind(self) -> set[str]:
        """The requests whose cards are not as the ledger is, those among the newest that have none included."""
        newest = select(requests.c.id).order_by(requests.c.created_at.desc()).limit(CATCH_UP)
        never = or_(requests.c.state.in_(_OPEN), requests.c.id.in_(newest)) & copies.c.request_id.is_(None)
        late = copies.c.settled.is_(False) & or_(copies.c.rev < requests.c.rev, requests.c.state.not_in(_OPEN))
        joined = requests.outerjoin(copies, copies.c.request_id == requests.c.id)
        return self._ids(select(requests.c.id).select_from(joined).where(or_(never, late)).distinct())

    def at(self, channel: str, ts: str) -> str | None:
        """The request whose card this message is, or whose thread it begins."""
        place = {"its_channel": channel, "its_ts": ts}
        return self._writer.read(lambda connection: connection.execute(_AT, place).scalar())

    def tell(self, request_id: str, line: str) -> bool:
        """Note a line as told; false if it already was."""

        def work(connection: Connection) -> bool:
            if connection.execute(_TOLD_THIS, {"its_request": request_id, "its_line": line}).first():
                return False
            connection.execute(_TELL, {"request_id": request_id, "line": line})
            return True

        return self._writer.write(work)

    def untell(self, request_id: str, line: str) -> None:
        """What was noted as told could not be; it may be told again."""
        mine = (told.c.request_id == request_id, told.c.line == line)
        self._writer.write(lambda connection: connection.execute(delete(told).where(*mine)))

    def _set(self, request_id: str, channel: str, **values: object) -> None:
        change = {"its_request": request_id, "its_channel": channel, **values}
        self._writer.write(lambda connection: connection.execute(_CHANGE, change))

    def _ids(self, query: Executable) -> set[str]:
        return self._writer.read(lambda connection: {str(row[0]) for row in connection.execute(query)})
