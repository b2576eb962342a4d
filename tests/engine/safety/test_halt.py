"""HALT by every path, on a virtual clock: what the receipt says, and what stands in its way."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable
from concurrent.futures import Executor, Future
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from engine.execution.orders import OrderBookkeeper
from engine.risk.trading_state import CauseName, TradingCauses
from engine.risk.view import Terms
from engine.safety.chase import Chase
from engine.safety.halt import Halt
from engine.safety.latch import HaltLatch, Latched
from engine.safety.liquidation import Liquidation
from engine.safety.receipts import ReceiptDesk
from engine.venue.answers import Algo, VenueUnknown
from engine.venue.frames import OrderData, PositionData
from engine.venue.rest import BATCH, Rest
from schemas.blackbox import Direction, NullTap
from schemas.clock import NS_PER_S
from schemas.messages import DecidedOn, OrderAck, OrderReject, OrderRequest, Receipt, Side, Signal, SignalKind
from schemas.messages import TelemetryKind as Kind
from schemas.process import Reporter
from schemas.receipts import fields_of
from schemas.signing import Signer, public_key, verify
from tests.support.orders import TERMS
from tests.support.virtual import LoopClock, run_virtually

ASKING_S = 0.050
INSTRUMENT = "BTC-USDT-SWAP"


def signal(halt_id: str = "h1", kind: SignalKind = SignalKind.SYSTEM_HALT, *, mono_ns: int = 0) -> Signal:
    return Signal(kind=kind, id=halt_id, issuer="test", reason="", timestamp_ns=0, target=halt_id, mono_ns=mono_ns)


class FakeVenue:
    """Says after `ASKING_S` what rested, and what was held, when it was asked. `dead`: says nothing."""

    def __init__(self) -> None:
        self.resting: list[str] = []
        self.held = Decimal(0)
        self.algo_ids = ["a1"]
        self.dead = False
        self.canceled: list[list[str]] = []

    async def _answer(self) -> None:
        await asyncio.sleep(ASKING_S)
        if self.dead:
            raise VenueUnknown("/trade", "", "no answer (time-out)")

    async def pending(self, instrument: str) -> list[OrderData]:
        found = [OrderData(instId=instrument, ordId=one, state="live", side="buy", sz="1") for one in self.resting]
        await self._answer()
        return found

    async def cancel(self, instrument: str, order_ids: list[str]) -> list[str]:
        assert len(order_ids) <= BATCH
        self.canceled.append(order_ids)
        await self._answer()
        self.resting = [one for one in self.resting if one not in order_ids]
        return ["0" for _ in order_ids]

    async def positions(self, instrument: str) -> list[PositionData]:
        held = self.held
        await self._answer()
        return [PositionData(instId=instrument, pos=str(held), mgnMode="isolated")] if held else []

    async def algos(self, instrument: str) -> list[Algo]:
        await self._answer()
        return [Algo(algoId=one, instId=instrument) for one in self.algo_ids]

    async def cancel_algos(self, instrument: str, algo_ids: list[str]) -> None:
        await self._answer()
        self.algo_ids = [one for one in self.algo_ids if one not in algo_ids]


class FullLatch(HaltLatch):
    """On a disk that may be full."""

    full = False

    def set(self, halt: Latched) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().set(halt)


class Inline(Executor):
    """Does it at once; the clock is virtual. `stands`: takes it, and never comes to it."""

    stands = False

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if not self.stands:
            try:
                future.set_result(fn(*args, **kwargs))
            except OSError as error:
                future.set_exception(error)
        return future


class Scene:
    """A halt with its neighbours; the port is a list of what was done to it."""

    def __init__(
        self, clock: LoopClock, home: Path, *, in_flight: Callable[[], int] = lambda: 0, disk: Executor | None = None
    ) -> None:
        self.clock, self.home, self.venue = clock, home, FakeVenue()
        self.acks: list[Receipt] = []
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.port: list[str] = []
        self.causes = TradingCauses(clock=clock, on_change=lambda cause, raised: None)
        self.causes.hold(CauseName.RECONCILING, False)
        self.latch = FullLatch(latch=home / "halt.json", request=home / "HALT")
        orders, rest = OrderBookkeeper(clock), cast(Rest, self.venue)
        self.terms: Terms | None = TERMS
        self.close_with: Callable[[OrderRequest, Decimal], OrderAck | OrderReject] = self._fill
        self.liquidation = Liquidation(
            rest=rest, instrument=INSTRUMENT, margin_mode="isolated", orders=orders, in_flight=in_flight,
            terms=lambda: self.terms, decided_on=lambda: DecidedOn(tick_sequence=1, timestamp_ns=1), clock=clock,
        )  # fmt: skip
        self.liquidation.close = self._close
        self.closes: list[OrderRequest] = []
        self.receipts = ReceiptDesk(
            directory=home / "receipts", signer=Signer.load_or_create(home), reporter=cast(Reporter, self),
            tap=cast(NullTap, self), clock=clock,
        )  # fmt: skip
        self.halt = Halt(
            latch=self.latch, causes=self.causes, liquidation=self.liquidation, receipts=self.receipts,
            close_port=self._close_port, open_port=lambda: self.port.append("open"), clock=clock, disk=disk or Inline(),
            chase=Chase(rest=rest, instrument=INSTRUMENT, orders=orders, in_flight=in_flight, clock=clock),
        )  # fmt: skip

    def _close_port(self) -> tuple[int, int]:
        self.port.append("closed")
        return 1, 2

    async def _close(self, order: OrderRequest, held: Decimal) -> OrderAck | OrderReject:
        self.closes.append(order)
        await asyncio.sleep(ASKING_S)
        return self.close_with(order, held)

    def _fill(self, order: OrderRequest, held: Decimal) -> OrderAck:
        sign = 1 if order.side is Side.BUY else -1
        self.venue.held += sign * order.contracts
        return OrderAck(intent_id=order.intent_id, client_order_id="", venue_order_id="", accepted_ns=0)

    # what the halt takes for reporter and tap

    def send(self, kind: Kind, data: dict[str, Any]) -> None:
        assert kind is Kind.HALT_ACK
        self.acks.append(msgspec.convert(data, Receipt))

    def log(self, level: str, text: str) -> None:
        raise AssertionError(text)

    def record(self, direction: Direction, channel: str, topic: str, payload: bytes, *, vital: bool) -> None:
        assert (direction, channel, vital) == (Direction.NOTE, "halt", True)
        self.notes.append((topic, json.loads(payload)))

    async def until(self, condition: Callable[[Receipt], bool]) -> Receipt:
        end_ns = self.clock.monotonic_ns() + 60 * NS_PER_S
        while not (self.acks and condition(self.acks[-1])):
            assert self.clock.monotonic_ns() < end_ns, self.acks[-1:]
            await asyncio.sleep(0.001)
        return self.acks[-1]

    async def done(self) -> Receipt:
        return await self.until(lambda receipt: receipt.done)


def play(work: Callable[[LoopClock], Any]) -> None:
    run_virtually(work)


@pytest.mark.parametrize("path", ["signal", "SIGUSR1", "halt file", "trip"])
def test_every_path_ends_in_one_signed_receipt_with_the_time_of_each_step(tmp_path: Path, path: str) -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.venue.resting = [str(number) for number in range(45)]
        asked_ns = clock.monotonic_ns() - 1_000
        halt = Latched(id="h1", issuer="me", reason="why", wall_ns=5, mono_ns=asked_ns, own=path == "trip")
        scene.halt.take(halt, path=path)
        receipt = await scene.done()
        assert (receipt.id, receipt.asked, receipt.path, receipt.issuer, receipt.reason) == (
            "h1",
            "h1",
            path,
            "me",
            "why",
        )
        steps = [
            receipt.requested_ns, receipt.received_ns, receipt.latched_ns, receipt.port_closed_ns,
            receipt.cancels_sent_ns, receipt.venue_confirmed_ns,
        ]  # fmt: skip
        assert None not in steps
        assert steps == sorted(cast(list[int], steps))
        assert receipt.requested_ns == asked_ns
        assert (receipt.open_orders, receipt.canceled, receipt.dropped, receipt.chased) == (0, 45, 1, 2)
        assert [len(batch) for batch in scene.venue.canceled] == [20, 20, 5]
        assert receipt.total_ms == (cast(int, receipt.venue_confirmed_ns) - asked_ns) / 1e6
        assert (scene.latch.read(wall_ns=1) or halt).id == "h1"
        assert scene.port == ["closed"]
        cause = CauseName.ENGINE_HALT if path == "trip" else CauseName.OPERATOR_HALT
        assert scene.causes.stands(cause)
        await asyncio.sleep(1)
        (file,) = (tmp_path / "receipts").iterdir()
        kept = json.loads(file.read_bytes())
        assert (file.name, kept["venue_confirmed_ns"]) == ("h1.json", receipt.venue_confirmed_ns)
        assert verify(kept, public_key(tmp_path)) == ""
        assert fields_of(receipt) == kept  # whoever was told has the very same proof
        assert [note["step"] for _, note in scene.notes] == [
            "asked", "latched", "port closed", "venue asked", "cancels sent", "cancels sent", "cancels sent",
            "venue asked", "venue confirmed",
        ]  # fmt: skip

    play(act)


def test_a_halt_asked_again_is_answered_again_and_asks_the_venue_again_when_it_was_done(tmp_path: Path) -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.halt.on_signal(signal())
        first = await scene.done()
        count = len(scene.acks)
        scene.halt.on_signal(signal())
        assert scene.acks[count:] == [first]
        scene.venue.resting = ["late"]
        asked_ns = clock.monotonic_ns()
        scene.halt.on_signal(signal("h2", mono_ns=asked_ns))
        second = await scene.until(lambda receipt: receipt.asked == "h2" and receipt.done)
        assert (second.id, second.requested_ns, second.canceled) == ("h1", asked_ns, 1)
        assert scene.venue.resting == []
        assert scene.port == ["closed"]
        await asyncio.sleep(1)
        assert sorted(path.name for path in (tmp_path / "receipts").iterdir()) == ["h1.h2.json", "h1.json"]

    play(act)


@pytest.mark.parametrize("arrives_ms", [0, 1, 10, 25, 49, 60, 120])
def test_an_order_that_arrives_while_the_venue_is_asked_is_canceled_before_the_halt_is_confirmed(
    tmp_path: Path, arrives_ms: int
) -> None:
    """Its ack comes over the websocket, and may overtake REST's older list of what rests."""

    async def act(clock: LoopClock) -> None:
        in_flight = [1]
        scene = Scene(clock, tmp_path, in_flight=lambda: in_flight[0])

        def arrive() -> None:
            scene.venue.resting.append("1")
            in_flight[0] = 0

        scene.halt.on_signal(signal())
        asyncio.get_running_loop().call_later(0.001 + arrives_ms / 1_000, arrive)
        await scene.done()
        assert scene.venue.resting == []

    play(act)


@pytest.mark.parametrize("resumed", [False, True])
def test_a_latch_that_found_the_disk_full_is_set_as_soon_as_there_is_space(tmp_path: Path, resumed: bool) -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.latch.full = True
        scene.halt.on_signal(signal())
        receipt = await scene.done()
        problem = (
            "the latch could not be written ([Errno 28] No space left on device); a restart would forget this halt"
        )
        assert (receipt.problems, receipt.latched_ns, scene.port) == ((problem,), None, ["closed"])
        if resumed:
            assert scene.halt.on_resume(signal(kind=SignalKind.SYSTEM_RESUME)) == (True, "trading may begin again")
        scene.latch.full = False
        await asyncio.sleep(1.1)
        found = scene.latch.read(wall_ns=1)
        if resumed:
            assert found is None
        else:
            assert found is not None
            assert found.id == "h1"
            assert (scene.acks[-1].problems, scene.acks[-1].latched_ns is None) == ((), False)

    play(act)


def test_a_disk_that_stands_still_is_left_behind_after_a_quarter_of_a_second(tmp_path: Path) -> None:
    async def act(clock: LoopClock) -> None:
        disk = Inline()
        disk.stands = True
        scene = Scene(clock, tmp_path, disk=disk)
        scene.halt.on_signal(signal())
        assert (scene.port, scene.causes.stands(CauseName.OPERATOR_HALT)) == (["closed"], True)
        receipt = await scene.done()
        (problem,) = receipt.problems
        assert problem.startswith("the disk has not taken the latch within 0.25 s")
        assert receipt.latched_ns is None
        assert scene.halt.on_resume(signal(kind=SignalKind.SYSTEM_RESUME)) == (
            False, "the latch is still being written; the halt stands",
        )  # fmt: skip

    play(act)


def test_a_venue_that_says_nothing_is_asked_until_it_does_and_the_halt_stands_meanwhile(tmp_path: Path) -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.venue.dead, scene.venue.resting = True, ["1"]
        scene.halt.on_signal(signal())
        await asyncio.sleep(5)
        waiting = scene.acks[-1]
        assert (waiting.verified, waiting.port_closed_ns is None, scene.port) == (False, False, ["closed"])
        assert waiting.problems == ("venue: /trade:  no answer (time-out)",)
        scene.venue.dead = False
        assert (await scene.done()).open_orders == 0

    play(act)


@pytest.mark.parametrize("held", ["2.5", "-7", "0"])
def test_a_flatten_cancels_first_and_closes_what_the_venue_says_is_held(tmp_path: Path, held: str) -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.venue.held, scene.venue.resting = Decimal(held), ["1"]
        scene.halt.on_signal(signal(kind=SignalKind.FLATTEN), flatten=True)
        receipt = await scene.done()
        assert (scene.venue.held, scene.venue.resting, scene.venue.algo_ids) == (0, [], [])
        assert (receipt.verified, receipt.position_contracts) == (True, 0)
        assert cast(int, receipt.flat_ns) >= cast(int, receipt.venue_confirmed_ns)
        assert [(order.contracts, order.reduce_only) for order in scene.closes] == (
            [(abs(Decimal(held)), True)] if held != "0" else []
        )

    play(act)


def test_a_flatten_that_is_refused_goes_on_and_a_plain_halt_beside_it_is_verified(tmp_path: Path) -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.venue.held = Decimal(1)
        fill = scene.close_with
        scene.close_with = lambda order, held: OrderReject(
            intent_id="", code=cast(Any, "VENUE_REFUSED"), rule="venue 51008", observed=None, limit=None, text="no"
        )
        scene.halt.on_signal(signal("f1", SignalKind.FLATTEN), flatten=True)
        await asyncio.sleep(2)
        scene.halt.on_signal(signal("h2"))
        plain = await scene.until(lambda receipt: receipt.asked == "h2" and receipt.done)
        assert plain.flatten is False
        assert scene.halt.on_resume(signal("f1", SignalKind.SYSTEM_RESUME)) == (
            False, "the position is still being closed; the halt stands",
        )  # fmt: skip
        scene.close_with = fill
        flat = await scene.until(lambda receipt: receipt.asked == "f1" and receipt.done)
        assert flat.problems == ("close refused: VENUE_REFUSED venue 51008 no",)

    play(act)


def test_a_flatten_under_the_id_of_a_halt_that_stands_is_a_flatten(tmp_path: Path) -> None:
    """An engine that was started anew has read the halt from the file that ops wrote for the flatten."""

    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.venue.held = Decimal(1)
        scene.halt.take(Latched(id="f1", issuer="ops", reason="", wall_ns=1), path="halt file")
        await scene.done()
        scene.halt.on_signal(signal("f1", SignalKind.FLATTEN), flatten=True)
        await scene.until(lambda receipt: receipt.flatten and receipt.done)
        assert scene.venue.held == 0

    play(act)


def test_the_file_of_a_flatten_that_is_found_later_does_not_make_it_less(tmp_path: Path) -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.venue.held = Decimal(1)
        scene.halt.on_signal(signal("f1", SignalKind.FLATTEN), flatten=True)
        scene.halt.take(Latched(id="f1", issuer="ops", reason="", wall_ns=1), path="halt file")
        found = scene.latch.read(wall_ns=1)
        assert found is not None
        assert found.flatten  # a restart goes on with it
        await scene.until(lambda receipt: receipt.flatten and receipt.done)
        assert scene.venue.held == 0

    play(act)


def test_an_operators_halt_on_top_of_the_engines_own_leaves_nothing_but_cancels(tmp_path: Path) -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.halt.take(Latched(id="t1", issuer="engine", reason="", wall_ns=1, own=True), path="trip")
        await scene.done()
        assert not scene.causes.stands(CauseName.OPERATOR_HALT)
        scene.halt.on_signal(signal("h2"))
        await scene.until(lambda receipt: receipt.asked == "h2" and receipt.done)
        assert scene.causes.stands(CauseName.OPERATOR_HALT)
        found = scene.latch.read(wall_ns=1)
        assert found is not None
        assert (found.id, found.own) == ("t1", False)
        assert scene.halt.on_resume(signal("t1", SignalKind.SYSTEM_RESUME))[0]
        assert not scene.causes.names

    play(act)


def test_a_resume_needs_the_id_and_is_refused_while_a_cause_stands(tmp_path: Path) -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.halt.on_signal(signal())
        await scene.done()
        assert scene.halt.on_resume(signal("h9")) == (False, "halt h1 stands, h9 was named")
        scene.causes.hold(CauseName.DAILY_LOSS, True, "-3 %")
        ok, why = scene.halt.on_resume(signal("h1"))
        assert (ok, why.split(";")[0], scene.port) == (False, "daily_loss: -3 %", ["closed"])
        scene.causes.hold(CauseName.DAILY_LOSS, False)
        scene.causes.hold(CauseName.UNPROTECTED, True, "its stop is made when it may be")
        assert scene.halt.on_resume(signal("h1")) == (True, "trading may begin again")
        assert (scene.port, scene.halt.halt_id, scene.latch.read(wall_ns=1)) == (["closed", "open"], None, None)
        count = len(scene.acks)
        scene.halt.on_signal(signal("h1"))  # a late repetition of what was lifted
        assert (scene.halt.halt_id, len(scene.acks)) == (None, count)

    play(act)


def test_a_latch_that_cannot_be_removed_outlives_the_process(tmp_path: Path) -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.halt.on_signal(signal())
        await scene.done()
        (tmp_path / "HALT").mkdir()
        ok, why = scene.halt.on_resume(signal("h1"))
        assert (ok, why.partition(" (")[0]) == (False, "the latch cannot be removed")
        (tmp_path / "HALT").rmdir()
        found = scene.latch.read(wall_ns=1)
        assert found is not None
        assert (found.id, scene.halt.halt_id, scene.port) == ("h1", "h1", ["closed", "open", "closed"])
        assert scene.causes.stands(CauseName.OPERATOR_HALT)

    play(act)


def test_a_latch_that_was_half_removed_is_set_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.halt.on_signal(signal())
        await scene.done()
        written = scene.latch._write

        def tear(fields: dict[str, Any]) -> None:
            written(fields)
            if not fields["halted"]:
                raise OSError(errno.EIO, "not synced")

        monkeypatch.setattr(scene.latch, "_write", tear)
        assert scene.halt.on_resume(signal("h1")) == (
            False, "the latch cannot be removed (not synced); the halt stands"
        )  # fmt: skip
        found = scene.latch.read(wall_ns=1)
        assert found is not None
        assert found.id == "h1"

    play(act)


def test_a_latch_outlives_the_process_and_is_asked_about_at_the_next_start(tmp_path: Path) -> None:
    async def first(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        assert scene.halt.recall() == ""
        scene.halt.on_signal(signal())
        await scene.done()

    async def second(clock: LoopClock) -> None:
        scene = Scene(clock, tmp_path)
        scene.venue.resting = ["1"]
        scene.halt.recall()
        assert (scene.halt.halt_id, scene.causes.stands(CauseName.OPERATOR_HALT)) == ("h1", True)
        receipt = await scene.done()
        assert (receipt.path, receipt.issuer, scene.venue.resting) == ("latch", "test", [])

    play(first)
    play(second)


def test_halts_made_by_hand_have_ids_of_their_own(tmp_path: Path) -> None:
    async def act(clock: LoopClock) -> None:
        scene, ids = Scene(clock, tmp_path), []
        for _ in range(2):
            (tmp_path / "HALT").touch()
            found = scene.latch.requested(wall_ns=1)
            assert found is not None
            scene.halt.take(found, path="halt file")
            await scene.until(lambda receipt: receipt.done)
            ids.append(scene.halt.halt_id)
            assert scene.halt.on_resume(signal(str(ids[-1])))[0]
            assert not (tmp_path / "HALT").exists()
        assert ids[0] != ids[1]
        assert all(str(one).startswith("haltfile-") for one in ids)

    play(act)
