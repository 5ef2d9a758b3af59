"""Where a request's card is shown, and what its thread has been told. Only the projector writes here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Executable, delete, insert, or_, select, update

from actions.clock import Clock
from approvals.request import State
from approvals.tables import as_text, requests
from bot.tables import copies, told
from bot.writer import Writer

PATIENCE = timedelta(seconds=60)  # after which a reserved copy that never was posted may be posted again
CATCH_UP = 50  # of the newest requests, those that ended before they had a card still get one

_OPEN = [state for state in State if not state.final]


@dataclass(frozen=True)
class Copy:
    """One message that shows a card. `thread` is the thread of its story."""

    request_id: str
    channel: str
    ts: str | None
    thread: str | None
    rev: int
    settled: bool


class Cards:
    """Safe between threads. Every method may raise StoreDown."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer, self._clock = writer, clock

    def reserve(self, request_id: str, channel: str) -> bool:
        """Whether it is ours to post this card there; two processes never both do."""
        now = self._clock.now()
        mine = (copies.c.request_id == request_id, copies.c.channel == channel)
        row = {"request_id": request_id, "channel": channel, "reserved_at": as_text(now), "rev": -1, "settled": False}

        def work(connection: Connection) -> bool:
            found = connection.execute(select(copies).where(*mine)).mappings().first()
            if found is None:
                connection.execute(insert(copies).values(**row))
                return True
            if found["ts"] is not None or found["reserved_at"] > as_text(now - PATIENCE):
                return False
            connection.execute(update(copies).where(*mine).values(reserved_at=as_text(now)))
            return True

        return self._writer.write(work)

    def release(self, request_id: str, channel: str) -> None:
        """It could not be posted now; somebody may try again at once."""
        self._set(request_id, channel, reserved_at="")

    def posted(self, request_id: str, channel: str, ts: str, thread: str, rev: int) -> None:
        """It is there, showing this revision."""
        self._set(request_id, channel, ts=ts, thread=thread, rev=rev)

    def shown(self, request_id: str, channel: str, rev: int) -> None:
        """It shows this revision now."""
        self._set(request_id, channel, rev=rev)

    def settle(self, request_id: str) -> None:
        """Every copy shows the end, and the thread has the whole story."""
        change = update(copies).where(copies.c.request_id == request_id).values(settled=True)
        self._writer.write(lambda connection: connection.execute(change))

    def of(self, request_id: str) -> list[Copy]:
        """Every copy of a request's card, the one in the channel first."""
        query = select(copies).where(copies.c.request_id == request_id).order_by(copies.c.reserved_at)
        found = self._writer.read(lambda connection: connection.execute(query).mappings().all())
        return [Copy(r["request_id"], r["channel"], r["ts"], r["thread"], r["rev"], r["settled"]) for r in found]

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
        query = select(copies.c.request_id).where(copies.c.channel == channel, copies.c.ts == ts)
        return self._writer.read(lambda connection: connection.execute(query).scalar())

    def told(self, request_id: str) -> set[str]:
        """The lines of its story that the thread has."""
        return self._ids(select(told.c.line).where(told.c.request_id == request_id))

    def tell(self, request_id: str, line: str) -> bool:
        """Note a line as told; false if it already was."""
        mine = (told.c.request_id == request_id, told.c.line == line)

        def work(connection: Connection) -> bool:
            if connection.execute(select(told.c.line).where(*mine)).first():
                return False
            connection.execute(insert(told).values(request_id=request_id, line=line))
            return True

        return self._writer.write(work)

    def untell(self, request_id: str, line: str) -> None:
        """What was noted as told could not be; it may be told again."""
        mine = (told.c.request_id == request_id, told.c.line == line)
        self._writer.write(lambda connection: connection.execute(delete(told).where(*mine)))

    def _set(self, request_id: str, channel: str, **values: object) -> None:
        mine = (copies.c.request_id == request_id, copies.c.channel == channel)
        change = update(copies).where(*mine).values(**values)
        self._writer.write(lambda connection: connection.execute(change))

    def _ids(self, query: Executable) -> set[str]:
        return self._writer.read(lambda connection: {str(row[0]) for row in connection.execute(query)})
