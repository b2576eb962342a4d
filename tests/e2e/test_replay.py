"""A system that traded and halted, played again: the replay shows what the record says, at every moment asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas import codec
from schemas.blackbox import BlackboxReader, Direction, Record
from schemas.clock import NS_PER_S, SystemClock
from sovereign_tui.cockpit.reduce import reduce
from sovereign_tui.cockpit.view import View
from sovereign_tui.forensics.payload import read
from sovereign_tui.replay.events import EventKind
from sovereign_tui.replay.index import SessionIndex
from sovereign_tui.replay.sessions import Ending, list_sessions
from sovereign_tui.replay.source import ReplaySource
from tests.support.system import System, system, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def _last(records: list[Record], process: str, topic: str, until_ns: int) -> Any:
    found = [
        record for record in records
        if record.process == process and record.direction is Direction.SENT and record.topic == topic
        and record.monotonic_ns <= until_ns
    ]  # fmt: skip
    return read(found[-1]).value if found else None


def _long_enough(here: System) -> dict[str, Any] | None:
    (row,) = here.json("blackbox", "sessions")["sessions"]
    return row if row["to_ns"] - row["from_ns"] > 12 * NS_PER_S else None


def _view(source: ReplaySource, at_ns: int) -> View:
    source.seek_ns(at_ns)
    view = View()
    for message, heard_ns in source.poll():
        view = reduce(view, message, heard_ns)
    return view


def _traded(here: System) -> dict[str, Any] | None:
    recent = (here.status()["orders"] or {}).get("recent", ())
    return next((order for order in recent if order["state"] == "filled"), None)


def test_a_recorded_session_shows_again_what_was_there() -> None:
    with system() as here:
        here.up()
        directory = Path(here.home / "data" / "blackbox")
        order = until("an order is filled", lambda: _traded(here), limit_s=40)
        running = until("there are keyframes to go back to", lambda: _long_enough(here))
        assert running["ending"] == "running"
        halt = here.json("halt")
        assert here.run("down").returncode == 0
        (session,) = list_sessions(directory).sessions
        assert (session.id, session.ending) == (running["id"], Ending.IN_ORDER)
        index = SessionIndex(directory, session)
        index.build()
        assert (index.problems, index.malformed) == ((), 0)
        records = list(BlackboxReader(directory).read())
        _judge(index, records, order, halt["id"])


def _judge(index: SessionIndex, records: list[Record], order: dict[str, Any], halt_id: str) -> None:
    source = ReplaySource(index, SystemClock())
    instrument, length_ns = "BTC-USDT-SWAP", index.last_ns - index.first_ns
    for share in (1.0, 0.9, 0.6, 0.3):  # each is a jump back
        at_ns = index.first_ns + round(share * length_ns)
        view = _view(source, at_ns)
        assert source.epoch > 0
        assert repr(view.decision.value) == repr(_last(records, "ops", "state.decision", at_ns))
        assert view.receipt.value == _last(records, "ops", "ops.receipt", at_ns)
        assert view.orders.value == _last(records, "engine", "state.orders", at_ns)
        shown = [
            record for record in records
            if record.topic in {f"tick.{instrument}", f"view.tick.{instrument}"} and record.process == "engine"
            and record.direction is Direction.SENT and record.monotonic_ns <= at_ns
        ]  # fmt: skip
        views = [record for record in shown if record.topic.startswith("view.")]
        tick = codec.read_tick_slowly(memoryview((views or shown)[-1].payload))
        assert view.tick.value is not None
        assert (view.tick.value.sequence, view.tick.value.last_price) == (tick.sequence, tick.last_price)
        assert abs(source.clock.wall_ns() - view.tick.value.received_ns) < 5 * NS_PER_S
    assert view.receipt.value is None
    end = _view(ReplaySource(index, SystemClock()), index.last_ns)
    assert end.receipt.value is not None
    assert (end.receipt.value.id, end.receipt.value.verified) == (halt_id, True)
    told = {event.kind: event.text for event in reversed(source.events)}
    assert told[EventKind.HALT].startswith(f"HALT {halt_id} by ")
    assert order["intent_id"] in told[EventKind.DECISION]
    assert any("filled" in event.text for event in source.events if event.kind is EventKind.ORDER)
