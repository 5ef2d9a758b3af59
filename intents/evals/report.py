"""Scores as lines for a terminal, as CSV, and as one HTML page that needs nothing else."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape

from intents.evals import Verdict
from intents.evals.scores import Score, Share

COLUMNS = ("by", "group", "cases", "coverage", "exact", "precision", "wrong", "wrong changes", "abstention", "pass^k")
_BY = {"all": "All", "split": "Split", "language": "Language", "verb": "Verb", "noise": "What makes it hard"}
_STYLE = """
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{max-width:78rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin-top:2rem}
.wide{overflow-x:auto}.first th{padding-top:1.6rem}table{border-collapse:collapse;width:100%}
th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid #8884;white-space:nowrap}
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:Canvas}small{opacity:.7}
.bad{color:#c00;font-weight:600}@media(prefers-color-scheme:dark){.bad{color:#f77}}
.missed td{text-align:left;white-space:normal;vertical-align:top}
.missed td:last-child{font-family:ui-monospace,monospace;font-size:.85rem}
"""


def lines(scores: Sequence[Score]) -> list[list[str]]:
    """A row of words for each score, in the order of `COLUMNS` without the first."""
    return [
        [
            score.group, str(score.cases), *map(percent, (score.coverage, score.exact, score.precision)),
            str(score.wrong), str(score.wrong_changes), percent(score.abstention),
            percent(score.steady) if score.steady else "–",
        ]
        for score in scores
    ]  # fmt: skip


def percent(share: Share) -> str:
    """`93.1 % (89–96)`, the interval in percent; a dash of nothing."""
    value, interval = share.value, share.interval()
    if value is None or interval is None:
        return "–"
    return f"{value * 100:.1f} % ({interval[0] * 100:.0f}–{interval[1] * 100:.0f})"


def as_csv(scores: Iterable[Score]) -> str:
    """One row a score; shares as numbers, with the ends of their interval."""
    text = io.StringIO()
    shares = ("coverage", "exact", "precision", "abstention", "pass^k")
    ends = [name for share in shares for name in (share, f"{share} low", f"{share} high")]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["by", "group", "cases", "wrong", "wrong changes", *ends])
    for score in scores:
        found = [score.coverage, score.exact, score.precision, score.abstention, score.steady or Share(0, 0)]
        cells = [cell for share in found for cell in _numbers(share)]
        writer.writerow([score.by, score.group, score.cases, score.wrong, score.wrong_changes, *cells])
    return text.getvalue()


def _numbers(share: Share) -> list[str]:
    value, interval = share.value, share.interval()
    if value is None or interval is None:
        return ["", "", ""]
    return [f"{number:.4f}" for number in (value, *interval)]


def as_html(scores: Sequence[Score], verdicts: Iterable[Verdict], engine: str) -> str:
    """The same as a page, with every case that did not come out right."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Reading, by {escape(engine)}</title><style>{_STYLE}</style>",
        f"<h1>How sentences are read, by {escape(engine)}</h1>",
        *_headline(scores),
        "<p><small>Shares with their 95 % interval (Wilson). A wrong change must never be.</small>",
    ]
    parts.append("<div class=wide><table>")
    for by, title in _BY.items():
        rows = [score for score in scores if score.by == by]
        if rows:
            parts.append(f"<tr class=first>{_cells('th', (title, *COLUMNS[2:]))}")
            parts += [f"<tr>{_row(score)}" for score in rows]
    parts.append("</table></div>")
    missed = [one for one in verdicts if not one.right]
    parts.append(f"<h2>Not as labelled: {len(missed)}</h2><div class=wide><table class=missed>")
    parts.append(f"<tr>{_cells('th', ('file', 'sentence', 'became'))}")
    parts += [f"<tr>{_cells('td', (one.case.file, one.case.say, _became(one)))}" for one in missed]
    return "\n".join([*parts, "</table></div></html>", ""])


def _headline(scores: Sequence[Score]) -> list[str]:
    """What the whole comes to, in a sentence."""
    whole = next((score for score in scores if score.by == "all"), None)
    if whole is None:
        return []
    mark = " class=bad" if whole.wrong_changes else ""
    changes = f"<strong{mark}>{whole.wrong_changes} wrong changes</strong>"
    meant, left = (f"{100 * (share.value or 0):.1f} %" for share in (whole.coverage, whole.abstention))
    return [
        f"<p>{whole.cases:,} sentences: {changes}; {meant} of what was meant is done, {left} of all else left alone."
    ]


def _row(score: Score) -> str:
    cells = lines([score])[0]
    marked = [
        f"<td class=bad>{cell}" if at in (5, 6) and cell != "0" else f"<td>{escape(cell)}"
        for at, cell in enumerate(cells)
    ]
    return "".join(marked)


def _cells(tag: str, values: Iterable[str]) -> str:
    return "".join(f"<{tag}>{escape(value)}" for value in values)


def _became(one: Verdict) -> str:
    data = one.reading.as_json()
    action = data.get("action")
    said = action if isinstance(action, dict) else data.get("so_far") or {"reason": data.get("reason")}
    known = said.items() if isinstance(said, dict) else ()
    return " ".join([str(data["kind"]), *(f"{key}={value}" for key, value in known if value is not None)])
