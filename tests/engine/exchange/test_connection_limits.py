"""What a websocket may not do, and the channels that tell of announcements, indices and single fills."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.budget import MESSAGES_MAX, Budget
from engine.exchange.channels import COUNTED
from engine.exchange.market.events import Print
from engine.exchange.server import HOST, Server
from tests.engine.exchange.clients import Line
from tests.engine.exchange.support import CREDENTIALS, Venue

INST = {"instId": "BTC-USDT-SWAP"}
SWAP = {"instType": "SWAP"}
HOUR_NS = 3_600_000_000_000


@pytest.mark.parametrize("channel", sorted(COUNTED))
def test_a_private_channel_serves_so_many_connections_and_the_newest_gets_no_data(channel: str) -> None:
    first = Line("private", Venue(channel_connections=2))
    lines = [first, *(Line("private", first.venue, first.hub) for _ in range(2))]
    events = []
    for line in lines:
        line.login()
        events.append([m for m in line.ask("subscribe", {"channel": channel, **SWAP}) if "event" in m])
    told = [(m["event"], m.get("connCount")) for messages in events for m in messages]
    assert told == [
        ("subscribe", None), ("channel-conn-count", "1"), ("subscribe", None), ("channel-conn-count", "2"),
        ("subscribe", None), ("channel-conn-count-error", "2"),
    ]  # fmt: skip
    assert events[-1][-1] == {
        "event": "channel-conn-count-error", "channel": channel, "connCount": "2", "connId": "c0ffee00",
    }  # fmt: skip
    first.venue.place(sz="2")
    first.tick()
    late = [m for m in lines[2].sent if "data" in m]
    lines[0].session.closed()
    again = [m["event"] for m in lines[2].ask("subscribe", {"channel": channel, **SWAP}) if "event" in m]
    assert (late, again) == ([], ["subscribe", "channel-conn-count"])


def test_480_messages_an_hour_then_60014_then_the_end() -> None:
    for op, code in (("subscribe", 4008), ("unsubscribe", 4009)):
        line = Line("public")
        arg = {"channel": "tickers", **INST}
        for _ in range(MESSAGES_MAX):
            assert line.ask("subscribe", arg)[0]["event"] == "subscribe"
        (error,) = line.ask(op, arg, id="5")
        assert (error["code"], error["id"], line.closed) == ("60014", "5", [])
        assert (line.ask(op, arg), line.closed) == ([], [code])
        line.venue.clock.advance(s=3600)
        assert line.ask("subscribe", arg)[0]["event"] == "subscribe"


@given(st.integers(0, 2**32), st.integers(1, 10))
def test_no_hour_ever_holds_more_than_480_messages(seed: int, mean_s: int) -> None:
    rng, budget, now, served = Random(seed), Budget(), 0, []
    for _ in range(1500):
        now += rng.randrange(2 * mean_s * 1_000_000_000)
        if budget.spend(now) == "":
            served.append(now)
    for at, later in zip(served, served[MESSAGES_MAX:], strict=False):
        assert later - at >= HOUR_NS


def test_more_than_100_args_end_the_connection_and_more_than_64_kb_are_refused() -> None:
    line = Line("public")
    line.ask("subscribe", *[{"channel": "tickers", **INST}] * 101)
    assert (line.sent, line.closed) == ([], [4003])
    line = Line("public")
    (error,) = line.ask("subscribe", {"channel": "tickers", "instId": "ä" * 33_000})
    assert (error["code"], line.closed) == ("60012", [])


@pytest.mark.parametrize("args", [None, {}, [], [1], [{}] * 21, "x"])
def test_an_order_op_of_the_wrong_form_is_answered_with_60013_and_no_data(args: Any) -> None:
    line = Line("private")
    line.login()
    line.sent.clear()
    line.session.receive(orjson.dumps({"id": "7", "op": "batch-orders", "args": args}).decode())
    (answer,) = line.sent
    assert (answer["id"], answer["op"], answer["code"], answer["data"]) == ("7", "batch-orders", "60013", [])


def test_trades_all_tells_each_fill_and_trades_the_group() -> None:
    venue = Venue()
    public, business = Line("public", venue), Line("business", venue)
    business.hub = public.hub
    business.session._hub = public.hub
    public.ask("subscribe", {"channel": "trades", **INST})
    business.ask("subscribe", {"channel": "trades-all", **INST})
    business.sent.clear()
    venue.script.say(Print("sell", 639_999, 1001, 3))
    (grouped,) = [m["data"][0] for m in public.tick()]
    single = [m["data"][0] for m in business.sent]
    assert [(row["sz"], row["px"], row["side"]) for row in single] == [
        ("3.33", "63999.9", "sell"), ("3.33", "63999.9", "sell"), ("3.35", "63999.9", "sell"),
    ]  # fmt: skip
    assert (grouped["sz"], grouped["count"]) == ("10.01", "3")
    assert [int(row["tradeId"]) for row in single] == [int(grouped["tradeId"]) - back for back in (2, 1, 0)]


def test_the_index_is_pushed_under_its_own_name() -> None:
    line = Line("public")
    wrong, right, first = line.ask(
        "subscribe", {"channel": "index-tickers", **INST}, {"channel": "index-tickers", "instId": "BTC-USDT"}
    )
    assert (wrong["code"], right["event"]) == ("60018", "subscribe")
    (row,) = first["data"]
    assert (row["instId"], row["idxPx"]) == ("BTC-USDT", "64000")


def test_instruments_and_status_tell_changes_only() -> None:
    line = Line("public")
    args = {"channel": "instruments", **SWAP}, {"channel": "instruments", "instType": "SPOT"}, {"channel": "status"}
    assert [m["event"] for m in line.ask("subscribe", *args)] == ["subscribe"] * 3
    bulletin = line.venue.exchange.bulletin
    bulletin.set_state("suspend")
    bulletin.set_state("suspend")
    (pushed,) = line.tick()
    assert (pushed["arg"], pushed["data"][0]["state"]) == (args[0], "suspend")
    for _ in range(2):
        bulletin.announce("Upgrade", 1_721_350_000_000, 1_721_360_000_000, "scheduled", line.venue.exchange.now_ms())
    (pushed,) = line.tick()
    assert (pushed["arg"], pushed["data"][0]["title"], pushed["data"][0]["state"]) == (args[2], "Upgrade", "scheduled")


def test_a_binary_frame_and_too_many_connections_in_a_second_are_turned_away() -> None:
    async def story() -> tuple[int | None, list[int]]:
        server = Server(Venue(connections_per_s=3).exchange, CREDENTIALS)
        port = await server.start(0)
        url, statuses = f"ws://{HOST}:{port}/ws/v5/public", []
        try:
            async with aiohttp.ClientSession() as http:
                async with http.ws_connect(url) as socket:
                    await socket.send_bytes(b"{}")
                    assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
                    code = socket.close_code
                for _ in range(3):
                    try:
                        async with http.ws_connect(url):
                            statuses.append(101)
                    except aiohttp.WSServerHandshakeError as error:
                        statuses.append(error.status)
        finally:
            await server.stop()
        return code, statuses

    assert asyncio.run(story()) == (4002, [101, 101, 429])
