"""A second, independent account of the life of one request (A11): no line of the product's code is used here.

Small on purpose: names are letters, time has four positions, and quorums are counted by trying every seating.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations

MORNING, FROZEN, THAWED, OVER = range(4)  # an hour for approvals and for the start; the freeze is in between
STARTED = {"running", "unknown", "succeeded", "failed", "rolled_back"}
FINAL = {"succeeded", "failed", "rolled_back", "refused", "denied", "expired", "withdrawn", "stale"}


@dataclass(frozen=True)
class Shape:
    """What the policy asks for, and who there is. `seats` names a group each; b's key can be lent to e."""

    seats: tuple[str, ...]
    groups: tuple[tuple[str, str], ...]  # group -> its members, one letter each
    requester: str
    guarded: bool = False  # its guard trips as soon as it is in place, where the event says so


@dataclass(frozen=True)
class World:
    """Everything that matters of one moment."""

    phase: str = "waiting"
    approved: frozenset[tuple[str, str]] = frozenset()  # (who clicked, whose key)
    time: int = MORNING
    b_left: bool = False
    new_policy: bool = False
    lent: str = "never"  # never, yes, over
    glass: int | None = None  # when it was broken
    effects: int = 0
    backs: int = 0  # what its guard did
    tripped: bool = False  # whether its guard got leave
    taken: bool = False  # whether another runner took its watch over, and is dead as well

    @property
    def disturbances(self) -> int:
        """How often the world around it changed; taking a key back comes free with lending it."""
        return self.b_left + self.new_policy + (self.lent != "never")

    @property
    def place(self) -> World:
        """Worlds with the same place have the same future: of what is over only how it ended and what it did."""
        return World(phase=self.phase, effects=self.effects, backs=self.backs) if self.phase in FINAL else self


def steps(shape: Shape, now: World, limit: int = 1) -> Iterator[tuple[str, World]]:
    """Every event that can come, and where it leads; most lead nowhere, which is the point."""
    for person in "abcde":
        yield f"approve {person}", _approve(shape, now, person)
    for person in "abce":  # whoever asks, members, and who holds a member's key
        yield f"deny {person}", _deny(shape, now, person)
    yield "withdraw", replace(now, phase="withdrawn") if now.phase == "waiting" and now.time != OVER else _late(now)
    yield "break glass", _break(shape, now)
    for way in ("run", "crash before", "crash after", "answer lost"):
        yield way, _run(shape, now, way)
        if shape.guarded:
            yield f"trip {way}", _trip(_run(shape, now, "run"), now, way)
            yield f"watch on {way}", _watch_on(shape, now, way)
    yield "tick", _tick(now)
    if now.phase not in FINAL:
        if now.time < OVER:
            yield "time", replace(now, time=now.time + 1)
        yield from _disturbed(now, limit)


def _disturbed(now: World, limit: int) -> Iterator[tuple[str, World]]:
    if now.lent == "yes":
        yield "take back", replace(now, lent="over")
    if now.disturbances >= limit:
        return
    if not now.b_left:
        yield "b leaves", replace(now, b_left=True)
    if not now.new_policy:
        yield "new policy", replace(now, new_policy=True)
    if now.lent == "never" and not now.b_left:
        yield "lend", replace(now, lent="yes")


def enough(shape: Shape, now: World) -> bool:
    """Whether everybody who is needed approved, may still, and is somebody else than the one who asked (A3, A4, A5)."""
    return _seated(shape, now, now.approved) == len(shape.seats)


def _members(shape: Shape, now: World, group: str) -> set[str]:
    return set(dict(shape.groups)[group]) - ({"b"} if now.b_left and group == "sre" else set())


def _sits(shape: Shape, now: World, vote: tuple[str, str], group: str) -> bool:
    """Whether this vote may fill a seat of the group: its key's owner is in it, and the key is in the right hands."""
    who, owner = vote
    held = who == owner or (who == "e" and owner == "b" and now.lent == "yes" and group == "sre")  # only sre lends
    return held and shape.requester not in vote and owner in _members(shape, now, group)


def _seated(shape: Shape, now: World, votes: frozenset[tuple[str, str]]) -> int:
    """How many seats can be filled at most, each person and each key once."""
    best = 0
    for order in permutations([*votes, *[None] * len(shape.seats)], len(shape.seats)):
        pairs = [(v, s) for v, s in zip(order, shape.seats, strict=True) if v and _sits(shape, now, v, s)]
        keys, people = [v[1] for v, _ in pairs], [v[0] for v, _ in pairs]
        if len({*keys}) == len(keys) and len({*people}) == len(people):
            best = max(best, len(pairs))
    return best


def _votes(now: World, person: str) -> list[tuple[str, str]]:
    """A person's own key, and b's where e holds it."""
    return [(person, person), *([("e", "b")] if person == "e" and now.lent == "yes" else [])]


def _may(shape: Shape, now: World, person: str) -> list[tuple[str, str]]:
    if person == shape.requester or person in {who for who, _ in now.approved}:
        return []
    return [v for v in _votes(now, person) if any(_sits(shape, now, v, seat) for seat in shape.seats)]


def _approve(shape: Shape, now: World, person: str) -> World:
    votes = _may(shape, now, person)
    if now.phase != "waiting" or person == shape.requester:
        return now
    if now.time == OVER:
        return replace(now, phase="expired")
    if not votes:
        return now
    if now.new_policy:
        return replace(now, phase="stale")
    if now.time == FROZEN:
        return now
    for vote in votes:
        more = now.approved | {vote}
        taken = vote[1] in {owner for _, owner in now.approved}
        if not taken and _seated(shape, now, more) > _seated(shape, now, now.approved):
            after = replace(now, approved=more)
            return replace(after, phase="ready") if enough(shape, after) else after
    return now


def _deny(shape: Shape, now: World, person: str) -> World:
    if now.phase not in {"waiting", "ready"} or person == shape.requester:
        return now
    if _expired(now):
        return replace(now, phase="expired")
    if not _may(shape, now, person):
        return now
    return replace(now, phase="denied" if now.phase == "waiting" else "refused")


def _break(shape: Shape, now: World) -> World:
    """a never may; whoever is in sre may for their own request, once, with a reason, not in a freeze (A10)."""
    if now.phase != "waiting":
        return now
    if now.time == OVER:
        return replace(now, phase="expired")
    if now.new_policy:
        return replace(now, phase="stale")
    if now.time == FROZEN or shape.requester not in _members(shape, now, "sre"):
        return now
    return replace(now, phase="ready", glass=now.time)


def _run(shape: Shape, now: World, way: str) -> World:
    if now.phase != "ready":
        return now
    if _expired(now):
        return replace(now, phase="expired")
    if now.new_policy:
        return replace(now, phase="stale")
    glass = now.glass is not None and shape.requester in _members(shape, now, "sre")
    if now.time == FROZEN or not (glass or enough(shape, now)):
        return replace(now, phase="refused")
    phase = {"run": "succeeded", "crash before": "running", "crash after": "running", "answer lost": "unknown"}[way]
    return replace(now, phase=phase, effects=0 if way == "crash before" else 1)


def _trip(after: World, now: World, way: str) -> World:
    """The same ways for what a guard does, once the change itself is in place."""
    if after.phase != "succeeded" or now.phase != "ready":
        return after
    phase = {"run": "rolled_back", "crash before": "running", "crash after": "running", "answer lost": "unknown"}[way]
    return replace(after, phase=phase, backs=0 if way == "crash before" else 1, tripped=True)


def _watch_on(shape: Shape, now: World, way: str) -> World:
    """Another runner finds it dead. `run` finds all well, the others that its guard trips; `crash before` the leave."""
    if now.phase != "running":
        return now
    if now.tripped or not now.effects:
        return replace(now, phase="unknown")
    if way == "run":
        return replace(now, phase="succeeded")
    if way == "crash before":
        return replace(now, taken=True)
    if now.time == FROZEN or not enough(shape, now):
        return replace(now, phase="failed")
    phase = {"crash after": "running", "answer lost": "unknown"}[way]
    return replace(now, phase=phase, backs=1, tripped=True)


def _tick(now: World) -> World:
    """Time is up, or a dead runner's work is read back; its lease is over by then."""
    if now.phase in {"waiting", "ready"}:
        return replace(now, phase="expired") if _expired(now) else now
    if now.phase in {"running", "unknown"}:
        return replace(now, phase="rolled_back" if now.backs else "succeeded" if now.effects else "failed")
    return now


def _late(now: World) -> World:
    return replace(now, phase="expired") if now.phase == "waiting" and now.time == OVER else now


def _expired(now: World) -> bool:
    if now.glass is not None and now.time > now.glass + 1:  # fifteen minutes: shorter than two positions
        return True
    return now.time == OVER
