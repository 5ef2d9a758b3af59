"""How the parts are that the program rests on, for Home: well, or what to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from actions.errors import TwokeyError
from approvals.amendment import WORDS
from approvals.charter import Charter
from approvals.checkpoints import Checkpoints
from approvals.ledger import Ledger
from bot import amending
from bot.blocks.home import Health

FRESH = 20.0  # seconds for which the cluster's answer is shown again


class HealthCheck:
    """`cluster` asks the API server for its version and may raise SourceError; `note` is the reader's."""

    def __init__(
        self,
        ledger: Ledger,
        checkpoints: Checkpoints,
        cluster: Callable[[], str],
        note: Callable[[], str | None],
        model: bool,
        charter: Charter,
    ) -> None:
        self._ledger, self._checkpoints, self._cluster = ledger, checkpoints, cluster
        self._note, self._model, self._charter = note, model, charter
        self._seen = Health("cluster", True, "not asked yet")
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def __call__(self) -> list[Health]:
        """Asks the store now; the cluster in the background, so that Home never waits for it."""
        with self._lock:
            if time.monotonic() - self._asked > FRESH:
                self._asked = time.monotonic()
                worker = threading.Thread(target=self._ask, name="health", daemon=True)
                worker.start()
                worker.join(1.0)
        return [self._words(), self._seen, *self._log(), *self._policy()]

    def _ask(self) -> None:
        try:
            self._seen = Health("cluster", True, f"answers, version {self._cluster()}")
        except TwokeyError as error:
            self._seen = Health("cluster", False, error.say)

    def _words(self) -> Health:
        note = self._note()
        if note:
            return Health("model", False, note)
        return Health(
            "model", True, "reads what the grammar does not" if self._model else "none set; the grammar reads"
        )

    def _policy(self) -> list[Health]:
        """Nothing where the policy in force is all there is: only what is held back is news (A9)."""
        try:
            drafts = self._charter.drafts()
        except TwokeyError as error:
            return [Health("policy", False, error.say)]
        return [Health(WORDS[draft.kind], False, amending.why(draft)) for draft in drafts]

    def _log(self) -> list[Health]:
        try:
            head, signed = self._ledger.head(), self._checkpoints.latest()
        except TwokeyError as error:
            return [Health("store", False, error.say)]
        store = Health("store", True, "answers")
        count = f"{head.size:,} {'entry' if head.size == 1 else 'entries'}"
        if self._checkpoints.trouble:
            return [store, Health("log", False, f"{count}; {self._checkpoints.trouble}")]
        if signed is None:
            return [store, Health("log", True, f"{count}; the first checkpoint is signed in a moment")]
        return [store, Health("log", True, f"{count}; the last checkpoint covers {signed.size:,} of them", signed.at)]
