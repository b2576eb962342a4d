"""Footprint: what takers bought and sold at each price of a bar. Exact: rows add up to the trades of the bar."""

from __future__ import annotations

from typing import Final, NamedTuple

from brain.order_flow.candles import Bars, Forming
from brain.order_flow.units import PRICE_UNITS, bucket_units, contracts_of

MOST_ROWS: Final = 400
"""Beyond this many prices in one bar its buckets are made twice as wide: bounded, and nothing is lost."""


class Row(NamedTuple):
    """One price bucket: its lower edge in quote currency; contracts that takers bought and sold there."""

    price: float
    bought: float
    sold: float


class FootprintBar(NamedTuple):
    """One bar. `rows` from the lowest price, empty buckets left out; `bucket` is their width, quote currency.

    `poc`, point of control: lower edge of the bucket with the most volume, the lowest of equals. `delta` in contracts.
    """

    open_ns: int
    bucket: float
    rows: tuple[Row, ...]
    poc: float
    delta: float
    volume: float
    close: float


class FormingFootprint(Forming):
    """A bar in the making, by price. `rows`: bucket number -> units bought and sold; `width` in price units."""

    __slots__ = ("rows", "width")

    def __init__(self, open_ns: int, price: float, width: int) -> None:
        super().__init__(open_ns, price)
        self.width = width
        self.rows: dict[int, list[int]] = {}

    def add(self, exchange_ns: int, price: float, units: int, bought: bool, trade_id: int) -> None:
        """One trade of this bar."""
        Forming.add(self, exchange_ns, price, units, bought, trade_id)
        at = round(price * PRICE_UNITS) // self.width
        row = self.rows.get(at)
        if row is None:
            row = self.rows[at] = [0, 0]
        row[0 if bought else 1] += units
        while len(self.rows) > MOST_ROWS:
            self._widen()

    def bucket_of(self, price: float) -> int:
        """Number of the bucket of a price."""
        return round(price * PRICE_UNITS) // self.width

    def price_of(self, bucket: int) -> float:
        """Lower edge of a bucket, quote currency."""
        return bucket * self.width / PRICE_UNITS

    def frozen(self) -> FootprintBar:
        """As a value."""
        rows = tuple(
            Row(self.price_of(at), contracts_of(bought), contracts_of(sold))
            for at, (bought, sold) in sorted(self.rows.items())
        )
        control = min(self.rows, key=lambda at: (-sum(self.rows[at]), at))
        return FootprintBar(
            self.open_ns, self.width / PRICE_UNITS, rows, self.price_of(control), contracts_of(self.delta),
            contracts_of(self.bought + self.sold), self.close,
        )  # fmt: skip

    def _widen(self) -> None:
        self.width *= 2
        wider: dict[int, list[int]] = {}
        for at, (bought, sold) in self.rows.items():
            row = wider.setdefault(at // 2, [0, 0])
            row[0] += bought
            row[1] += sold
        self.rows = wider


def footprint_bars(
    length_ns: int, *, settle_ns: int, bucket_bps: float, bucket_price: float = 0.0
) -> Bars[FormingFootprint]:
    """Footprints of bars of `length_ns`. The width of the buckets follows from the first price that a bar hears."""

    def make(open_ns: int, price: float) -> FormingFootprint:
        return FormingFootprint(open_ns, price, bucket_units(price, bucket_bps, bucket_price))

    return Bars(length_ns, make, settle_ns)
