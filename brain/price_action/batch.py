"""Layer 1 over many bars: the loop runs inside compiled code. Needs numpy and numba (the extra `lab`).

The kernels are compiled as they stand, without fastmath: every bit is what the live brain has.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple, cast

import numba
import numpy as np
import numpy.typing as npt

from brain.price_action.layer import STATES_COUNT, layer_step, new_states, parameters, row_size
from brain.price_action.layout import MARKS_SIZE, WIDTH
from schemas.settings.price_action import PriceAction

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]


class Bars(NamedTuple):
    """Confirmed bars, oldest first; each shape (T,). `open_ns` since 1970 UTC, the rest quote currency."""

    open_ns: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats


class LayerOne(NamedTuple):
    """What layer 1 says about them.

    `marks`, shape (M, WIDTH): rows as brain/price_action/layout.py has them, in the order in which they were known.
    `rows`, shape (T, K): the values of each bar; NaN where unknown.
    """

    marks: Floats
    rows: Floats


def price_action(bars: Bars, settings: PriceAction, *, trend_bars: int = 24) -> LayerOne:
    """All signals over all bars, as the live brain had them bar by bar. Holes between bars are not looked for.

    Raises: ValueError, if the columns differ in length, or for the first bar that is none: a price that is not finite
    or not above 0, a high below the low, an open or close outside of them.
    """
    _check(bars)
    p = parameters(settings, trend_bars)
    states = tuple(np.array(state, dtype=np.float64) for state in new_states(p))
    rows = np.empty((len(bars.close), row_size(p)))
    loop = _compiled_loop()
    times = np.ascontiguousarray(bars.open_ns, dtype=np.int64)
    prices = [np.ascontiguousarray(column, dtype=np.float64) for column in bars[1:]]
    marks, count = loop(states, np.array(p), np.zeros(MARKS_SIZE), rows, times, *prices)
    return LayerOne(marks[:count].copy(), rows)


def _check(bars: Bars) -> None:
    if len({len(column) for column in bars}) != 1:
        raise ValueError(f"columns of different lengths: {[len(column) for column in bars]}")
    with np.errstate(invalid="ignore"):
        good = (
            (bars.low > 0) & (bars.high < np.inf) & (bars.low <= bars.open) & (bars.open <= bars.high)
            & (bars.low <= bars.close) & (bars.close <= bars.high)
        )  # fmt: skip
    if not good.all():
        bad = int(np.argmin(good))
        raise ValueError(f"bar {bad} is none: {', '.join(f'{n} {c[bad]}' for n, c in bars._asdict().items())}")


def _loop(
    states: Any, p: Any, marks: Any, rows: Any, open_ns: Times, opens: Floats, highs: Floats, lows: Floats,
    closes: Floats,
) -> tuple[Floats, int]:  # fmt: skip
    kept = np.empty((1024, WIDTH))
    count = 0
    for i in range(len(closes)):
        marks[0] = 0.0
        layer_step(states, p, marks, rows[i], i, open_ns[i], opens[i], highs[i], lows[i], closes[i])
        new = int(marks[0])
        if count + new > len(kept):
            wider = np.empty((2 * (count + new), WIDTH))
            wider[:count] = kept[:count]
            kept = wider
        for k in range(new):
            for field in range(WIDTH):
                kept[count + k, field] = marks[1 + WIDTH * k + field]
        count += new
    return kept, count


_KINDS: Final[Any] = numba.types
_VECTOR: Final = numba.float64[::1]
_TYPES: Final = {
    "Vector": _VECTOR, "States": _KINDS.UniTuple(_VECTOR, STATES_COUNT), "float": numba.float64,
    "int": numba.int64, "bool": numba.boolean,
}  # fmt: skip
_NO_WAY_IN: Final[dict[str, Any]] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


@cache
def compiled(kernel: types.FunctionType) -> Callable[..., Any]:
    """The kernel, compiled for what its annotations say, with every kernel that it calls. Its source stays as it is.

    Python looks a called kernel up in the module's globals, where numba wants to find a compiled one; so a copy of the
    function is compiled, whose globals are that. One signature each: left to itself, numba compiles every kernel anew
    for each constant that it is called with. Nobody calls them from Python, so they need no way in from there.
    """
    copy = _calling_compiled(kernel)
    signature = tuple(_TYPES[name] for what, name in kernel.__annotations__.items() if what != "return")
    return cast(Callable[..., Any], numba.njit(signature, **_NO_WAY_IN)(copy))


@cache
def _compiled_loop() -> Callable[..., Any]:
    return cast(Callable[..., Any], numba.njit(_calling_compiled(cast(types.FunctionType, _loop))))


def _calling_compiled(function: types.FunctionType) -> types.FunctionType:
    seen = dict(function.__globals__)
    for name in function.__code__.co_names:
        called = seen.get(name)
        if isinstance(called, types.FunctionType) and called.__module__.startswith("brain.price_action"):
            seen[name] = compiled(called)
    return types.FunctionType(function.__code__, seen, function.__name__)
