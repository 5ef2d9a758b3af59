"""Whether a store files each entry under the request that it names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from approvals.audit.verification import Row


class Filing:
    """Looks at the rows of a store on their way to whoever verifies all of them."""

    def __init__(self) -> None:
        self.misfiled: int | None = None
        """The first of those seen that is filed under another request than its body names."""

    def seen(self, parts: Iterable[Sequence[Row]]) -> Iterator[Row]:
        """The rows one after the other; the fifth column is what each is filed under."""
        for part in parts:
            if self.misfiled is None:
                self.misfiled = _misfiled(part)
            yield from part


def _misfiled(part: Sequence[Row]) -> int | None:
    """A body's keys are sorted, so these two are its last; a quote in one is written there as it is here."""
    ends = {filed: _end(filed) for filed in {row[-1] for row in part}}
    return next((row[0] for row in part if not row[1].endswith(b"%b%d}" % (ends[row[-1]], row[0]))), None)


def _end(request: object) -> bytes:
    named = "null" if request is None else json.dumps(str(request), ensure_ascii=False)
    return f',"request":{named},"seq":'.encode("utf-8", "surrogatepass")
