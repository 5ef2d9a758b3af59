"""A metric as a picture for a chat thread: one line, its usual value, and the changes that fell into the window.

Drawn with matplotlib's Figure and Agg canvas alone; pyplot keeps global state and is not safe between threads.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from actions.clients.protocols import Sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT, _DPI = 4.8, 2.64, 250  # inches and dots: 1200 x 660
_LARGE, _MIDDLE, _SMALL = 13.0, 12.0, 10.5  # points; where a phone shows the picture 316 px wide: 12, 11 and 10 px
_INK, _QUIET, _GRID = "#1d2733", "#5c6b7a", "#e3e8ee"
_LINE, _MARK = "#1f6fd6", "#c4540a"
_LABEL = 20  # characters of a marker's label
_STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)


@dataclass(frozen=True)
class Marker:
    """A change on the time axis; seconds since 1970."""

    at: float
    label: str


@dataclass(frozen=True)
class Picture:
    """What is drawn. Values are in the unit that the axis names; `usual` is None where it is not known."""

    title: str  # "p99 · payments in prod"
    unit: str  # "ms"
    samples: Sequence[Sample]
    start: float
    end: float
    step: float  # seconds between samples; a gap of more is shown as a gap
    usual: float | None = None
    now_label: str = ""  # "now 480 ms"
    usual_label: str = ""
    markers: Sequence[Marker] = ()


def png(picture: Picture) -> bytes:
    """The picture as PNG, 1200 x 660. There must be at least one sample."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.125, 0.13, 0.845, 0.53))
    _title(figure, picture)
    _frame(axes, picture)
    _usual(axes, picture)
    _series(axes, picture)
    _markers(axes, picture)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _title(figure: Figure, picture: Picture) -> None:
    """Title and unit; below them the value now in the line's colour, and the usual one beside its dashes."""

    def write(x: float, y: float, text: str, size: float, color: str, **more: Any) -> Any:
        return figure.text(x, y, text, size=size, color=color, va="center", parse_math=False, **more)

    def edges(written: Any) -> tuple[float, float]:
        box = figure.transFigure.inverted().transform(written.get_window_extent())
        return float(box[0][0]), float(box[1][0])

    zone = write(0.98, 0.94, f"{picture.unit} · UTC" if picture.unit else "UTC", _SMALL, _QUIET, ha="right")
    title = write(0.02, 0.94, picture.title, _LARGE, _INK, weight="bold")
    free = edges(zone)[0] - 0.04
    while edges(title)[1] > free and len(title.get_text()) > 1:
        title.set_text(f"{title.get_text()[:-2].rstrip()}…")
    now = write(0.02, 0.845, picture.now_label, _MIDDLE, _LINE, weight="bold")
    if picture.usual is not None:
        right = edges(now)[1]
        figure.add_artist(_dashes(figure, right + 0.025, 0.843))
        write(right + 0.068, 0.845, picture.usual_label, _SMALL, _QUIET)


def _dashes(figure: Figure, x: float, y: float) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([x, x + 0.03], [y, y], color=_QUIET, linewidth=1.2, dashes=(3, 1.5), transform=figure.transFigure)


def _frame(axes: Axes, picture: Picture) -> None:
    highest = max([s.value for s in picture.samples] + [picture.usual or 0.0])
    ticks = _value_ticks(highest)
    axes.set_xlim(picture.start, picture.end)
    axes.set_ylim(0, ticks[-1] * 1.04)
    axes.set_yticks(ticks, [_value_label(tick) for tick in ticks])
    times = _time_ticks(picture.start, picture.end)
    axes.set_xticks(times, [_time_label(at, picture.end - picture.start) for at in times])
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=_SMALL, labelcolor=_QUIET, pad=5)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color("#aeb9c4")


def _series(axes: Axes, picture: Picture) -> None:
    at, values = _with_gaps(picture)
    axes.fill_between(at, values, color=_LINE, alpha=0.10, linewidth=0)
    axes.plot(at, values, color=_LINE, linewidth=2.0, solid_joinstyle="round", solid_capstyle="round")
    last = picture.samples[-1]
    axes.plot([last.at], [last.value], "o", color=_LINE, markersize=6.5, mec="white", mew=1.6, clip_on=False, zorder=5)


def _usual(axes: Axes, picture: Picture) -> None:
    if picture.usual is not None:
        axes.axhline(picture.usual, color=_QUIET, linewidth=1.2, dashes=(4, 3), zorder=1.9)


def _markers(axes: Axes, picture: Picture) -> None:
    for marker in picture.markers:
        if picture.start <= marker.at <= picture.end:
            axes.axvline(marker.at, color=_MARK, linewidth=1.2, dashes=(1, 1.5), zorder=2)
    for centre, row, text in _labels(picture):
        axes.text(
            centre,
            1.025 + 0.115 * row,
            text,
            transform=axes.transAxes,
            ha="center",
            va="bottom",
            size=_SMALL - 0.5,
            color=_MARK,
            parse_math=False,
        )


def _labels(picture: Picture) -> list[tuple[float, int, str]]:
    """Where each marker's label goes: its centre in parts of the axis, its row, its text.

    Two rows, for a label over another would say nothing. What fits into neither is counted at the label before it.
    """
    placed: list[tuple[float, int, str]] = []
    more: list[int] = []
    free = [-math.inf, -math.inf]  # where each row is free again
    for marker in sorted(picture.markers, key=lambda m: m.at):
        place = (marker.at - picture.start) / (picture.end - picture.start)
        if not 0 <= place <= 1:
            continue
        label = marker.label if len(marker.label) <= _LABEL else f"{marker.label[: _LABEL - 1]}…"
        reach = 0.0088 * (len(label) + 2)  # half a label's width in parts of the axis
        centre = min(max(place, reach), 1 - reach)
        row = next((n for n in (0, 1) if free[n] <= centre - reach), None)
        if row is None:
            more[-1] += 1
            continue
        free[row] = centre + reach + 0.02  # room for a count
        placed.append((centre, row, label))
        more.append(0)
    return [
        (centre, row, f"{label} +{n}" if n else label) for (centre, row, label), n in zip(placed, more, strict=True)
    ]


def _with_gaps(picture: Picture) -> tuple[list[float], list[float]]:
    at: list[float] = []
    values: list[float] = []
    for sample in picture.samples:
        if at and sample.at - at[-1] > 2.5 * picture.step:
            at.append((at[-1] + sample.at) / 2)
            values.append(math.nan)
        at.append(sample.at)
        values.append(sample.value)
    return at, values


def _value_ticks(highest: float) -> list[float]:
    """Zero and three to five round numbers, the last one above the highest value."""
    if highest <= 0 or not math.isfinite(highest):
        return [0.0, 1.0]
    size = 10 ** math.floor(math.log10(highest / 4))
    step = next(size * nice for nice in (1, 2, 2.5, 5, 10) if size * nice * 4.4 >= highest)
    return [round(step * n, 10) for n in range(math.ceil(highest * 1.05 / step) + 1)]


def _value_label(value: float) -> str:
    """`1,500`, `20k`, `1.5M`: what fits beside the axis."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e3 if letter == 'k' else size):,.6g}{letter}"
    return f"{value:,.6g}"


def _time_ticks(start: float, end: float) -> list[float]:
    step = next((s for s in _STEPS if (end - start) / s <= 6.2), _STEPS[-1])
    first = math.ceil(start / step) * step
    return [first + n * step for n in range(int((end - first) // step) + 1)]


def _time_label(at: float, width: float) -> str:
    when = datetime.fromtimestamp(at, UTC)
    if width <= 86_400:
        return f"{when:%H:%M}"
    return f"{when:%a %H:%M}" if width <= 4 * 86_400 else f"{when.day} {when:%b}"
