"""The past that a market never had: one-minute candles from a seed, ending at a given price.

A regime chain (up, down, range) gives the drift, a slow log-volatility gives the clusters; the path is made forward
and then scaled, so that its last close is the first live price. Same seed, same minutes, whatever the wall time.
"""

from __future__ import annotations

import math
import random
from typing import Final, NamedTuple

HISTORY_MINUTES: Final = 30 * 24 * 60
_MEAN_LOG_VOL: Final = math.log(4.5e-4)  # one-minute standard deviation of a calm hour, 4.5 bps
_MEAN_REGIME_MIN: Final = 260.0


class Minute(NamedTuple):
    """One minute: prices in ticks, volume in lots, turnover in lots x ticks."""

    open: int
    high: int
    low: int
    close: int
    lots: int
    turnover: int


def synthesise(seed: int, last_px: int, minutes: int = HISTORY_MINUTES) -> list[Minute]:
    """Minutes oldest first; each opens where the one before closed; the last closes at `last_px` ticks."""
    rng = random.Random(f"{seed}/history")
    log_vol, drift, left, pull = _MEAN_LOG_VOL, 0.0, 0, 0.0
    log_px, anchor = 0.0, 0.0
    path: list[tuple[float, float, float, float]] = []  # log close, upper and lower wick (log), relative volume
    for _ in range(minutes):
        if left == 0:
            left = max(30, int(rng.expovariate(1 / _MEAN_REGIME_MIN)))
            kind = rng.random()
            drift = rng.choice((-1.0, 1.0)) * rng.uniform(4e-5, 1.3e-4) if kind < 0.6 else 0.0
            pull = 0.0 if drift else 0.01
            anchor = log_px
        left -= 1
        log_vol += 0.02 * (_MEAN_LOG_VOL - log_vol) + rng.gauss(0.0, 0.09)
        vol = math.exp(log_vol)
        move = drift + pull * (anchor - log_px) - 2e-5 * log_px + vol * rng.gauss(0.0, 1.0)
        log_px += move
        wick = vol * 0.45
        volume = math.exp(rng.gauss(0.0, 0.45)) * (vol / math.exp(_MEAN_LOG_VOL)) * (1 + min(4.0, abs(move) / vol))
        path.append((log_px, abs(rng.gauss(0.0, wick)), abs(rng.gauss(0.0, wick)), volume))
    shift = math.log(last_px) - path[-1][0]
    rows: list[Minute] = []
    before = round(math.exp(shift))
    for log_close, up, down, volume in path:
        close = round(math.exp(log_close + shift))
        high = round(max(before, close) * (1 + up))
        low = round(min(before, close) * (1 - down))
        lots = max(1, round(90_000 * volume))
        rows.append(Minute(before, high, low, close, lots, lots * ((high + low + 2 * close) // 4)))
        before = close
    return rows
