"""Absorption: takers spend much at one price, and the price does not go through it.

Of each final footprint bar, for buyers (sellers mirror it): let b be the bucket in which takers bought most, the
highest of equals, and V what they bought there. It is absorbed if V is at least `multiple` times the usual V of the
bars before it, if no trade of the bar was more than `through` buckets above b, and if the bar closed in b or below.
Somebody who rests there sold to them all. Known when the bar is final; later bars change nothing.

Source: Wyckoff's law of effort versus result (effort without result), read off the footprint; Harris, Trading and
Exchanges (2003), on passive sellers and hidden size. The numbers and the rule are ours.
"""

from __future__ import annotations

from typing import NamedTuple

from brain.order_flow.footprint import FormingFootprint
from brain.order_flow.large import ewma_step
from brain.order_flow.units import contracts_of
from schemas.messages import Side


class Absorption(NamedTuple):
    """`taker`: who was absorbed. `price`: lower edge of the bucket; `contracts`: what they took there.

    `bar_ns`: opening time of the bar; `confirmed_ns`: its end. It is known when the bar is final, SETTLE_NS later.
    """

    taker: Side
    bar_ns: int
    confirmed_ns: int
    price: float
    contracts: float
    threshold: float


class Absorptions:
    """Judges one final bar after the other. `last`: the newest mark."""

    def __init__(self, *, multiple: float, span: int, through: int, frame_ns: int) -> None:
        """`span`: bars of the exponentially weighted mean; nothing is marked before as many were seen."""
        self._multiple, self._span, self._through, self._frame_ns = multiple, span, through, frame_ns
        self._bars = 0
        self._usual = {Side.BUY: 0.0, Side.SELL: 0.0}
        self.last: Absorption | None = None

    def close(self, bar: FormingFootprint) -> tuple[Absorption, ...]:
        """One final bar: its marks, at most one a side."""
        marks = tuple(mark for side in (Side.BUY, Side.SELL) if (mark := self._judge(bar, side)) is not None)
        self._bars += 1
        if marks:
            self.last = marks[-1]
        return marks

    def _judge(self, bar: FormingFootprint, side: Side) -> Absorption | None:
        column, up = (0, 1) if side is Side.BUY else (1, -1)
        bucket = max(bar.rows, key=lambda at: (bar.rows[at][column], up * at))
        contracts = contracts_of(bar.rows[bucket][column])
        threshold = self._usual[side] * self._multiple
        self._usual[side] = ewma_step(self._usual[side], self._bars, contracts, self._span)
        farthest = max(bar.rows) if up > 0 else min(bar.rows)
        held = up * (farthest - bucket) <= self._through and up * (bar.bucket_of(bar.close) - bucket) <= 0
        if self._bars < self._span or contracts <= 0 or contracts < threshold or not held:
            return None
        confirmed_ns = bar.open_ns + self._frame_ns
        return Absorption(side, bar.open_ns, confirmed_ns, bar.price_of(bucket), contracts, threshold)
