"""How a model can fail to answer.

ModelFailed          for this question; the words are for people
├── NextWay          this way of asking did not work, another may
├── NextEndpoint     this endpoint did not work, another may
└── OverBudget       somebody has used up what they may use
"""

from __future__ import annotations

from actions.errors import TwokeyError


class ModelFailed(TwokeyError):
    """The model gave no usable answer."""


class NextWay(ModelFailed):
    """The endpoint does not answer when it is asked this way."""

    def __init__(self, say: str, proof: int = 1) -> None:
        """`proof` of the endpoint not taking this way at all: 1 for a failure, more where the endpoint says so."""
        super().__init__(say)
        self.proof = proof


class NextEndpoint(ModelFailed):
    """The endpoint does not answer at all for now."""

    def __init__(self, say: str, wait: float | None = None, *, passing: bool = True) -> None:
        """`wait` in seconds, where the endpoint says it; `passing` where asking again may help."""
        super().__init__(say)
        self.wait, self.passing = wait, passing


class OverBudget(ModelFailed):
    """The budget for model calls is used up."""


def describe(error: BaseException) -> str:
    """The problem in words; never the endpoint's own text, which may hold anything."""
    status = getattr(error, "status_code", None)
    if status == 429:
        return "The model's endpoint says: too many requests."
    if status in (401, 403):
        return "The model's endpoint does not accept our key."
    if status is not None:
        return f"The model's endpoint answered {status}."
    return f"The model's endpoint could not be used ({type(error).__name__})."
