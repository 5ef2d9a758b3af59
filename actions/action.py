"""Typed actions: what a person may ask for, one class a verb, each in a file of `actions/verbs/`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import JsonValue
from pydantic.fields import FieldInfo

from actions.terms import Name, Risk, Rule, Value

if TYPE_CHECKING:
    from actions.catalog import Catalog
    from actions.outcome import Outcome
    from actions.plan import Draft
    from actions.toolbox import Progress, Toolbox


class Action(Value):
    """A request as a value: which verb, and its arguments. Frozen; unknown arguments are refused."""

    verb: ClassVar[str]
    risk: ClassVar[Risk]
    rules: ClassVar[tuple[Rule, ...]]
    help: ClassVar[str]
    examples: ClassVar[tuple[str, ...]]
    phrase: ClassVar[str] = ""  # what a title says before the service; the verb if empty
    pressed: ClassVar[frozenset[str]] = frozenset()
    """Arguments that only a button of ours sets: no sentence, no model and no form has them. Left out where None."""

    later: ClassVar[frozenset[str]] = frozenset()
    """Arguments that narrow what a verb always gave. Left out where None, so that everything else reads as before."""

    def as_json(self) -> dict[str, JsonValue]:
        """`{"verb": …, every argument in the order of its declaration}`; what was not said is null."""
        said = self.model_dump(mode="json")
        left_out = self.pressed | self.later
        return {"verb": self.verb, **{k: v for k, v in said.items() if v is not None or k not in left_out}}

    @classmethod
    def spoken(cls) -> dict[str, FieldInfo]:
        """The arguments that a person can say or fill in, in the order of their declaration."""
        return {name: info for name, info in cls.model_fields.items() if name not in cls.pressed}

    @property
    def title(self) -> str:
        """A few words for a card's first line: `Scale checkout in prod`."""
        data = self.as_json()
        words = [self.phrase or self.verb.replace("_", " ").capitalize()]
        if data.get("service"):
            words.append(str(data["service"]))
        if data.get("environment"):
            words.append(f"in {data['environment']}")
        return " ".join(words)


class Change(Action):
    """An action that changes the cluster: one patch of one workload, previewed first."""

    service: Name
    environment: Name

    @abstractmethod
    def draft(self, tools: Toolbox) -> Draft:
        """Read the live target and say what exactly would change. Changes nothing.

        Raises BadInput where the arguments make no sense for the target, SourceError where it cannot be read.
        """


class Read(Action):
    """An action that only looks."""

    risk: ClassVar[Risk] = Risk.READ

    def parts(self, catalog: Catalog) -> Iterator[Read]:
        """The looks at one place that this one stands for: the policy has to allow each of them."""
        yield self

    @property
    def zoned(self) -> bool:
        """Whether its days and hours are those of the asker's time zone, which its argument `zone` then takes."""
        return False

    @abstractmethod
    def answer(self, tools: Toolbox, progress: Progress) -> Outcome:
        """Look, and say what was found. Raises BadInput or SourceError."""
