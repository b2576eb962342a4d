"""What charts are told of the candles: all that layer 1 knows, bounded, and nothing that a decision looks at."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.memory import Memory
from brain.price_action.live import RECENT
from brain.price_action.view import Mark, MarkKind
from brain.structure import same_structure, structure_message, why_unknown
from schemas import codec
from schemas.messages import FRAME_NS, Candle, CandleHistory, FrameStructure, Structure, Telemetry, TelemetryKind
from schemas.settings import Settings
from tests.brain.price_action.bars import START_NS, random_walk

FRAMES = ("1m", "5m")
SHOWN = {MarkKind.SWING: "swing", MarkKind.BOS: "bos", MarkKind.CHOCH: "choch"}


def settings_of(**price_action: Any) -> Settings:
    return Settings.model_validate({"brain": {"frames": FRAMES}, "price_action": {"swing_bars": 2} | price_action})


def candles(frame: str, count: int, seed: int) -> tuple[Candle, ...]:
    bars = random_walk(count, seed)
    return tuple(
        Candle(
            instrument="X", frame=frame, sequence=0, open_ns=START_NS + k * FRAME_NS[frame], received_ns=1,
            open=float(bars.open[k]), high=float(bars.high[k]), low=float(bars.low[k]), close=float(bars.close[k]),
            volume=1.0, confirmed=True,
        )
        for k in range(count)
    )  # fmt: skip


def heard(count: int, *, seed: int = 1, settings: Settings | None = None) -> Memory:
    memory = Memory.of(settings or settings_of())
    for frame in FRAMES if count else ():
        each = candles(frame, count, seed)
        memory.on_history(CandleHistory(instrument="X", frame=frame, sequence=1, received_ns=1, candles=each))
    while memory.behind:
        memory.catch_up()
    return memory


def frame_of(memory: Memory) -> FrameStructure:
    return structure_message(memory, "X", 7).frames[0]


def test_before_the_first_candle_it_says_why_nothing_is_known() -> None:
    message = structure_message(heard(0), "X", 7)
    assert message == Structure(
        timestamp_ns=7, instrument="X", frames=tuple(FrameStructure(frame=f, unknown="no bars yet") for f in FRAMES)
    )


def test_all_that_the_view_knows_is_told_field_by_field() -> None:
    memory = heard(400)
    told, view = frame_of(memory), memory.frames["1m"].view
    assert (told.unknown, told.bars, told.open_ns) == ("", 400, START_NS + 399 * FRAME_NS["1m"])
    names = {"swing_high", "swing_low", "last_break", "blocks", "gaps", "joined_gaps", "levels", "pools", "sessions"}
    for name in set(view._fields) - names:
        assert getattr(told, name) == getattr(view, name), name
    assert {"frame", "marks"} | set(view._fields) == set(FrameStructure.__struct_fields__)
    for name in names - {"last_break"}:
        known = getattr(view, name)
        several = known if isinstance(known, tuple) and not hasattr(known, "_fields") else (known,)
        shown = getattr(told, name)
        for one, each in zip(shown if isinstance(shown, tuple) else (shown,), several, strict=True):
            assert msgspec.structs.asdict(one) == each._asdict(), name
    assert view.last_break is not None
    assert told.last_break is not None
    assert msgspec.structs.asdict(told.last_break) == view.last_break._asdict() | {"kind": SHOWN[view.last_break.kind]}
    assert told.blocks
    assert told.gaps
    assert told.levels
    assert told.pools


def test_the_marks_are_the_last_fifty_swings_and_breaks_in_their_order() -> None:
    memory = Memory.of(settings_of())
    layer, seen = memory.frames["1m"].layer, list[Mark]()
    for each in candles("1m", 400, 3):
        layer.on_bar(each.open_ns, each.open, each.high, each.low, each.close)
        seen += [mark for mark in layer.marks if mark.kind in SHOWN]
    assert len(seen) > RECENT
    told = [(mark.kind, mark.direction, mark.price, mark.open_ns, mark.confirmed_ns) for mark in frame_of(memory).marks]
    assert told == [
        (SHOWN[mark.kind], mark.direction, mark.top, mark.open_ns, mark.confirmed_ns) for mark in seen[-RECENT:]
    ]
    assert {kind for kind, *_ in told} == {"swing", "bos", "choch"}
    layer.reset()
    assert frame_of(memory).marks == ()


def test_a_hole_in_the_candles_and_bars_that_wait_are_said() -> None:
    memory = heard(100)
    frame = memory.frames["1m"]
    late = msgspec.structs.replace(candles("1m", 1, 1)[0], open_ns=START_NS + 105 * FRAME_NS["1m"])
    memory.on_candle(late)
    assert frame.candles.hole
    assert why_unknown(frame) == frame.candles.hole == frame_of(memory).unknown
    fresh = heard(0)
    each = candles("1m", 100, 1)
    fresh.on_history(CandleHistory(instrument="X", frame="1m", sequence=1, received_ns=1, candles=each))
    fresh.catch_up(10)
    assert frame_of(fresh).unknown == "90 candles are still to be read"
    assert frame_of(fresh).bars == 10


def test_it_is_the_same_until_a_bar_comes_or_something_else_is_unknown() -> None:
    def known(memory: Memory) -> list[Any]:
        return [(frame.view, why_unknown(frame)) for frame in memory.frames.values()]

    memory = heard(100)
    before = known(memory)
    assert same_structure(known(memory), before)
    assert not same_structure(before, ())
    following = candles("1m", 101, 1)[-1]
    memory.on_candle(msgspec.structs.replace(following, confirmed=False))
    assert same_structure(known(memory), before), "a bar that still forms changes nothing"
    memory.on_candle(following)
    memory.catch_up()
    assert not same_structure(known(memory), before)
    assert not same_structure([(view, "a hole") for view, _ in before], before)


@pytest.mark.parametrize("nearest", [1, 50])
def test_its_size_is_bounded_by_the_settings(nearest: int) -> None:
    memory = heard(3_000, settings=settings_of(nearest=nearest, swing_bars=1))
    message = structure_message(memory, "X", 7)
    for frame in message.frames:
        assert len(frame.marks) == RECENT
        for name in ("blocks", "gaps", "joined_gaps", "levels", "pools"):
            assert len(getattr(frame, name)) <= nearest
    pushed = codec.encode_telemetry(
        Telemetry(
            kind=TelemetryKind.STRUCTURE, process="brain", pid=1, sequence=1, timestamp_ns=1, mono_ns=1,
            data=msgspec.to_builtins(message),
        )
    )  # fmt: skip
    assert len(pushed) < (40 << 10) * len(FRAMES)


@given(st.integers(0, 300), st.integers(0, 10_000))
def test_whatever_the_candles_it_comes_through_both_wires_as_it_was(count: int, seed: int) -> None:
    message = structure_message(heard(count, seed=seed), "X", 7)
    data = msgspec.to_builtins(message)
    pushed = Telemetry(
        kind=TelemetryKind.STRUCTURE, process="brain", pid=1, sequence=1, timestamp_ns=1, mono_ns=1, data=data
    )
    read = codec.read_telemetry(codec.decode_telemetry(codec.encode_telemetry(pushed)))
    assert read == message
    assert codec.decode_structure(codec.encode_structure(read)) == message
