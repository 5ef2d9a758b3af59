"""What is kept of an outcome, so that whoever keeps its thread can show it: also another process, also later. Pure."""

from __future__ import annotations

from actions.outcome import Evidence, Outcome

MOST = 1_000_000
"""Characters of all evidence of one outcome, as JSON: a chart takes about 60,000, a line of a log 200."""
SUGGESTED, DETAILS, WORDS = 5, 40, 2_000


def split(outcome: Outcome) -> tuple[tuple[Evidence, ...], Outcome]:
    """The evidence that is kept, and the outcome without any, both within bounds.

    A piece that does not fit is left out, and the outcome's last line says so: half a chart shows nothing.
    """
    kept: list[Evidence] = []
    room = MOST
    for piece in outcome.evidence:
        size = len(piece.model_dump_json())
        if size <= room:
            kept.append(piece)
            room -= size
    left = len(outcome.evidence) - len(kept)
    details = tuple(line[:WORDS] for line in outcome.details[:DETAILS])
    if left:
        what = "piece of evidence was" if left == 1 else "pieces of evidence were"
        details = (*details, f"{left} {what} too large to be kept.")
    bare = outcome.model_copy(
        update={"evidence": (), "details": details, "suggestions": outcome.suggestions[:SUGGESTED]}
    )
    return tuple(kept), bare
