"""The recorded outputs of smart-money-concepts on EURUSD (their own test data), and ours brought to the same shape."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from functools import cache
from io import StringIO
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brain.price_action import layout
from schemas.settings.price_action import PriceAction
from tests.brain.price_action.bars import Said, compiled, eurusd
from tests.support.recordings import recording

SETTINGS = PriceAction(swing_bars=5, sessions=("london 07:00-16:00",))
"""As their test-suite has it: swing_length 5, close_break, the London session."""

Column = npt.NDArray[np.float64]


class Gap(NamedTuple):
    """`mitigated`: index, 0 if it was not."""

    direction: float
    top: float
    bottom: float
    mitigated: float


class Broken(NamedTuple):
    """A BOS or CHoCH. `at`: the bar that broke it."""

    kind: int
    direction: int
    level: float
    at: int


@cache
def theirs(name: str) -> dict[str, Column]:
    """A recorded output by column; NaN where a field is empty."""
    data = recording(f"smc-eurusd/{name}").read_bytes()
    rows = list(csv.reader(StringIO((gzip.decompress(data) if name.endswith(".gz") else data).decode())))
    fields = [row + [""] * (len(rows[0]) - len(row)) for row in rows[1:]]
    return {title: np.array([float(row[k] or "nan") for row in fields]) for k, title in enumerate(rows[0])}


@cache
def ours() -> Said:
    """Our run over the same bars."""
    return compiled(eurusd(), SETTINGS)


def our_marks(*kinds: int) -> Iterator[list[float]]:
    """Rows of marks, as layout.py has them."""
    for row in ours().marks.tolist():
        if row[0] in kinds:
            yield row


def our_gaps(kind: int, mitigated: int) -> dict[int, Gap]:
    """By bar. Of joined gaps the longest of each run, which is the last one told."""
    last: dict[float, list[float]] = {row[6]: row for row in our_marks(kind)}
    ends = {(row[2], row[6]): row[3] for row in our_marks(mitigated)}
    return {int(row[2]): Gap(row[1], row[4], row[5], ends.get((row[2], first), 0.0)) for first, row in last.items()}


def their_gaps(name: str) -> dict[int, Gap]:
    """By bar."""
    columns = theirs(name)
    found = zip(columns["FVG"], columns["Top"], columns["Bottom"], columns["MitigatedIndex"], strict=True)
    return {bar: Gap(*map(float, row)) for bar, row in enumerate(found) if row[0] == row[0]}


@cache
def our_swings() -> dict[int, tuple[int, float]]:
    """Direction and price by bar, of the swings that still stand at the end."""
    found: dict[int, tuple[int, float]] = {}
    for _, direction, bar, _, price, _, replaces in our_marks(layout.SWING):
        found.pop(int(replaces), None)
        found[int(bar)] = (int(direction), price)
    return found


@cache
def replaced_swings() -> set[int]:
    """Bars of our swings that a more extreme one has replaced: theirs have taken them back."""
    return {int(row[6]) for row in our_marks(layout.SWING) if row[6] >= 0}


@cache
def their_swings() -> dict[int, tuple[int, float]]:
    """Direction and price by bar."""
    columns = theirs("swing_highs_lows_result_data.csv")
    found = zip(columns["HighLow"], columns["Level"], strict=True)
    return {bar: (int(side), float(price)) for bar, (side, price) in enumerate(found) if side == side}


@cache
def our_breaks() -> dict[int, Broken]:
    """By the bar of the swing."""
    return {
        int(bar): Broken(int(kind), int(direction), level, int(at))
        for kind, direction, bar, at, level, *_ in our_marks(layout.BOS, layout.CHOCH)
    }


@cache
def their_breaks() -> tuple[dict[int, Broken], dict[int, int]]:
    """By the bar of the swing; and the bar that broke those which they removed again."""
    columns = theirs("bos_choch_result_data.csv")
    high, low = eurusd().high, eurusd().low
    kept: dict[int, Broken] = {}
    removed: dict[int, int] = {}
    found = zip(columns["BOS"], columns["CHOCH"], columns["BrokenIndex"], strict=True)
    for bar, (bos, choch, at) in enumerate(found):
        if at != at:
            continue
        if bos != bos and choch != choch:
            removed[bar] = int(at)
            continue
        kind, side = (layout.BOS, int(bos)) if bos == bos else (layout.CHOCH, int(choch))
        level = float(high[bar] if side > 0 else low[bar])
        assert abs(level - columns["Level"][bar]) < 1e-7  # they keep it in 32 bits
        kept[bar] = Broken(kind, side, level, int(at))
    return kept, removed
