"""A market that moves like BTC near 64,000 USDT, as a pure function of a seed and a step number.

Theory of operation. A latent `pressure` in (-1, 1) follows the regime (up, down, range) with noise. It leads: the
touch of the pressed side thickens first, then takers come on that side. Takers arrive in self-exciting bursts; some
sweep the touch, which moves the price and thins the side that was hit; the thinned side heals in seconds. In a range
the pressure leans back to the anchor. One step is 10 ms; nothing here reads a clock.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Final

from engine.exchange.book import Level
from engine.exchange.market.events import Batch, Change, Print
from engine.exchange.matching import Side

STEP_NS: Final = 10_000_000
START_PX: Final = 640_000  # ticks
_DT: Final = STEP_NS / 1e9
_DEPTH: Final = 430  # levels a side that are kept; 400 are public
_SWEEP_PRINTS: Final = 6
_NEAR: Final = 8  # levels whose sizes breathe with the pressure
_REGIME_MEAN_S: Final = 75.0
_PRESSURE_TAU_S: Final = 6.0


class SyntheticMarket:
    """The script. `due` makes the steps one after the other and remembers where it is."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"{seed}/live")
        self._step = 0
        self._bias = self._rng.choice((-1.0, 1.0)) * self._rng.uniform(0.3, 0.6)
        self._regime_left_s = self._rng.uniform(60.0, 120.0)
        self._pressure = 0.0
        self._anchor = START_PX
        self._heat = 0.0  # extra arrivals per second, decaying
        self._log_vol = 0.0
        self._thin: dict[Side, float] = {"buy": 0.0, "sell": 0.0}
        self._best: dict[Side, int] = {"buy": START_PX - 1, "sell": START_PX}
        self._worst: dict[Side, int] = {}
        self._sizes: dict[Side, dict[int, tuple[int, int]]] = {"buy": {}, "sell": {}}
        for side, sign in (("buy", -1), ("sell", 1)):
            self._seed_side("buy" if side == "buy" else "sell", sign)

    def _seed_side(self, side: Side, sign: int) -> None:
        px = self._best[side]
        for rank in range(_DEPTH):
            self._sizes[side][px] = self._draw(side, rank)
            self._worst[side] = px
            px += sign * self._gap(rank)

    def opening(self) -> tuple[list[Level], list[Level]]:
        """The book of step 0."""
        bids, asks = self._sizes["buy"], self._sizes["sell"]
        return (
            [Level(px, *bids[px]) for px in sorted(bids, reverse=True)],
            [Level(px, *asks[px]) for px in sorted(asks)],
        )

    def due(self, elapsed_ns: int) -> Iterator[Batch]:
        """Steps up to `elapsed_ns`; steps in which nothing happens give no batch."""
        while (self._step + 1) * STEP_NS <= elapsed_ns:
            self._step += 1
            batch = self._make_step()
            if batch is not None:
                yield batch

    # -- one step -------------------------------------------------------------------------------------------------

    def _make_step(self) -> Batch | None:
        rng = self._rng
        self._drift()
        prints: list[Print] = []
        touched: dict[tuple[Side, int], Change] = {}
        if rng.random() < (1.8 * math.exp(self._log_vol) + self._heat) * _DT:
            side: Side = "buy" if rng.random() < 0.5 + 0.42 * self._pressure else "sell"
            self._takers(side, prints, touched)
        self._follow(touched)
        if rng.random() < 0.30:
            self._breathe(touched)
        if not prints and not touched:
            return None
        return Batch(self._step * STEP_NS, tuple(prints), tuple(touched.values()))

    def _drift(self) -> None:
        rng = self._rng
        self._regime_left_s -= _DT
        if self._regime_left_s <= 0.0:
            self._regime_left_s = rng.expovariate(1 / _REGIME_MEAN_S) + 15.0
            self._bias = 0.0 if rng.random() < 0.4 else rng.choice((-1.0, 1.0)) * rng.uniform(0.25, 0.6)
            self._anchor = self._best["sell"]
        mean = self._bias
        if mean == 0.0:
            mean = max(-0.5, min(0.5, (self._anchor - self._best["sell"]) / 400))
        pressure = self._pressure + (mean - self._pressure) * _DT / _PRESSURE_TAU_S
        self._pressure = max(-0.95, min(0.95, pressure + rng.gauss(0.0, 0.30) * math.sqrt(_DT)))
        self._heat *= 1.0 - 1.6 * _DT
        self._log_vol += -0.02 * self._log_vol * _DT + rng.gauss(0.0, 0.08) * math.sqrt(_DT)
        for side in self._thin:
            self._thin[side] *= 1.0 - 0.6 * _DT

    def _takers(self, side: Side, prints: list[Print], touched: dict[tuple[Side, int], Change]) -> None:
        """Takers of one side at one instant: prints at the touch; sometimes they sweep through it."""
        rng = self._rng
        hit: Side = "sell" if side == "buy" else "buy"
        sign = 1 if side == "buy" else -1
        self._heat = min(25.0, self._heat + 0.6)
        sizes = self._sizes[hit]
        for _ in range(1 + (rng.random() < 0.35) + (rng.random() < 0.15)):
            lots, orders = sizes[self._best[hit]]
            taken = min(self._taker_lots(), max(1, lots - 1))
            prints.append(Print(side, self._best[hit], taken, max(1, min(orders, taken // 200))))
            if lots > taken:
                self._state(hit, self._best[hit], lots - taken, orders, touched)
        if rng.random() < 0.34:
            reach = 1 + int(rng.expovariate(1 / (3.2 * math.exp(self._log_vol))))
            self._sweep(side, hit, sign, min(reach, 60), prints, touched)

    def _taker_lots(self) -> int:
        return max(1, round(math.exp(self._rng.gauss(4.6, 1.5))))  # median 1 contract, heavy tail

    def _sweep(
        self, side: Side, hit: Side, sign: int, reach: int, prints: list[Print], touched: dict[tuple[Side, int], Change]
    ) -> None:
        sizes = self._sizes[hit]
        edge = self._best[hit] + sign * reach
        for px in sorted((px for px in sizes if sign * px < sign * edge), reverse=sign < 0):
            lots, orders = sizes[px]
            if len(prints) < _SWEEP_PRINTS:  # what lies further is pulled by its makers, not traded
                prints.append(Print(side, px, min(lots, self._taker_lots()), orders))
            self._state(hit, px, 0, 0, touched)
        self._thin[hit] = min(1.6, self._thin[hit] + 0.25 + 0.03 * reach)
        self._heat = min(25.0, self._heat + 1.3)
        if edge not in sizes:
            self._state(hit, edge, *self._draw(hit, 0), touched)
        self._best[hit] = edge
        self._extend(hit, -1 if hit == "buy" else 1, touched)

    def _follow(self, touched: dict[tuple[Side, int], Change]) -> None:
        """A spread left by a sweep closes within some 20 ms: the other side steps up behind the takers."""
        gap = self._best["sell"] - self._best["buy"]
        if gap <= 1 or self._rng.random() > 0.55:
            return
        healer: Side = "buy" if self._thin["sell"] >= self._thin["buy"] else "sell"
        sign = -1 if healer == "buy" else 1
        target = self._best["sell"] - 1 if healer == "buy" else self._best["buy"] + 1
        self._best[healer] = target
        self._state(healer, target, *self._draw(healer, 0), touched)
        px = target
        for rank in range(1, 4):
            px += sign * self._gap(rank)
            if px not in self._sizes[healer]:
                self._state(healer, px, *self._draw(healer, rank), touched)
        self._trim(healer, touched)

    def _breathe(self, touched: dict[tuple[Side, int], Change]) -> None:
        """One level near the touch, or now and then a far one, is quoted anew at what the flow suggests."""
        rng = self._rng
        side: Side = "buy" if rng.random() < 0.5 else "sell"
        sign = -1 if side == "buy" else 1
        rank = 0 if rng.random() < 0.4 else rng.randrange(1, _NEAR)
        px = self._best[side]
        if rng.random() < 0.15:
            px = self._best[side] + sign * rng.randrange(_NEAR, 600)
            rank = _NEAR
        elif rank:
            px = self._best[side] + sign * rank * rng.randint(1, 3)
        if sign * px > sign * self._worst[side]:
            return
        if rank and px in self._sizes[side] and rng.random() < 0.35:
            self._state(side, px, 0, 0, touched)
            self._extend(side, sign, touched)
            return
        lots, orders = self._draw(side, rank)
        if rank == 0 and px in self._sizes[side]:
            lots = round(0.5 * lots + 0.5 * self._sizes[side][px][0])
        self._state(side, px, max(1, lots), orders, touched)
        self._trim(side, touched)

    # -- levels ---------------------------------------------------------------------------------------------------

    def _draw(self, side: Side, rank: int) -> tuple[int, int]:
        """Size (lots) and order count of a level, `rank` levels from the touch, under the present pressure."""
        rng = self._rng
        base = 9.3 if rank == 0 else 5.2 + 0.25 * min(rank, _NEAR)
        lean = self._pressure if side == "buy" else -self._pressure
        lean = 1.35 * lean - self._thin[side] if rank < _NEAR else 0.2 * lean
        lots = max(1, round(math.exp(rng.gauss(base + lean, 0.45 if rank == 0 else 1.1))))
        return lots, 1 + min(90, int(lots / 900 * rng.uniform(0.5, 1.5)) + (rng.random() < 0.4))

    def _gap(self, rank: int) -> int:
        """Ticks to the next level: dense at the touch, sparser outside."""
        return 1 + int(self._rng.expovariate(1 / (0.7 + 0.004 * rank)))

    def _state(self, side: Side, px: int, lots: int, orders: int, touched: dict[tuple[Side, int], Change]) -> None:
        if lots > 0:
            self._sizes[side][px] = (lots, orders)
        else:
            self._sizes[side].pop(px, None)
        touched[side, px] = Change(side, px, lots, orders)

    def _extend(self, side: Side, sign: int, touched: dict[tuple[Side, int], Change]) -> None:
        while len(self._sizes[side]) < _DEPTH:
            self._worst[side] += sign * self._gap(_DEPTH)
            self._state(side, self._worst[side], *self._draw(side, _DEPTH), touched)

    def _trim(self, side: Side, touched: dict[tuple[Side, int], Change]) -> None:
        sizes = self._sizes[side]
        if len(sizes) <= _DEPTH + 40:
            return
        kept = sorted(sizes, reverse=side == "buy")
        for px in kept[_DEPTH:]:
            self._state(side, px, 0, 0, touched)
        self._worst[side] = kept[_DEPTH - 1]
