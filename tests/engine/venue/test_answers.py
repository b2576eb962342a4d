"""What an answer of the venue can mean: each class of code, any bytes at all, and what nobody can explain."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.faults.answers import UNEXPLAINED
from engine.exchange.faults.switchboard import Fault
from engine.risk.trading_state import CauseName
from engine.venue import codes
from engine.venue.answers import Unexplained, VenueBusy, VenueError, VenueRefused, VenueUnknown, unwrap
from engine.venue.frames import FrameError, decode_frame
from engine.venue.http import NoAnswer
from engine.venue.rest import Rest
from engine.venue.sign import Credentials
from schemas.messages import OrderAck, OrderReject, RejectCode, Side, TradingState
from tests.support.clock import ManualClock
from tests.support.laboratory import SECRET
from tests.support.trader import Trader, in_laboratory

CALL = "/trade/order"
BATCH = "/trade/cancel-batch-orders"
REFUSED = sorted(code for code in codes._REFUSALS)


def envelope(code: object = "0", *rows: object, msg: str = "") -> bytes:
    return orjson.dumps({"code": code, "msg": msg, "data": list(rows)})


def row(code: str, **more: str) -> dict[str, str]:
    return {"ordId": "7", "sCode": code, "sMsg": "said", **more}


def kind_of(code: str) -> type[Exception]:
    if code in codes.BUSY:
        return VenueBusy
    return VenueUnknown if code in codes.UNKNOWN else VenueRefused


def test_what_is_done_comes_with_its_rows() -> None:
    assert unwrap(CALL, 200, envelope("0", row("0"))) == [row("0")]
    assert unwrap(CALL, 200, envelope(0)) == []
    assert unwrap(CALL, 200, b'{"code":"0","data":null}') == []
    assert unwrap("/market/candles", 200, envelope("0", ["1", "2"])) == [["1", "2"]]


@pytest.mark.parametrize("code", sorted({*codes.BUSY, *codes.UNKNOWN, *REFUSED, "51008_1000"}))
def test_a_code_means_the_same_outside_and_inside(code: str) -> None:
    for raw, text in ((envelope(code, msg="said"), "said"), (envelope("1", row(code)), "said"),
                      (envelope("0", row(code)), "said")):  # fmt: skip
        with pytest.raises(VenueError) as caught:
            unwrap(CALL, 200, raw)
        error = caught.value
        assert (type(error), error.call, error.code, error.text) == (kind_of(code), CALL, code, text)


def test_a_batch_tells_each_item_by_itself() -> None:
    rows = [row("0"), row("51400")]
    assert unwrap(BATCH, 200, envelope("2", *rows)) == rows
    assert unwrap(BATCH, 200, envelope("1", rows[1], rows[1])) == [rows[1], rows[1]]
    with pytest.raises(VenueBusy):
        unwrap(BATCH, 429, envelope("50011"))


@pytest.mark.parametrize("code", ["1", "2", "99999", "", "None", "51603x"])
def test_a_code_that_the_guide_does_not_name_is_not_explained(code: str) -> None:
    with pytest.raises(Unexplained, match=f"code {code!r}"):
        unwrap(CALL, 200, envelope(code))


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b"7", b'{"code":"0","data":"x"}', b'{"data":[]}', b"\xff"])
def test_what_is_no_envelope_is_unknown_from_a_broken_server_and_else_unexplained(raw: bytes) -> None:
    with pytest.raises(VenueUnknown, match="HTTP 502"):
        unwrap(CALL, 502, raw)
    with pytest.raises(Unexplained):
        unwrap(CALL, 200, raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99_999) | st.text(max_size=5)
    | st.sampled_from(["0", "1", "2", "50011", "50004", "51603", "51008"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["code", "data", "msg", "sCode", "sMsg", "ordId", "ts"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
FIELDS = (
    "instId",
    "ordId",
    "algoId",
    "tradeId",
    "billId",
    "state",
    "side",
    "sz",
    "ts",
    "ctVal",
    "details",
    "lever",
    "pos",
)
ROWS = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON | st.just("BTC-USDT-SWAP")))
ENVELOPES = st.fixed_dictionaries(
    {"code": st.just("0") | JSON, "data": st.lists(ROWS | JSON, max_size=3) | JSON}, optional={"msg": JSON}
) | JSON  # fmt: skip
BODIES = ENVELOPES.map(orjson.dumps) | st.binary(max_size=60)
STATUS = st.sampled_from([200, 400, 401, 404, 429, 500, 502, 503])


@given(st.sampled_from([CALL, BATCH]), STATUS, BODIES)
def test_whatever_comes_is_rows_or_one_of_the_promised_errors(call: str, status: int, raw: bytes) -> None:
    with suppress(VenueError, Unexplained):
        assert isinstance(unwrap(call, status, raw), list)


def rest_that_says(status: int, raw: bytes) -> tuple[Rest, list[tuple[str, str]]]:
    async def transport(method: str, target: str, body: str, headers: dict[str, str]) -> tuple[int, bytes]:
        return status, raw

    told: list[tuple[str, str]] = []
    credentials = Credentials(api_key="key", secret=SECRET, passphrase="phrase")
    return Rest(
        transport, credentials=credentials, clock=ManualClock(), on_unexplained=lambda *said: told.append(said)
    ), told  # fmt: skip


CALLS: dict[str, Any] = {
    "server_time_ms": lambda rest: rest.server_time_ms(),
    "instrument": lambda rest: rest.instrument("BTC-USDT-SWAP"),
    "config": lambda rest: rest.config(),
    "balance": lambda rest: rest.balance(),
    "positions": lambda rest: rest.positions("BTC-USDT-SWAP"),
    "pending": lambda rest: rest.pending("BTC-USDT-SWAP"),
    "algos": lambda rest: rest.algos("BTC-USDT-SWAP"),
    "order": lambda rest: rest.order("BTC-USDT-SWAP", "so1"),
    "fills": lambda rest: rest.fills("BTC-USDT-SWAP", since_ms=0),
    "leverage": lambda rest: rest.leverage("BTC-USDT-SWAP", "isolated"),
    "place": lambda rest: rest.place({}, expires_ms=1),
    "place_algo": lambda rest: rest.place_algo({}),
    "cancel_algos": lambda rest: rest.cancel_algos("BTC-USDT-SWAP", ["1"]),
    "cancel_all_after": lambda rest: rest.cancel_all_after(0),
    "cancel": lambda rest: rest.cancel("BTC-USDT-SWAP", ["1"]),
    "candles": lambda rest: rest.candles("BTC-USDT-SWAP", "5m", 3),
}


@pytest.mark.parametrize("name", CALLS)
@given(status=STATUS, raw=BODIES)
def test_every_call_raises_what_it_promises_and_nothing_else(name: str, status: int, raw: bytes) -> None:
    rest, told = rest_that_says(status, raw)
    with suppress(VenueRefused, VenueUnknown):
        asyncio.run(CALLS[name](rest))
    for _, said in told:
        assert any(whole in said for whole in wholes(raw))


def wholes(raw: bytes) -> list[str]:
    """An answer, its data, and each of its rows."""
    try:
        data = orjson.loads(raw)["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        data = None
    rows = data if isinstance(data, list) else []
    return [raw.decode("utf-8", "replace"), *(orjson.dumps(each).decode() for each in (rows, *rows))]


POSITION = {"instId": "BTC-USDT-SWAP", "pos": "1"}
ORDER = {"instId": "BTC-USDT-SWAP", "ordId": "7", "state": "live", "side": "buy", "sz": "1"}
FILL = {
    "instId": "BTC-USDT-SWAP",
    "tradeId": "1",
    "ordId": "7",
    "fillPx": "64000",
    "fillSz": "1",
    "ts": "1721347020000",
}


@pytest.mark.parametrize(
    ("name", "good", "field"),
    [
        ("positions", POSITION, "pos"), ("positions", POSITION, "liqPx"), ("pending", ORDER, "sz"),
        ("order", ORDER, "avgPx"), ("fills", FILL, "fillPx"), ("fills", FILL, "fee"), ("fills", FILL, "ts"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", ["many", "1,5", "--1", "nan", "1.5.2", " "])
def test_a_number_that_is_none_is_unexplained_where_it_comes_in(
    name: str, good: dict[str, str], field: str, text: str
) -> None:
    for value in ("-12.50", "0", "1E-7", "7.") if field != "ts" else ("12",):
        rest, told = rest_that_says(200, envelope("0", good | {field: value}))
        asyncio.run(CALLS[name](rest))
        assert told == []
    rest, told = rest_that_says(200, envelope("0", good | {field: text}))
    with pytest.raises(VenueUnknown):
        asyncio.run(CALLS[name](rest))
    assert len(told) == 1
    frame = {"arg": {"channel": "orders"}, "data": [ORDER | {"accFillSz": text}]}
    with pytest.raises(FrameError):
        decode_frame(orjson.dumps(frame))


@pytest.mark.parametrize("answer", UNEXPLAINED)
def test_an_answer_that_nobody_can_explain_is_handed_over_whole(answer: object) -> None:
    raw = orjson.dumps(answer)
    rest, told = rest_that_says(200, raw)
    with pytest.raises(VenueUnknown):
        asyncio.run(rest.place({"sz": "1"}, expires_ms=1))
    ((call, said),) = told
    whole = orjson.dumps(answer["data"]) if isinstance(answer, dict) and isinstance(answer.get("data"), list) else raw
    assert (call, said.endswith(": " + whole.decode())) == (CALL, True)


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_after_one_new_risk_waits_for_the_operator_and_for_the_venue(tmp_path: Path, seed: int, executed: bool) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        life = lab.life
        assert life is not None
        await trader.told(Side.BUY, "2")
        lab.faults.arm(Fault(name="unexplained_answer", times=1, executed=executed))
        said = await trader.told(Side.BUY)
        assert isinstance(said, OrderAck if executed else OrderReject)
        (cause,) = life.causes.standing()
        assert (cause.name, cause.forces) == ("unexplained", TradingState.REDUCING)
        assert cause.detail.endswith("; `sovereign rearm` when it is understood")
        assert [text for level, text in life.said if "guide does not explain" in text] != []
        refused = await trader.told(Side.BUY)
        assert isinstance(refused, OrderReject)
        assert refused.code is RejectCode.TRADING_STATE
        assert isinstance(await trader.told(Side.SELL, "1", reduce_only=True), OrderAck)
        await asyncio.sleep(30)
        assert life.causes.stands(CauseName.UNEXPLAINED)
        assert life.trading.rearm() == "unexplained"
        assert [cause.name for cause in life.causes.standing()] == ["reconciling"]
        await lab.until(life.trading.reconciled.is_set, within_s=5)
        assert (life.causes.state, life.trading.rearm()) == (TradingState.ACTIVE, "")
        assert isinstance(await trader.told(Side.BUY), OrderAck)
        await lab.settle()
        assert (lab.differences(), trader.lost()) == ([], [])

    in_laboratory(tmp_path, act, seed=seed)


@pytest.mark.parametrize(
    ("status", "raw", "kind"),
    [
        (200, envelope("50011"), "busy"),
        (200, envelope("51008"), "refused"),
        (200, envelope("50004"), "unknown"),
        (502, b"<html>", "unknown"),
        (200, b"<html>", "unexplained"),
        (200, None, "no_answer"),
    ],
)
def test_what_was_not_done_is_counted_once_by_its_kind(status: int, raw: bytes | None, kind: str) -> None:
    async def transport(method: str, target: str, body: str, headers: dict[str, str]) -> tuple[int, bytes]:
        if raw is None:
            raise NoAnswer("time-out")
        return status, raw

    credentials = Credentials(api_key="key", secret=SECRET, passphrase="phrase")
    rest = Rest(transport, credentials=credentials, clock=ManualClock())
    assert set(rest.errors.values()) == {0}
    with pytest.raises(VenueError):
        asyncio.run(rest.server_time_ms())
    assert {name: count for name, count in rest.errors.items() if count} == {kind: 1}
