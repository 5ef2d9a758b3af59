"""The audit log as values: entries in a hash chain and a Merkle tree, signed checkpoints, proofs, and verification.

Pure: nothing here reads a store, a clock or the network. `approvals.logbook` keeps the log.
"""

from approvals.audit.chain import GENESIS, Entry, entry, link
from approvals.audit.lines import as_line, from_line
from approvals.audit.replay import disagreement, replay
from approvals.audit.tree import EMPTY, Frontier
from approvals.audit.verification import Broken, Mark, Start, Verified, verify

__all__ = [
    "EMPTY",
    "GENESIS",
    "Broken",
    "Entry",
    "Frontier",
    "Mark",
    "Start",
    "Verified",
    "as_line",
    "disagreement",
    "entry",
    "from_line",
    "link",
    "replay",
    "verify",
]
