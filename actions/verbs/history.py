"""history: what changed, when, and who did it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from actions import chronicle, periods, quantities, reads
from actions.action import Read
from actions.chronicle import Delivered, Row, Seen
from actions.keepers import rules as keepers
from actions.keepers.keeper import Past
from actions.keepers.kinds import KEEPERS
from actions.managed import Kept
from actions.outcome import Outcome, Step, Suggestion, Table
from actions.periods import Stretch, Zone
from actions.terms import Name, Rule
from actions.toolbox import Progress, Toolbox

if TYPE_CHECKING:
    from actions.catalog import Catalog

_BACK = "30d"
_ROWS = 30


class History(Read):
    """What changed lately, and who asked and approved."""

    verb: ClassVar[str] = "history"
    phrase: ClassVar[str] = "History of"
    rules: ClassVar[tuple[Rule, ...]] = (
        *reads.WORKLOADS,
        *reads.REVISIONS,
        *keepers.READING,
    )
    help: ClassVar[str] = "What changed lately, and who asked and approved"
    examples: ClassVar[tuple[str, ...]] = (
        "history of checkout in prod",
        "what was deployed to cart in staging?",
        "who deployed checkout this week?",
    )
    pressed: ClassVar[frozenset[str]] = frozenset({"zone"})
    later: ClassVar[frozenset[str]] = frozenset({"period", "who", "part", "did"})

    service: Name | None = Field(None, description="every service if not given")
    environment: Name | None = Field(None, description="every environment if not given")
    period: Stretch | None = Field(
        None, description="today, this week, since monday, since 14:00, 3d; 30d if not given"
    )
    who: str | None = Field(None, min_length=1, max_length=80, description="the name of a person, or me")
    part: Literal["asked", "agreed"] | None = Field(None, description="what that person did of it; any if not given")
    did: Literal["deploy", "rollback", "scale", "restart"] | None = Field(None, description="any change if not given")
    zone: Zone | None = Field(None, description="the asker's time zone, in which days begin")

    @property
    def zoned(self) -> bool:
        """Always: a look back is by the days of whoever asks."""
        return True

    def parts(self, catalog: Catalog) -> Iterator[History]:
        """Each service in each of its environments."""
        for service in catalog.services if self.service is None else (self.service,):
            known = catalog.environments_of(service) if service in catalog.services else ()
            for environment in known if self.environment is None else (self.environment,):
                if self.service is not None or environment in known:
                    yield self.model_copy(update={"service": service, "environment": environment})

    def answer(self, tools: Toolbox, progress: Progress) -> Outcome:
        """The requests and every revision that the cluster remembers, the newest first; of 30 days if none is said.

        Where a GitOps tool keeps the version and remembers what it delivered, its own numbers stand in the rows. Of
        every service, or of what a person did, only what went through Twokey is known. Raises BadInput or SourceError.
        """
        now = tools.clock.now()
        period = periods.parse(self.period or _BACK, now, self.zone or "UTC")
        seen = self._remembered(tools, progress)
        records = tools.changes.recent(self.service, self.environment, period.start) if tools.changes else ()
        ends = period.end if period.end < now else None
        within = [
            row
            for row in chronicle.merged(records, seen)
            if self._fits(row) and row.at >= period.start and (ends is None or row.at < ends)
        ]
        return self._said(within, period.words, now)

    def _remembered(self, tools: Toolbox, progress: Progress) -> list[Seen | Delivered]:
        """What the cluster remembers of one service, as far as it can be what is asked for."""
        if self.service is None:
            return []
        places = (self.environment,) if self.environment else tools.catalog.environments_of(self.service)
        refs = {place: tools.catalog.ref(self.service, place) for place in places}
        if self.who or self.part or self.did not in {None, "deploy"}:
            return []
        progress(Step(text="looking at the revisions"))
        container, found = tools.catalog.container(self.service), list[Seen | Delivered]()
        for place, ref in refs.items():
            kept = tools.catalog.kept(self.service, place)
            past = _delivered(tools, kept) if kept else ()
            found += [Delivered(self.service, place, each) for each in past]
            found += (
                [] if past else [Seen(self.service, place, container, each) for each in tools.cluster.revisions(ref)]
            )
        return found

    def _fits(self, row: Row) -> bool:
        record = row.record
        if record is None:  # nobody knows who it was, and the cluster remembers versions alone
            return not self.who and not self.part and self.did in {None, "deploy"}
        if self.did and record.action.get("verb") != self.did:
            return False
        asked, approved = (record.asked_by,), tuple(record.approved_by)
        among = {"asked": asked, "agreed": approved, None: (*asked, *approved)}[self.part]
        return bool(among) if self.who is None else any(_is(self.who, name) for name in among)

    def _said(self, rows: Sequence[Row], when: str, now: datetime) -> Outcome:
        where = " in ".join(filter(None, (self.service or "every service", self.environment)))
        stretch = f" in {when}" if when.startswith("the ") else f" {when}"
        if not rows:
            return Outcome(ok=True, summary=f"{where}: I know of no {self._counted(0)[2:]}{stretch}.")
        newest = rows[0]
        what = [newest.what, *([newest.service] if self.service is None else [])]
        what += [f"in {newest.environment}"] if self.environment is None else []
        said = self._counted(len(rows)) + (stretch if self._narrowed else "")
        last = f"{' '.join(what)}, {quantities.moment(newest.at, now)} ({newest.who})"
        return Outcome(
            ok=True,
            summary=f"{where}: {said}, the last one {last}",
            evidence=(self._table(f"Changes of {where}", rows[:_ROWS], now),),
            suggestions=self._back(rows),
        )

    @property
    def _narrowed(self) -> bool:
        return bool(self.period or self.who or self.part or self.did)

    def _counted(self, number: int) -> str:
        """`3 deploys by ana`, `0 changes that ben approved`."""
        counted = quantities.count(number, self.did or "change")
        if self.who is None:
            return f"{counted} that somebody approved" if self.part == "agreed" else counted
        how = {"asked": f"by {self.who}", "agreed": f"that {self.who} approved"}
        return f"{counted} {how.get(str(self.part), f'that {self.who} asked for or approved')}"

    def _table(self, title: str, rows: Sequence[Row], now: datetime) -> Table:
        """Only the columns that tell the rows apart, so that it fits a phone; what is asked for least is last."""
        columns = ["when", *(["service"] if self.service is None else [])]
        columns += ["where"] if self.environment is None else []
        columns += ["what", "who", "state", *(["revision"] if any(row.revision for row in rows) else [])]
        cells = [{**vars(row), "when": quantities.moment(row.at, now), "where": row.environment} for row in rows]
        return Table(title=title, columns=tuple(columns), rows=tuple(tuple(c[name] for name in columns) for c in cells))

    def _back(self, rows: Sequence[Row]) -> tuple[Suggestion, ...]:
        if not (self.service and self.environment) or sum(bool(row.revision) for row in rows) < 2:
            return ()
        where: dict[str, Any] = {"service": self.service, "environment": self.environment}
        return (Suggestion(label="Roll back…", action={"verb": "rollback", **where, "to": None}),)


def _delivered(tools: Toolbox, kept: Kept) -> Sequence[Past]:
    return KEEPERS[kept.ref.kind].past(kept.seen(tools.cluster.workload(kept.ref)), kept.field)


def _is(said: str, name: str) -> bool:
    """Whether somebody is called so: by their whole name, or by its first word."""
    wanted, whole = said.lstrip("@").casefold(), name.casefold()
    return wanted in {whole, whole.partition(" ")[0]}
