"""What can go wrong below, in words that a person can act on.

TwokeyError
├── BadInput            the words or arguments cannot be acted on
│   ├── UnknownService
│   └── UnknownEnvironment
├── ConfigError         a file or setting is wrong: file, line, key
├── StalePlan           the world moved since the preview was shown
├── GrantRefused        the executor was not given what it needs to run
└── SourceError         a system we ask or change did not do it
    ├── NotFound        it has no such object
    ├── Denied          our credential may not do this there
    ├── Conflict        somebody else changed it at the same moment
    ├── Rejected        it understood and refused (validation, quota, admission)
    └── Unreachable     no answer, or an answer that says nothing
"""

from __future__ import annotations

from collections.abc import Sequence


class TwokeyError(Exception):
    """Something went wrong that a person can act on; `str(error)` is one or two plain sentences."""

    def __init__(self, say: str | None = None) -> None:
        super().__init__(say or (self.__doc__ or "").strip().splitlines()[0])

    @property
    def say(self) -> str:
        """The sentence for people."""
        return str(self)


class BadInput(TwokeyError):
    """That cannot be acted on; please say it another way."""


class UnknownService(BadInput):
    """No such service is in the catalogue."""

    def __init__(self, name: str, similar: Sequence[str] = ()) -> None:
        self.name, self.similar = name, tuple(similar)
        hint = f" Did you mean {' or '.join(self.similar)}?" if self.similar else ""
        super().__init__(f'I know no service "{name}".{hint}')


class UnknownEnvironment(BadInput):
    """No such environment is in the catalogue, or the service does not run there."""

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        self.name, self.known = name, tuple(known)
        hint = f" It is one of: {', '.join(self.known)}." if self.known else ""
        super().__init__(f'I know no environment "{name}" for this.{hint}')


class ConfigError(TwokeyError):
    """A file or setting is wrong."""


class StalePlan(TwokeyError):
    """The target changed since the preview was shown, so the approval no longer covers it."""


class GrantRefused(TwokeyError):
    """There is no grant that matches this plan, so nothing was run."""


class SourceError(TwokeyError):
    """A system that is asked or changed did not do it."""

    def __init__(self, say: str | None = None, then: str = "") -> None:
        """`then` is what to do about it where nothing has happened yet; empty where `say` says that, too."""
        super().__init__(say)
        self.then = then

    @property
    def advice(self) -> str:
        """What happened and what to do; for a question or a plan, not for a change that may be under way."""
        return f"{self.say} {self.then}".strip()


class NotFound(SourceError):
    """The cluster has no such object."""


class Denied(SourceError):
    """The credential may not do this there."""


class Conflict(SourceError):
    """Somebody else changed it at the same moment."""


class Rejected(SourceError):
    """The cluster understood the change and refused it."""


class Unreachable(SourceError):
    """There was no usable answer; whether it happened is not known."""
