"""What a guarded run asks of whoever keeps the record of it: that its watch begins, and leave for its rollback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from actions.errors import GrantRefused
from actions.outcome import Grant, Trip

Leave = Callable[[Trip], Grant]
"""Records that a guard tripped, and grants its rollback.

Raises GrantRefused where that may not be, another TwokeyError where nobody can tell, and then it is asked again.
"""


Began = Callable[[], float]
"""Records that a guard's watch begins, once for all who watch one after the other; how many seconds ago it did.

Raises a TwokeyError where nobody can tell, and then it is asked again.
"""


def nobody(_trip: Trip) -> Grant:
    """No leave at all."""
    raise GrantRefused("nobody gave leave for it.")


def just_now() -> float:
    """It begins here, and nobody watched before."""
    return 0.0


@dataclass(frozen=True)
class Record:
    """Without one no guard gets leave."""

    leave: Leave = nobody
    began: Began = just_now


UNRECORDED = Record()
