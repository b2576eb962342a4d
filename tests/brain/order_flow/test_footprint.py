from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.order_flow.footprint import MOST_ROWS, FootprintBar, Row, footprint_bars
from brain.order_flow.units import PRICE_UNITS, bucket_units, units_of
from schemas.messages import FRAME_NS
from tests.brain.order_flow.support import T0, Print, binance_usdm, freqtrade_eth, numbered

M = FRAME_NS["1m"]


def footprints(rows: list[Print], *, bucket_price: float = 1.0, bucket_bps: float = 1.0) -> list[FootprintBar]:
    bars = footprint_bars(M, settle_ns=0, bucket_bps=bucket_bps, bucket_price=bucket_price)
    done = []
    for row in rows:
        bars.add(row.exchange_ns, row.price, units_of(row.size), row.bought, row.trade_id)
        done += list(bars.advance(row.exchange_ns))
    done += [bars.forming[open_ns] for open_ns in sorted(bars.forming)]
    return [bar.frozen() for bar in done]


def naive(rows: list[Print], bucket: Fraction) -> list[FootprintBar]:
    """From the definition, in fractions of the decimals that the venue wrote."""
    made = []
    for open_ns in sorted({row.exchange_ns // M * M for row in rows}):
        by_price: dict[int, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
        for row in rows:
            if row.exchange_ns // M * M == open_ns:
                by_price[Fraction(str(row.price)) // bucket][0 if row.bought else 1] += Fraction(str(row.size))
                close = row.price
        poc = max(sorted(by_price), key=lambda at: sum(by_price[at]))
        table = tuple(Row(float(at * bucket), float(b), float(s)) for at, (b, s) in sorted(by_price.items()))
        bought, sold = sum(b for b, _ in by_price.values()), sum(s for _, s in by_price.values())
        made.append(
            FootprintBar(
                open_ns, float(bucket), table, float(poc * bucket), float(bought - sold), float(bought + sold), close
            )
        )
    return made


PRINTS = st.lists(
    st.builds(
        Print, trade_id=st.just(0), exchange_ns=st.integers(0, 200).map(lambda s: T0 + s * 10**9),
        price=st.integers(990, 1_020).map(lambda n: n / 10), size=st.integers(1, 99).map(lambda n: n / 10),
        bought=st.booleans(),
    ),
    min_size=1, max_size=30,
).map(numbered)  # fmt: skip


@given(PRINTS, st.sampled_from(["0.1", "0.3", "1", "2.5"]))
def test_the_rows_are_the_trades_by_price_and_add_up_to_them(rows: list[Print], bucket: str) -> None:
    made = footprints(rows, bucket_price=float(bucket))
    assert made == naive(rows, Fraction(bucket))
    total = sum(units_of(row.bought + row.sold) for bar in made for row in bar.rows)
    assert total == sum(units_of(row.size) for row in rows)


@pytest.mark.parametrize("load", [freqtrade_eth, binance_usdm])
def test_recorded_trades_have_the_footprint_that_the_definition_gives(load: object) -> None:
    rows = load()  # type: ignore[operator]
    assert footprints(rows, bucket_price=0.5) == naive(rows, Fraction("0.5"))


def test_an_example() -> None:
    rows = [Print(1, T0, 100.5, 2.0, True), Print(2, T0 + 1, 100.9, 1.0, False), Print(3, T0 + 2, 102.0, 3.0, False)]
    rows_of = (Row(100.0, 2.0, 1.0), Row(102.0, 0.0, 3.0))
    assert footprints(rows) == [FootprintBar(T0, 1.0, rows_of, 100.0, -2.0, 6.0, 102.0)]


def test_more_prices_than_are_kept_make_the_buckets_wider_and_lose_nothing() -> None:
    rows = [Print(number, T0 + number, 100.0 + number, 1.0, number % 3 == 0) for number in range(5 * MOST_ROWS)]
    (bar,) = footprints(rows)
    assert (bar.bucket, bar.volume, sum(row.bought + row.sold for row in bar.rows)) == (8.0, 2_000.0, 2_000.0)
    assert len(bar.rows) <= MOST_ROWS
    assert bar == naive(rows, Fraction(8))[0]


@pytest.mark.parametrize(
    ("price", "bps", "width"),
    [(64_000.0, 1.0, 5.0), (64_000.0, 0.1, 0.5), (20_000.0, 1.0, 2.0), (19_999.0, 1.0, 1.0), (0.00141342, 10.0, 1e-6)],
)
def test_a_bucket_made_of_the_price_is_a_round_number(price: float, bps: float, width: float) -> None:
    assert bucket_units(price, bps) == round(width * PRICE_UNITS)


@given(st.floats(1e-8, 1e12), st.floats(0.001, 1_000))
def test_a_bucket_is_never_nothing_nor_wider_than_asked_for(price: float, bps: float) -> None:
    width = bucket_units(price, bps)
    asked = price * bps / 10_000 * PRICE_UNITS
    assert 1 <= width <= max(1.0, asked * 1.0000001)
    assert width * 2.6 >= asked or width == 1
