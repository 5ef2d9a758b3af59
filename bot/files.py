"""What our two files say, which is not what counts: policy and catalogue in force are in the store (A9)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from actions.catalog import Catalog
from actions.errors import ConfigError, TwokeyError
from actions.registry import Registry
from approvals import policy as policies
from approvals.actor import Directory, DirectoryDown
from approvals.charter import Charter
from approvals.policy_model import Policy
from bot import amending
from bot.settings import Settings

_log = logging.getLogger(__name__)


@dataclass
class Files:
    """As they were read when the process started. What they say waits while nobody can check it."""

    settings: Settings
    catalog: Catalog
    policy: Policy
    checked: bool = False  # whether every group was looked up that the policy counts on
    owed: bool = False  # whether they are still to be put forward

    def check(self, directory: Directory, registry: Registry) -> None:
        """A quorum that nobody can reach is refused before it is served: ConfigError (A7)."""
        try:
            groups = policies.membership(self.policy, directory)
        except DirectoryDown as error:
            _log.warning("groups are not checked: %s", error.say)  # each decision asks again, and fails closed (A8)
            return
        problems = policies.check(self.policy, self.catalog, registry, groups)
        if problems:
            raise ConfigError("\n".join(f"{self.settings.policy}: {p.key}: {p.say}" for p in problems))
        self.checked = True

    def put_forward(self, charter: Charter) -> None:
        """The first of both, and what weakens nothing, is adopted here; what weakens anything is held back (A9).

        Where nobody could check its groups, another policy waits: one in force could not be replaced any more whose
        groups nobody is in. The first one is adopted even so, since without it nothing works at all.
        """
        self.owed = not self.checked and charter.version("policy") not in {None, self.policy.version}
        if self.owed:
            _log.warning("%s waits until its groups can be checked; that is tried each minute", self.settings.policy)
            return
        for file, draft in (
            (self.settings.catalog, charter.put_forward(self.catalog)),
            (self.settings.policy, charter.put_forward(self.policy)),
        ):
            if draft:
                _log.warning("%s is not in force: %s", file, amending.why(draft))

    def put_forward_again(self, charter: Charter, directory: Directory, registry: Registry) -> None:
        """Put forward what had to wait, if it can be checked by now. Call it every minute. Never raises."""
        if not self.owed:
            return
        try:
            self.check(directory, registry)
            if self.checked:
                self.put_forward(charter)
        except TwokeyError as error:
            _log.warning("%s is not put forward: %s", self.settings.policy, error.say)
