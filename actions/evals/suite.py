"""Eval suites in promptfoo's words: prompts, tests with vars and assertions.

The format: https://www.promptfoo.dev/docs/configuration/reference/. Of its assertions we know equals, contains,
icontains, regex, is-json and latency, each also with `not-` before it. Keys of promptfoo that say where its own
runs go (providers, outputPath, sharing, evaluateOptions) are accepted and not used: a request names the versions.
"""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_KINDS = ("equals", "contains", "icontains", "regex", "is-json", "latency")
_NEEDS_TEXT = {"equals", "contains", "icontains", "regex"}


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Assertion(_Entry):
    """One check of an answer."""

    type: str
    value: str | int | float | bool | None = None
    threshold: float | None = Field(None, gt=0, description="for latency: milliseconds")

    @property
    def kind(self) -> str:
        """The type without a leading `not-`."""
        return self.type.removeprefix("not-")

    @property
    def negated(self) -> bool:
        return self.type.startswith("not-")

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.kind not in _KINDS:
            raise ValueError(
                f'there is no assertion "{self.type}"; it is one of {", ".join(_KINDS)}, or not- before one'
            )
        if self.kind in _NEEDS_TEXT and self.value is None:
            raise ValueError(f"{self.type} needs a value")
        if self.kind == "latency" and self.threshold is None:
            raise ValueError("latency needs a threshold in milliseconds")
        if self.kind == "is-json" and self.value is not None:
            raise ValueError("is-json with a schema is not supported; leave its value out")
        if self.kind == "regex":
            try:
                re.compile(str(self.value))
            except re.error as error:
                raise ValueError(f"the regular expression is wrong: {error}") from None
        return self


class Case(_Entry):
    """One test: variables for the prompt, and what must hold for the answer."""

    description: str = ""
    vars: dict[str, str | int | float | bool] = {}
    asserts: tuple[Assertion, ...] = Field((), alias="assert")


class Suite(_Entry):
    """A whole file."""

    description: str = ""
    prompts: tuple[str, ...] = Field(min_length=1)
    tests: tuple[Case, ...] = Field(min_length=1, max_length=2000)
    default_test: Case = Field(Case(), alias="defaultTest")
    providers: Any = None
    output_path: Any = Field(None, alias="outputPath")
    sharing: Any = None
    evaluate_options: Any = Field(None, alias="evaluateOptions")
    editor_schema: Any = Field(None, alias="$schema")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for prompt in self.prompts:
            if prompt.startswith("file://"):
                raise ValueError("prompts from files are not supported; write the prompt here")
            for number, case in enumerate(self.tests, 1):
                known = {**self.default_test.vars, **case.vars}
                missing = sorted(set(_VARIABLE.findall(prompt)) - set(known))
                if missing:
                    raise ValueError(f"test {number} gives no value for {', '.join(missing)}")
        for number, case in enumerate(self.tests, 1):
            if not (self.default_test.asserts or case.asserts):
                raise ValueError(f"test {number} asserts nothing, so it could not fail")
        return self

    def questions(self) -> tuple[Question, ...]:
        """Every prompt filled in with every test's variables, in the order of the file."""
        return tuple(
            Question(
                name=case.description or f"test {number}",
                prompt=_fill(prompt, {**self.default_test.vars, **case.vars}),
                asserts=self.default_test.asserts + case.asserts,
            )
            for prompt in self.prompts
            for number, case in enumerate(self.tests, 1)
        )


class Question(_Entry):
    """What a model is asked, ready to send."""

    name: str
    prompt: str
    asserts: tuple[Assertion, ...]


def _fill(prompt: str, values: dict[str, str | int | float | bool]) -> str:
    return _VARIABLE.sub(lambda match: str(values[match[1]]), prompt)
