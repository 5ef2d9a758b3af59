"""What a guarded run asks of whoever keeps the record of it: that its watch begins, and leave for its rollback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from actions.errors import GrantRefused
from actions.outcome import Grant, Trip

Leave = Callable[[Trip], Grant]
"""Records that a guard tripped, and grants its rollback.

Raises GrantRefused where that may not be, another TwokeyError where nobody can tell, and then it is asked again.
"""


class Seen(NamedTuple):
    """How long a guard has watched already, in seconds, and for how long of that nobody did."""

    elapsed: float
    unseen: float = 0.0


Began = Callable[[], Seen]
"""Records that a guard's watch begins, once for all who watch one after the other.

Raises a TwokeyError where nobody can tell, and then it is asked again.
"""


def nobody(_trip: Trip) -> Grant:
    """No leave at all."""
    raise GrantRefused("nobody gave leave for it.")


def just_now() -> Seen:
    """It begins here, and nobody watched before."""
    return Seen(0.0)


@dataclass(frozen=True)
class Record:
    """Without one no guard gets leave."""

    leave: Leave = nobody
    began: Began = just_now


UNRECORDED = Record()
