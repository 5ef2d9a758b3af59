"""Charts: pictures of a known size from any data, without the plotting library's global state."""

from __future__ import annotations

import struct
import subprocess
import sys
from dataclasses import replace

import pytest

from actions.charts import Marker, Picture, png
from actions.clients.protocols import Sample

PLAIN = Picture(
    title="p99 · payments in prod",
    unit="ms",
    samples=[Sample(30.0 * n, 300.0 + n % 7) for n in range(121)],
    start=0.0,
    end=3600.0,
    step=30.0,
    usual=303.0,
    now_label="now 304 ms",
    usual_label="usually 303 ms",
)


def size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


@pytest.mark.parametrize(
    "picture",
    [
        PLAIN,
        replace(PLAIN, samples=PLAIN.samples[:1]),
        replace(PLAIN, samples=[Sample(n * 30.0, 0.0) for n in range(9)], usual=0.0),
        replace(PLAIN, samples=[*PLAIN.samples[:20], *PLAIN.samples[90:]]),
        replace(PLAIN, samples=[Sample(n * 30.0, 1e12 * n) for n in range(9)], usual=None, unit=""),
        replace(PLAIN, samples=[Sample(n * 30.0, 1e-9) for n in range(9)]),
        replace(PLAIN, end=14 * 86_400.0, title="$x^2$ \\frac{1} <b> 料金"[:14]),
        replace(PLAIN, markers=[Marker(n * 100.0, "deploy $1.2.3$") for n in range(40)] + [Marker(-5, "before")]),
    ],
    ids=["plain", "one", "zero", "gap", "huge", "tiny", "weeks and signs", "crowded"],
)
def test_any_data_gives_a_picture_of_1200_by_660(picture: Picture) -> None:
    assert size(png(picture)) == (1200, 660)


def test_a_gap_a_marker_and_the_usual_value_can_be_seen() -> None:
    """Each of them changes the picture; the same data gives the same bytes."""
    gap = replace(PLAIN, samples=[*PLAIN.samples[:20], *PLAIN.samples[90:]])
    variants = [PLAIN, gap, replace(PLAIN, markers=[Marker(1800.0, "deploy 3.11.0")]), replace(PLAIN, usual=None)]
    pictures = [png(variant) for variant in variants]
    assert len(set(pictures)) == len(pictures)
    assert png(PLAIN) == pictures[0]


def test_a_label_without_room_is_counted_and_its_line_stays() -> None:
    """Three changes at once: two labels have rows, the third is a count, whatever it is called."""
    three = [Marker(1800.0, "deploy 1.0"), Marker(1810.0, "restart"), Marker(1820.0, "scale to 5")]
    shown = png(replace(PLAIN, markers=three))
    assert shown == png(replace(PLAIN, markers=[*three[:2], Marker(1820.0, "rollback")]))
    assert shown != png(replace(PLAIN, markers=three[:2]))


def test_a_long_title_leaves_the_unit_its_place() -> None:
    """What does not fit is cut, so more of the same makes no difference."""
    assert png(replace(PLAIN, title="p99 · " + "x" * 90)) == png(replace(PLAIN, title="p99 · " + "x" * 200))


def test_drawing_needs_no_global_state_and_a_start_needs_no_drawing() -> None:
    """pyplot is never imported, and importing the verbs imports no plotting at all."""
    code = (
        "import sys, actions.verbs; assert 'matplotlib' not in sys.modules\n"
        "from actions.charts import Picture, png; from actions.clients.protocols import Sample\n"
        "png(Picture('t', 'ms', [Sample(0.0, 1.0)], 0.0, 60.0, 15.0)); assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
