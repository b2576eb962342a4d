"""Orders over the websocket: the answer finds its request, silence is not an answer, and REST stands beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
import pytest

from engine.venue.answers import VenueBusy, VenueRefused, VenueUnknown
from engine.venue.entry import WebsocketEntry
from engine.venue.rest import Rest
from schemas.clock import NS_PER_MS
from tests.support.virtual import WALL_NS, LoopClock, run_virtually

ORDER = {"instId": "BTC-USDT-SWAP", "side": "buy", "sz": "1", "clOrdId": "so1"}


class FakeRest:
    """REST that takes every order."""

    skew_ns = 5_000 * NS_PER_MS

    def __init__(self) -> None:
        self.placed: list[dict[str, Any]] = []
        self.handed_over: list[str] = []

    async def place(self, order: dict[str, Any], *, expires_ms: int) -> str:
        self.placed.append(order)
        return "rest77"

    def unexplained(self, call: str, problem: str, raw: bytes) -> VenueUnknown:
        self.handed_over.append(raw.decode())
        return VenueUnknown(call, "", problem)


class Scene:
    def __init__(self, clock: LoopClock, *, up: bool = True, code: int | None = 10459) -> None:
        self.sent: list[dict[str, Any]] = []
        self.rest, self.up, self.said, self.halted = FakeRest(), up, list[str](), False
        self.entry = WebsocketEntry(
            rest=cast(Rest, self.rest), send=self._send, clock=clock, timeout_ms=1_000,
            log=lambda level, text: self.said.append(text), halted=lambda: self.halted,
        )  # fmt: skip
        self.entry.code = code

    def _send(self, message: dict[str, Any]) -> bool:
        if self.up:
            self.sent.append(message)
        return self.up

    def answer(self, number: int = 0, *, code: str = "0", rows: Any = None, **more: Any) -> bool:
        """The venue answers the request of that number."""
        data = [{"ordId": "77", "sCode": "0", "sMsg": ""}] if rows is None else rows
        body = {"id": self.sent[number]["id"], "op": "order", "code": code, "msg": "", "data": data, **more}
        return self.entry.on_frame(msgspec.json.encode(body))

    async def place(self) -> asyncio.Task[str]:
        task = asyncio.ensure_future(self.entry.place(dict(ORDER), expires_ms=2_000))
        await asyncio.sleep(0)
        return task


def story(work: Callable[[Scene], Awaitable[None]], **scene: Any) -> None:
    async def run(clock: LoopClock) -> None:
        await work(Scene(clock, **scene))

    run_virtually(run)


def test_an_order_names_the_instrument_by_its_code_and_expires_in_the_venue_s_time() -> None:
    async def work(here: Scene) -> None:
        task = await here.place()
        (message,) = here.sent
        assert message["op"] == "order"
        assert message["args"] == [{"instIdCode": 10459, "side": "buy", "sz": "1", "clOrdId": "so1"}]
        assert int(message["expTime"]) == WALL_NS // NS_PER_MS + 1_000_000 + 5_000 + 2_000
        assert here.answer()
        assert await task == "77"
        assert here.rest.placed == []

    story(work)


def test_each_answer_finds_its_own_request_in_any_order() -> None:
    async def work(here: Scene) -> None:
        first, second = await here.place(), await here.place()
        assert here.answer(1, rows=[{"ordId": "2", "sCode": "0"}])
        assert here.answer(0, rows=[{"ordId": "1", "sCode": "0"}])
        assert (await first, await second) == ("1", "2")
        assert not here.answer(0)  # nobody waits for it any more: news for whoever reads the feed

    story(work)


@pytest.mark.parametrize(
    ("rows", "code", "error"),
    [
        ([{"sCode": "51008", "sMsg": "margin"}], "1", VenueRefused),
        ([{"sCode": "50011", "sMsg": "busy"}], "1", VenueBusy),
        ([{"sCode": "51149", "sMsg": "timed out"}], "1", VenueUnknown),
        ([], "50004", VenueUnknown),
    ],
)
def test_the_codes_mean_what_they_mean_over_rest(rows: Any, code: str, error: type[Exception]) -> None:
    async def work(here: Scene) -> None:
        task = await here.place()
        here.answer(code=code, rows=rows)
        with pytest.raises(error):
            await task
        assert here.rest.placed == []  # never sent twice

    story(work)


@pytest.mark.parametrize("rows", [[], [{}], [{"ordId": ""}], ["x"]])
def test_an_answer_that_nobody_can_explain_is_handed_over_whole(rows: Any) -> None:
    async def work(here: Scene) -> None:
        task = await here.place()
        here.answer(rows=rows)
        with pytest.raises(VenueUnknown):
            await task
        assert len(here.rest.handed_over) == 1
        assert here.rest.placed == []

    story(work)


def test_a_lost_line_and_silence_leave_the_outcome_unknown() -> None:
    async def work(here: Scene) -> None:
        lost = await here.place()
        here.entry.on_link(False)
        with pytest.raises(VenueUnknown, match="lost"):
            await lost
        silent = await here.place()
        with pytest.raises(VenueUnknown, match="time-out"):
            await silent
        assert here.rest.placed == []

    story(work)


@pytest.mark.parametrize("scene", [{"up": False}, {"code": None}])
def test_without_a_line_or_a_code_an_order_goes_over_rest(scene: dict[str, Any]) -> None:
    async def work(here: Scene) -> None:
        assert await (await here.place()) == "rest77"
        assert here.rest.placed == [ORDER]

    story(work, **scene)


def test_what_only_the_websocket_refuses_goes_over_rest_and_so_does_everything_after_it() -> None:
    async def work(here: Scene) -> None:
        task = await here.place()
        here.answer(code="60013", rows=[])
        assert await task == "rest77"
        assert await (await here.place()) == "rest77"
        assert len(here.sent) == 1
        assert here.rest.placed == [ORDER, ORDER]
        assert "REST is used from here on" in here.said[0]

    story(work)


def test_a_halt_that_came_meanwhile_keeps_it_from_going_a_second_way() -> None:
    async def work(here: Scene) -> None:
        task = await here.place()
        here.halted = True
        here.answer(code="60013", rows=[])
        with pytest.raises(VenueRefused):
            await task
        assert here.rest.placed == []

    story(work)


@pytest.mark.parametrize("frame", [b"", b'{"id":', b'{"id":"o1"}', b'{"id":"o1","op":"login"}', b'{"event":"x"}'])
def test_other_frames_are_left_to_the_feed(frame: bytes) -> None:
    async def work(here: Scene) -> None:
        task = await here.place()
        assert not here.entry.on_frame(frame)
        assert here.answer()
        assert await task == "77"

    story(work)
