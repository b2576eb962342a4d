"""Every doubt about OKX is a rule: what each value of it does, and how rules are read."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.exchange.config import ConfigError, Rules
from engine.exchange.market.events import Change, Print
from engine.exchange.orders import Slot
from engine.exchange.rule_options import OPTIONS, help_text, read_rules
from engine.exchange.tiers import Tier
from tests.engine.exchange.clients import Door, Line
from tests.engine.exchange.support import Venue

INST = {"instId": "BTC-USDT-SWAP"}
LIMIT = {"ordType": "limit", "px": "63999.9", "sz": "2"}
LEGS = [{"tpTriggerPx": "64900", "tpOrdPx": "-1", "slTriggerPx": "63100", "slOrdPx": "-1"}]


# -- reading --------------------------------------------------------------------------------------------------------


def test_every_rule_can_be_given_and_is_in_the_help() -> None:
    assert list(OPTIONS) == [field.name for field in fields(Rules)]
    assert read_rules([]) == Rules()
    assert all(f"  {name}=" in help_text() for name in OPTIONS)


def test_the_defaults_that_the_help_shows_read_back_as_the_defaults() -> None:
    shown = [line.strip() for line in help_text().splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert read_rules(shown) == Rules()


def test_rules_are_read_from_text() -> None:
    rules = read_rules(["funding_rates=0.0001,-0.0002", "tiers=10:0.004:0.01:100,50:0.01:0.02:50", "fee_digits=8"])
    assert rules == Rules(
        funding_rates=(Decimal("0.0001"), Decimal("-0.0002")),
        tiers=(Tier(1000, Decimal("0.004"), Decimal("0.01"), Decimal(100)),
               Tier(5000, Decimal("0.01"), Decimal("0.02"), Decimal(50))),
        fee_digits=8,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "field", "word"),
    [
        ("nonsense=1", "rule", "--help"),
        ("maker_fee", "rule", "name=value"),
        ("maker_fee=cheap", "rule maker_fee", "-0.01 to 0.01"),
        ("taker_fee=nan", "rule taker_fee", "0 to 0.01"),
        ("tiers=10:0.01:0.004:100", "rule tiers", "maxSz:mmr:imr:maxLever"),
        ("tiers=50:0.004:0.01:50,10:0.004:0.01:50", "rule tiers", "rising"),
        ("funding_hours=3", "rule funding_hours", "1|2|4|6|8"),
        ("books_snapshot=true", "rule books_snapshot", "yes|no"),
        ("channel_connections=0", "rule channel_connections", "1 to 1000"),
    ],
)
def test_a_rule_that_cannot_be_is_named_with_its_mend(text: str, field: str, word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_rules([text])
    assert (caught.value.field, word in str(caught.value)) == (field, True)


@given(st.sampled_from(sorted(OPTIONS)), st.text(max_size=20))
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    try:
        rules = read_rules([f"{name}={text}"])
    except ConfigError as error:
        assert error.field == f"rule {name}"
    else:
        assert isinstance(rules, Rules)


# -- money and orders -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("digits", "fee"), [(None, "-0.00639999"), (8, "-0.00639999"), (4, "-0.0064"), (2, "-0.01")])
def test_fees_are_rounded_to_so_many_digits(digits: int | None, fee: str) -> None:
    venue = Venue(fee_digits=digits)
    assert venue.place(side="sell", sz="0.02").fee == Decimal(fee)


@pytest.mark.parametrize(
    ("rule", "lots", "px", "ahead"),
    [
        ({}, 100, None, 100),
        ({"amend_down_keeps_place": False}, 100, None, 10_000),
        ({}, 300, None, 10_000),
        ({"amend_up_keeps_place": True}, 300, None, 100),
        ({}, None, 639_998, 50_000),
        ({"amend_px_keeps_place": True}, None, 639_998, 100),
        ({}, 200, 639_999, 100),  # nothing changes
    ],
)
def test_an_amended_order_keeps_its_place_or_not(rule: Any, lots: int | None, px: int | None, ahead: int) -> None:
    venue = Venue(**rule)
    order = venue.place(**LIMIT)
    venue.market(Print("sell", 639_999, 9_900, 1))
    venue.exchange.amend(order, lots, px, "")
    assert order.resting is not None
    assert (order.resting.ahead, order.resting.px) == (ahead, px or 639_999)


@pytest.mark.parametrize(
    ("rule", "code", "px"), [("refuse", "51150", ""), ("round", "0", "63900.1")]
)  # fmt: skip
def test_a_price_between_two_ticks_is_refused_or_rounded(rule: str, code: str, px: str) -> None:
    door = Door(off_tick=rule)
    body = {**INST, "tdMode": "isolated", "side": "buy", "ordType": "limit", "sz": "1", "px": "63900.05"}
    assert door("POST", "trade/order", body)["data"][0]["sCode"] == code
    assert [row["px"] for row in door("GET", "trade/orders-pending")["data"]] == [px] * bool(px)
    if px:
        ord_id = door("GET", "trade/orders-pending")["data"][0]["ordId"]
        door("POST", "trade/amend-order", {**INST, "ordId": ord_id, "newPx": 63910.04})
        assert [row["px"] for row in door("GET", "trade/orders-pending")["data"]] == ["63910"]


@pytest.mark.parametrize(
    ("rule", "after_part", "after_more", "after_cancel"),
    [("ended", [], [], [80]), ("filled", [], [], []), ("first_fill", [50], [80], [80])],
)
def test_attached_protection_is_born_when_the_rule_says(
    rule: str, after_part: list[int], after_more: list[int], after_cancel: list[int]
) -> None:
    venue = Venue(attached_born=rule)
    parent = venue.place(**LIMIT, attachAlgoOrds=LEGS)
    living = venue.exchange.protector.algos.live
    venue.market(Print("sell", 639_999, 10_050, 1))
    assert [algo.lots for algo in living()] == after_part
    venue.market(Print("sell", 639_999, 30, 1))
    assert [algo.lots for algo in living()] == after_more
    venue.exchange.cancel(parent)
    assert [algo.lots for algo in living()] == after_cancel


@pytest.mark.parametrize("rule", ["ended", "filled", "first_fill"])
def test_a_parent_that_is_filled_completely_is_protected_once_and_whole(rule: str) -> None:
    venue = Venue(attached_born=rule)
    venue.place(**LIMIT, attachAlgoOrds=LEGS)
    venue.market(Print("sell", 639_999, 10_050, 1))
    venue.market(Print("sell", 639_999, 900, 1))
    assert [algo.lots for algo in venue.exchange.protector.algos.live()] == [200]


def test_what_fills_after_a_grown_stop_has_fired_gets_a_stop_of_its_own() -> None:
    venue = Venue(attached_born="first_fill")
    venue.place(**{**LIMIT, "px": "63999.8"}, attachAlgoOrds=[{"slTriggerPx": "63999.5", "slOrdPx": "-1"}])
    venue.market(Print("sell", 639_998, 50_050, 1))
    venue.market(Print("buy", 639_995, 1, 1))  # the stop sells one tick above its parent, not into it
    assert (venue.held, venue.exchange.protector.algos.live()) == (0, [])
    venue.market(Print("sell", 639_998, 70, 1))
    assert (venue.held, [algo.lots for algo in venue.exchange.protector.algos.live()]) == (70, [70])


@pytest.mark.parametrize(("rule", "left"), [(False, 1), (True, 0)])
def test_cancel_all_after_spares_algo_orders_or_not(rule: bool, left: int) -> None:
    venue = Venue(caa_cancels_algos=rule)
    venue.place(attachAlgoOrds=LEGS)
    venue.exchange.arm_dead_man("", 10)
    venue.clock.advance(s=10)
    venue.exchange.advance()
    assert len(venue.exchange.protector.algos.live()) == left


@pytest.mark.parametrize(("unit", "per_s"), [("ms", 1000), ("s", 1)])
def test_the_trigger_time_has_the_unit_of_the_rule(unit: str, per_s: int) -> None:
    door = Door(caa_trigger_unit=unit)
    (row,) = door("POST", "trade/cancel-all-after", {"timeOut": "20"})["data"]
    assert int(row["triggerTime"]) == (door.venue.exchange.now_ms() // 1000 + 20) * per_s


@pytest.mark.parametrize(("days", "same"), [(30, [True, False]), (0, [False, False])])
def test_a_position_id_is_kept_for_so_many_days_after_closing(days: int, same: list[bool]) -> None:
    venue = Venue(pos_id_days=days)
    seen = []
    for wait_days in (0, 29, 30):
        venue.clock.advance(s=wait_days * 86_400)
        venue.place()
        seen.append(venue.exchange.account.positions["isolated"].pos_id)
        venue.exchange.close_position(Slot("isolated"), "", "", cancel_first=False)
    assert [before == after for before, after in pairwise(seen)] == same


# -- market data ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "step"), [("own", 1), ("book", 0)])
def test_a_trade_has_a_number_of_its_own_or_the_books(rule: str, step: int) -> None:
    venue = Venue(trades_seq=rule)
    before = venue.exchange.market.seq
    venue.market(Print("buy", 640_000, 5, 1))
    assert (venue.exchange.market.trades[-1].seq, venue.exchange.market.seq) == (before + step, before + step)


changes = st.lists(
    st.tuples(st.sampled_from(["buy", "sell"]), st.integers(0, 3), st.integers(0, 4), st.sampled_from([20, 60, 110])),
    min_size=1, max_size=20,
)  # fmt: skip


@given(changes, st.integers(0, 19), st.booleans())
@example([("buy", 3, 4, 110), ("buy", 3, 2, 20), ("buy", 3, 4, 110)], 1, False)  # seen over REST only, then as before
@example([("sell", 3, 4, 20), ("sell", 3, 0, 110)], 0, False)
def test_a_book_read_over_rest_joins_the_pushed_chain(steps: list[Any], read_at: int, trades: bool) -> None:
    """FACTS 4: drop what is not newer than the snapshot; the first kept update spans it; then the link alone counts."""
    door = Door(books_snapshot=False)
    line = Line("public", door.venue, door.hub)
    assert [m["event"] for m in line.ask("subscribe", {"channel": "books", **INST})] == ["subscribe"]
    updates: list[Any] = []
    snapshot: Any = None
    for number, (side, away, lots, ms) in enumerate(steps):
        px = 639_999 - away if side == "buy" else 640_000 + away
        door.venue.market(Change(side, px, lots, 1), *([Print("buy", 640_000, 1, 1)] if trades else []))
        if number == min(read_at, len(steps) - 1):
            (snapshot,) = door("GET", "market/books?instId=BTC-USDT-SWAP&sz=400")["data"]
        updates += [m["data"][0] for m in line.tick(ms)]
    updates += [m["data"][0] for m in line.tick(200)]
    assert all(after["prevSeqId"] == before["seqId"] for before, after in pairwise(updates))
    kept = [row for row in updates if row["seqId"] > snapshot["seqId"]]
    assert not kept or kept[0]["prevSeqId"] <= snapshot["seqId"]
    sides = {name: {row[0]: row[1] for row in snapshot[name]} for name in ("bids", "asks")}
    for row in kept:
        for name, levels in sides.items():
            levels.update({px: size for px, size, *_ in row[name]})
    market = door.venue.exchange.market.matcher
    for name, half in (("bids", market.bids), ("asks", market.asks)):
        left = {px: size for px, size in sides[name].items() if size != "0"}
        assert {float(px): float(size) for px, size in left.items()} == {
            level.px / 10: level.lots / 100 for level in half.top(400)
        }


def candle_rows(line: Line, *waits: int) -> list[tuple[int, str, str]]:
    """Minute, volume and confirm of each pushed row."""
    rows = [m["data"][0] for ms in waits for m in line.tick(ms) if "data" in m]
    return [(int(row[0]) // 60_000 % 10, row[5], row[8]) for row in rows]


@pytest.mark.parametrize(("rule", "confirms"), [("before", ["1", "0"]), ("after", ["0", "1"])])
def test_a_final_candle_comes_before_or_after_the_next_one_begins(rule: str, confirms: list[str]) -> None:
    line = Line("business", Venue(final_candle=rule))
    line.ask("subscribe", {"channel": "candle1m", **INST})
    line.venue.script.say(Print("buy", 640_000, 300, 1))
    (first,) = candle_rows(line, 1000)
    rows = candle_rows(line, 60_000, 1000)
    assert [confirm for *_, confirm in rows] == confirms
    assert sorted(minute for minute, *_ in rows) == [first[0], (first[0] + 1) % 10]


@pytest.mark.parametrize(("rule", "count"), [(True, 4), (False, 0)])
def test_candles_without_a_trade_are_pushed_or_not(rule: bool, count: int) -> None:
    line = Line("business", Venue(idle_candles=rule))
    line.ask("subscribe", {"channel": "candle1m", **INST})
    line.tick(61_000)
    assert len(candle_rows(line, 60_000, 60_000)) == count


@pytest.mark.parametrize(("rule", "code"), [(False, ""), (True, "60011")])
def test_trades_all_needs_a_login_or_not(rule: bool, code: str) -> None:
    line = Line("business", Venue(trades_all_login=rule))
    (event,) = line.ask("subscribe", {"channel": "trades-all", **INST})
    assert event.get("code", "") == code


@pytest.mark.parametrize("rows", [100, 300])
def test_history_candles_have_so_many_rows_at_most(rows: int) -> None:
    door = Door(history_candles_rows=rows)
    answer = door("GET", "market/history-candles?instId=BTC-USDT-SWAP&bar=1m&limit=300")
    assert len(answer["data"]) == min(rows, 61)  # the hand-made past has an hour


@pytest.mark.parametrize(
    ("path", "rule", "most"),
    [
        ("public/funding-rate", {"funding_rate_calls": 10}, 10),
        ("public/funding-rate", {}, 20),
        ("public/price-limit", {"price_limit_calls": 5}, 5),
    ],
)
def test_a_call_limit_is_that_of_the_rule(path: str, rule: Any, most: int) -> None:
    door = Door(**rule)
    codes = [door("GET", f"{path}?instId=BTC-USDT-SWAP")["code"] for _ in range(most + 1)]
    assert codes == ["0"] * most + ["50011"]


@pytest.mark.parametrize("status", [429, 200])
def test_too_many_calls_have_the_http_status_of_the_rule(status: int) -> None:
    door = Door(too_many_status=status)
    assert [door.ask("GET", "system/status").status for _ in range(2)] == [200, status]


@pytest.mark.parametrize(
    ("rule", "headers", "status"),
    [("any", {}, 200), ("live", {}, 200), ("demo", {}, 401), ("live", {"x-simulated-trading": "1"}, 401),
     ("demo", {"x-simulated-trading": "1"}, 200)],
)  # fmt: skip
def test_a_key_belongs_to_one_environment(rule: str, headers: dict[str, str], status: int) -> None:
    answer = Door(environment=rule).ask("GET", "account/config", **headers)
    assert (answer.status, b"50101" in answer.body) == (status, status == 401)


@pytest.mark.parametrize("rule", ["any", "live", "demo"])
@pytest.mark.parametrize("demo", [None, True, False])
def test_a_login_belongs_to_one_environment_if_the_connection_says_which(rule: str, demo: bool | None) -> None:
    wrong = (rule, demo) in (("live", True), ("demo", False))
    line = Line("private", Venue(environment=rule), demo=demo)
    line.login("50101" if wrong else "0")
    assert line.closed == ([4001] if wrong else [])


@pytest.mark.parametrize(("vip", "needed", "served"), [(0, 4, False), (4, 4, True), (4, 5, False), (9, 5, True)])
def test_the_fast_books_are_for_high_tiers_after_login(vip: int, needed: int, served: bool) -> None:
    line = Line("public", Venue(vip=vip, tbt_vip=needed))
    args = [{"channel": channel, **INST} for channel in ("books50-l2-tbt", "books-l2-tbt")]
    assert [m["code"] for m in line.ask("subscribe", *args)] == ["60011" if served else "64003"] * 2
    line.login()
    answers = line.ask("subscribe", *args)
    if not served:
        assert [m["code"] for m in answers] == ["64003"] * 2
        return
    assert [m.get("action") for m in answers] == [None, "snapshot"] * 2
    line.ask("subscribe", {"channel": "books", **INST})
    line.tick(100)
    line.venue.script.say(Change("buy", 639_990, 5, 1))
    pushed = line.tick(100)
    assert [m["arg"]["channel"] for m in pushed] == ["books-l2-tbt", "books50-l2-tbt", "books"]
    assert len({orjson.dumps(m["data"]) for m in pushed}) == 1
    line.venue.script.say(Change("buy", 639_990, 7, 1))
    assert [m["arg"]["channel"] for m in line.tick(10)] == ["books-l2-tbt", "books50-l2-tbt"]
