"""Asks every question of every version, a few at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

from actions.clients.protocols import EvalModel
from actions.errors import SourceError
from actions.evals.assertions import failures
from actions.evals.score import Answered
from actions.evals.suite import Question

AT_ONCE = 8  # calls under way; a model service is shared with its users


def run(
    model: EvalModel, names: Sequence[str], questions: Sequence[Question], told: Callable[[int, int], None]
) -> dict[str, list[Answered]]:
    """Each name's answers, in the order of the questions. `told(done, total)` hears of progress.

    A call that fails counts as a failed question and says why; raises SourceError where a version answers nothing.
    """
    work = list(product(names, questions))
    done, lock = 0, threading.Lock()

    def ask(item: tuple[str, Question]) -> tuple[Answered, SourceError | None]:
        nonlocal done
        answered, error = _ask(model, *item)
        with lock:
            done += 1
            told(done, len(work))
        return answered, error

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="eval") as pool:
        results = list(pool.map(ask, work))
    found: dict[str, list[Answered]] = {}
    for position, name in enumerate(names):
        mine = results[position * len(questions) : (position + 1) * len(questions)]
        errors = [error for _, error in mine if error]
        if len(errors) == len(questions):
            raise SourceError(f"{name} answered none of {len(questions)} questions: {errors[0].say}")
        found[name] = [answered for answered, _ in mine]
    return found


def _ask(model: EvalModel, name: str, question: Question) -> tuple[Answered, SourceError | None]:
    try:
        completion = model.complete(name, question.prompt)
    except SourceError as error:
        return Answered(question.name, False, (error.say,), "", 0.0), error
    why = failures(question.asserts, completion)
    said, spent = (completion.text, completion.latency), (completion.input_tokens, completion.output_tokens)
    return Answered(question.name, not why, why, *said, *spent), None
