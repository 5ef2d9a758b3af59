"""An evaluation as one HTML file that needs nothing else: no script, no link, no font, nothing from outside. Pure.

What models answered is untrusted: it is escaped, and the page's own policy forbids it to load or run anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from actions import quantities
from actions.evals import cost
from actions.evals.evaluation import Evaluation, Tried

LONGEST = 2_000  # characters of one answer

_STYLE = """
:root{color-scheme:light dark;--ink:light-dark(#1a2327,#e7ecec);--muted:light-dark(#566368,#9dabaf);
--line:light-dark(#dfe5e5,#2c3539);--sunken:light-dark(#f4f6f5,#1e2427);--ok:light-dark(#1f6f4a,#5bd39c);
--bad:light-dark(#b3261e,#ff8a80)}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:60rem;color:var(--ink);background:light-dark(#fff,#15191b);
font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.25rem 0}
.muted{color:var(--muted)}.ok{color:var(--ok)}.bad{color:var(--bad)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
details{border-bottom:1px solid var(--line)}summary{cursor:pointer;padding:.45rem 0}
.both{display:grid;grid-template-columns:repeat(auto-fit,minmax(16rem,1fr));gap:.75rem;padding:0 0 .75rem}
.said{background:var(--sunken);border-radius:8px;padding:.6rem .75rem;overflow-wrap:anywhere}
pre{white-space:pre-wrap;margin:.25rem 0 0;font:inherit}
"""


def page(found: Evaluation, verdict: str) -> str:
    """The whole page: the verdict, both versions' figures, then every question, those that got worse first."""
    title = escape(f"{found.suite}: {' against '.join(tried.version for tried in found.versions)}")
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{title}</title><style>{_STYLE}</style></head><body>",
        f'<h1>{title}</h1><p class="{"ok" if found.passed else "bad"}"><strong>{escape(verdict)}</strong></p>',
        *_figures(found),
        *_questions(found),
        "</body></html>",
    ]
    return "\n".join(parts)


def _figures(found: Evaluation) -> Iterator[str]:
    heads = "".join(f'<th class="n">{head}</th>' for head in ("passes", "95 % interval", "p95", "tokens", "cost"))
    yield f'<h2>Figures</h2><div class="scroll"><table><tr><th>version</th>{heads}</tr>'
    for tried in found.versions:
        low, high = tried.rate.interval
        known = [a.tokens for a in tried.answers if a.tokens is not None]
        cells = (
            f"{tried.rate.passed} of {tried.rate.total} ({100 * tried.rate.share:.0f} %)",
            f"{100 * low:.0f} to {100 * high:.0f} %",
            quantities.duration(tried.p95),
            f"{sum(known):,}" if known else "not reported",
            cost.spell(tried.dollars),
        )
        row = "".join(f'<td class="n">{escape(cell)}</td>' for cell in cells)
        yield f"<tr><td>{escape(found.service)} {escape(tried.version)}</td>{row}</tr>"
    yield "</table></div>"
    if found.threshold is not None:
        yield f'<p class="muted">The suite asks for {100 * found.threshold:.0f} % to pass.</p>'


def _questions(found: Evaluation) -> Iterator[str]:
    everything = range(len(found.candidate.answers))
    if found.comparison is None:
        failed = [i for i in everything if not found.candidate.answers[i].passed]
        groups = [("What fails", failed), ("What passes", [i for i in everything if i not in failed])]
    else:
        worse, better = found.comparison.got_worse, found.comparison.got_better
        same = [i for i in everything if i not in worse and i not in better]
        groups = [("Got worse", list(worse)), ("Got better", list(better)), ("As before", same)]
    for title, places in groups:
        yield f"<h2>{title} ({len(places)})</h2>"
        for place in places:
            yield from _question(found, place, opened=title in ("Got worse", "What fails"))


def _question(found: Evaluation, place: int, opened: bool) -> Iterator[str]:
    mark = _mark(found.candidate.answers[place].passed)
    name = escape(found.candidate.answers[place].question)
    yield f"<details{' open' if opened else ''}><summary>{mark} {name}</summary>"
    yield '<div class="both">' + "".join(_said(tried, place) for tried in found.versions) + "</div></details>"


def _said(tried: Tried, place: int) -> str:
    answer = tried.answers[place]
    text = answer.text if len(answer.text) <= LONGEST else f"{answer.text[:LONGEST]}…"
    why = f'<p class="bad">{escape("; ".join(answer.why))}</p>' if answer.why else ""
    head = f'<span class="muted">{escape(tried.version)} · {quantities.duration(answer.latency)}</span>'
    return f'<div class="said">{_mark(answer.passed)} {head}<pre>{escape(text) or "(no answer)"}</pre>{why}</div>'


def _mark(passed: bool) -> str:
    return '<strong class="ok">passes</strong>' if passed else '<strong class="bad">fails</strong>'
