"""What our two files say, which is not what counts: policy and catalogue in force are in the store (A9)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from actions.catalog import Catalog
from actions.errors import ConfigError
from actions.registry import Registry
from approvals import policy as policies
from approvals.actor import Directory, DirectoryDown
from approvals.charter import Charter
from approvals.policy_model import Policy
from bot import amending
from bot.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Files:
    """As they were read when the process started."""

    settings: Settings
    catalog: Catalog
    policy: Policy

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

    def put_forward(self, charter: Charter) -> None:
        """The first of both, and what weakens nothing, is adopted here; what weakens anything is held back (A9)."""
        for file, draft in (
            (self.settings.catalog, charter.put_forward(self.catalog)),
            (self.settings.policy, charter.put_forward(self.policy)),
        ):
            if draft:
                _log.warning("%s is not in force: %s", file, amending.why(draft))
