"""`python -m tests.brain.price_action.differences`: writes differences.md, every difference to smart-money-concepts.

A cause is checked, not guessed: each difference is put under the first cause whose condition holds for it. What none
explains is listed as such, and a test wants that to be empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from brain.price_action import layout
from brain.price_action.periods import DAY_NS
from brain.price_action.sessions import MINUTE_NS
from tests.brain.price_action import oracle
from tests.brain.price_action.bars import eurusd
from tests.brain.price_action.oracle import Broken

TABLE = Path(__file__).with_name("differences.md")
_FEW = 12
UNEXPLAINED = "UNEXPLAINED"

Causes = dict[str, list[int]]

_HEAD = """# Differences to smart-money-concepts

Made by `python -m tests.brain.price_action.differences` from the recording smc-eurusd (24,424 bars of EURUSD, 15 min,
swing length 5) and compared by a test. Bars are indices. Theirs know a gap, a swing and a break only with later bars;
compared is what each says in the end, and for a break also the bar at which ours was known: the one that broke it.

| signal | theirs | ours | equal |
| --- | ---: | ---: | ---: |
"""


def table() -> str:
    """The whole file."""
    totals: list[str] = []
    causes: list[str] = []
    for name, (their_count, our_count, equal, found) in _compared().items():
        totals.append(f"| {name} | {their_count:,} | {our_count:,} | {equal:,} |\n")
        causes += [f"| {name} | {cause} | {len(bars):,} | {_shown(bars)} |\n" for cause, bars in found.items() if bars]
    head = "\n| signal | cause of the difference | count | bars |\n| --- | --- | ---: | --- |\n"
    return _HEAD + "".join(totals) + head + "".join(causes)


def _shown(bars: list[int]) -> str:
    return ", ".join(map(str, bars)) if len(bars) <= _FEW else f"{bars[0]}, {bars[1]}, ... {bars[-1]}"


def _compared() -> dict[str, tuple[int, int, int, Causes]]:
    return {
        "fair value gaps": _gaps(layout.GAP, layout.GAP_MITIGATED, "fvg_result_data.csv"),
        "fair value gaps, joined": _gaps(layout.JOINED, layout.JOINED_MITIGATED, "fvg_consecutive_result_data.csv"),
        "swings": _swings(),
        "BOS and CHoCH": _structure(),
        "previous day, high and low, by bar": _previous_day(),
        "session London, by bar": _session(),
    }


def _gaps(kind: int, mitigated: int, name: str) -> tuple[int, int, int, Causes]:
    mine, their = oracle.our_gaps(kind, mitigated), oracle.their_gaps(name)
    wrong = sorted(bar for bar in mine.keys() | their.keys() if mine.get(bar) != their.get(bar))
    return len(their), len(mine), len(their) - len(wrong), {UNEXPLAINED: wrong}


def _swings() -> tuple[int, int, int, Causes]:
    mine, their = oracle.our_swings(), oracle.their_swings()
    causes: Causes = {
        "theirs put one on the very first bar, whatever it is": [],
        "theirs put one on the very last bar, whatever it is": [],
        UNEXPLAINED: [],
    }
    first, last, unexplained = causes.values()
    for bar in sorted(bar for bar in mine.keys() | their.keys() if mine.get(bar) != their.get(bar)):
        (first if bar == 0 else last if bar == len(eurusd().close) - 1 else unexplained).append(bar)
    return len(their), len(mine), sum(mine.get(bar) == each for bar, each in their.items()), causes


def _structure() -> tuple[int, int, int, Causes]:
    mine, (their, removed) = oracle.our_breaks(), oracle.their_breaks()
    causes: Causes = {}
    for bar in sorted(bar for bar in mine.keys() | their.keys() if mine.get(bar) != their.get(bar)):
        if bar not in their:
            cause = _only_ours(bar, mine[bar], their, removed)
        elif bar not in mine:
            cause = _only_theirs(bar, their[bar], mine)
        else:
            cause = _unequal(bar, mine[bar], their[bar])
        causes.setdefault(cause, []).append(bar)
    equal = sum(mine.get(bar) == each for bar, each in their.items())
    return len(their), len(mine), equal, dict(sorted(causes.items(), key=lambda each: -len(each[1])))


def _around(bar: int) -> list[tuple[int, int, float]]:
    """The swing before, the swing of the bar, the two after: bar, direction, price; of those that stand in the end."""
    swings = sorted((at, side, price) for at, (side, price) in oracle.our_swings().items())
    place = [at for at, *_ in swings].index(bar)
    return swings[place - 1 : place + 3]


def _only_ours(bar: int, mark: Broken, their: dict[int, Broken], removed: dict[int, int]) -> str:
    if bar in oracle.replaced_swings():
        return (
            "only ours: the swing was replaced after its break; theirs took it back out of the past, and the break too"
        )
    if bar in removed:
        return (
            "only ours: theirs drop it as a newer level of the other side broke before; ours drop those of its own side"
        )
    swings = _around(bar)
    if len(swings) < 4:
        return "only ours: theirs need the swing after the break, and the sample ends"
    before, _, between, _ = swings
    if between[2] == before[2]:
        return "only ours, as BOS: the swings before and after the level are equal, which theirs call neither"
    if min((mark.level - swing[2]) * mark.direction for swing in (before, between)) <= 0:
        return "only ours: a swing beside it is beyond the level itself; theirs want both on the inner side"
    return UNEXPLAINED


def _only_theirs(bar: int, mark: Broken, mine: dict[int, Broken]) -> str:
    if _rounded(mark):
        return "only theirs: broken by a close that equals the level, which they round to 32 bits"
    fleeting = oracle.replaced_swings()
    for swing, other in mine.items():
        if swing in fleeting and swing > bar and other.direction == mark.direction and other.at <= mark.at:
            if other.at == mark.at:
                return "only theirs: ours marks the same bar at a newer swing, which was replaced later"
            if other.at > bar:
                return "only theirs: a newer swing, which was replaced later, broke before, and ours had marked that"
    return UNEXPLAINED


def _unequal(bar: int, mark: Broken, their: Broken) -> str:
    _, _, between, after = _around(bar)
    if their.at != mark.at and _rounded(their):
        if mark.kind == their.kind:
            return "another bar: theirs broken by a close that equals the level, which they round to 32 bits"
        if between[0] > mark.at:
            return "another bar, as just said, and the swing that decided BOS against CHoCH came after the break"
    if mark.at == their.at and between[0] > mark.at:
        return "BOS against CHoCH: the swing that decided it for theirs came after the break"
    if mark.at == their.at and after[0] <= mark.at:
        return "BOS against CHoCH: price went back below the swing before (or above) ahead of the breaking close"
    return UNEXPLAINED


def _rounded(mark: Broken) -> bool:
    """Is the close beyond the level only when that is rounded to 32 bits?"""
    close = float(eurusd().close[mark.at])
    beyond, rounded = close - mark.level, close - float(np.float32(mark.level))
    return beyond * mark.direction <= 0 < rounded * mark.direction


def _by_bar(wrong: Iterable[int], cause: str, explained: set[int]) -> Causes:
    causes: Causes = {cause: [], UNEXPLAINED: []}
    for bar in wrong:
        causes[cause if bar in explained else UNEXPLAINED].append(bar)
    return causes


def _previous_day() -> tuple[int, int, int, Causes]:
    their, rows = oracle.theirs("previous_high_low_result_data_1D.csv.gz"), oracle.ours().rows
    same = np.isclose(rows[:, layout.DAY_HIGH], their["PreviousHigh"], rtol=1e-6, equal_nan=True)
    same &= np.isclose(rows[:, layout.DAY_LOW], their["PreviousLow"], rtol=1e-6, equal_nan=True)
    midnights = set(np.flatnonzero(eurusd().open_ns % DAY_NS == 0).tolist())
    cause = "on the bar that opens at midnight theirs still have the day before the previous one"
    causes = _by_bar(np.flatnonzero(~same).tolist(), cause, midnights)
    return len(same), len(same), int(same.sum()), causes


def _session() -> tuple[int, int, int, Causes]:
    their, rows = oracle.theirs("sessions_result_data.csv.gz"), oracle.ours().rows
    active, high, low = rows[:, layout.SESSION_ROW : layout.SESSION_ROW + 3].T
    same = active == their["Active"]
    same &= (active == 0) | np.isclose(high, their["High"], rtol=1e-6)
    same &= (active == 0) | np.isclose(low, their["Low"], rtol=1e-6)
    ends = set(np.flatnonzero(eurusd().open_ns % DAY_NS == 16 * 60 * MINUTE_NS).tolist())
    cause = "theirs count the bar that opens when the session ends"
    return len(same), len(same), int(same.sum()), _by_bar(np.flatnonzero(~same).tolist(), cause, ends)


if __name__ == "__main__":
    TABLE.write_text(table())
    print(TABLE.read_text())
