"""Where a request's card is shown, and what its thread has been told. Only the projector writes here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from actions.clock import Clock
from approvals.store import reading, writing
from approvals.tables import as_text
from bot.tables import copies, told

PATIENCE = timedelta(seconds=60)  # after which a reserved copy that never was posted may be posted again


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

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def reserve(self, request_id: str, channel: str) -> bool:
        """Whether it is ours to post this card there; two processes never both do."""
        now = self._clock.now()
        mine = (copies.c.request_id == request_id, copies.c.channel == channel)
        with writing(self._engine) as connection:
            found = connection.execute(select(copies).where(*mine)).mappings().first()
            if found is None:
                row = {"request_id": request_id, "channel": channel, "reserved_at": as_text(now)}
                connection.execute(insert(copies).values(**row, rev=-1, settled=False))
                return True
            if found["ts"] is not None or found["reserved_at"] > as_text(now - PATIENCE):
                return False
            connection.execute(update(copies).where(*mine).values(reserved_at=as_text(now)))
            return True

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
        with writing(self._engine) as connection:
            connection.execute(update(copies).where(copies.c.request_id == request_id).values(settled=True))

    def of(self, request_id: str) -> list[Copy]:
        """Every copy of a request's card, the one in the channel first."""
        query = select(copies).where(copies.c.request_id == request_id).order_by(copies.c.reserved_at)
        with reading(self._engine) as connection:
            found = connection.execute(query).mappings().all()
        return [Copy(r["request_id"], r["channel"], r["ts"], r["thread"], r["rev"], r["settled"]) for r in found]

    def open(self) -> set[str]:
        """The requests whose cards do not show the end yet."""
        with reading(self._engine) as connection:
            found = connection.execute(select(copies.c.request_id).where(copies.c.settled.is_(False)).distinct())
            return {row[0] for row in found}

    def known(self, request_ids: list[str]) -> set[str]:
        """Which of these have a card."""
        with reading(self._engine) as connection:
            query = select(copies.c.request_id).where(copies.c.request_id.in_(request_ids)).distinct()
            return {row[0] for row in connection.execute(query)}

    def at(self, channel: str, ts: str) -> str | None:
        """The request whose card this message is, or whose thread it begins."""
        query = select(copies.c.request_id).where(copies.c.channel == channel, copies.c.ts == ts)
        with reading(self._engine) as connection:
            found: str | None = connection.execute(query).scalar()
        return found

    def told(self, request_id: str) -> set[str]:
        """The lines of its story that the thread has."""
        with reading(self._engine) as connection:
            return {r[0] for r in connection.execute(select(told.c.line).where(told.c.request_id == request_id))}

    def tell(self, request_id: str, line: str) -> bool:
        """Note a line as told; false if it already was."""
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(told).values(request_id=request_id, line=line))
        except IntegrityError:
            return False
        return True

    def _set(self, request_id: str, channel: str, **values: object) -> None:
        mine = (copies.c.request_id == request_id, copies.c.channel == channel)
        with writing(self._engine) as connection:
            connection.execute(update(copies).where(*mine).values(**values))
