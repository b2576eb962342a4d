from __future__ import annotations

from pathlib import Path

import pytest

from engine.safety.latch import HaltLatch, Latched
from engine.safety.watches import BrainWatch, SilenceWatch
from schemas.messages import Heartbeat

S = 1_000_000_000


def beat(tick: int) -> Heartbeat:
    return Heartbeat(process="brain", last_tick_sequence=tick, last_decision_sequence=1, created_ns=0)


def test_a_brain_that_was_never_heard_is_dead() -> None:
    assert BrainWatch(3).dead(10 * S, tick_sequence=1, tick_age_ns=0) == "no heartbeat yet"


def test_a_brain_is_dead_after_three_seconds_of_silence_and_not_before() -> None:
    watch = BrainWatch(3)
    watch.on_heartbeat(beat(5), 10 * S)
    assert watch.dead(13 * S, tick_sequence=5, tick_age_ns=0) == ""
    assert watch.dead(13 * S + 1, tick_sequence=5, tick_age_ns=0) == "no heartbeat for 3.0 s"
    watch.on_heartbeat(beat(6), 14 * S)
    assert watch.dead(14 * S, tick_sequence=6, tick_age_ns=0) == ""


def test_a_brain_that_beats_but_does_not_get_on_while_ticks_flow_is_dead() -> None:
    watch = BrainWatch(3)
    for second in range(4):
        watch.on_heartbeat(beat(7), second * S)
        assert watch.dead(second * S, tick_sequence=100 + second, tick_age_ns=0) == ""
    watch.on_heartbeat(beat(7), 4 * S)
    assert watch.dead(4 * S, tick_sequence=900, tick_age_ns=0) == "alive but stuck at tick 7 for 4.0 s"
    watch.on_heartbeat(beat(8), 5 * S)
    assert watch.dead(5 * S, tick_sequence=950, tick_age_ns=0) == ""


def test_a_brain_is_not_stuck_because_the_feed_was_silent() -> None:
    """It has seen all that there was; of the first tick afterwards it tells with its next heartbeat."""
    watch = BrainWatch(3)
    for second in range(20):
        watch.on_heartbeat(beat(7), second * S)
        assert watch.dead(second * S, tick_sequence=7, tick_age_ns=second * S) == ""
    assert watch.dead(20 * S, tick_sequence=8, tick_age_ns=0) == ""
    watch.on_heartbeat(beat(9), 20 * S + S // 2)
    assert watch.dead(21 * S, tick_sequence=12, tick_age_ns=0) == ""


def test_a_brain_that_stands_still_with_the_market_lives() -> None:
    watch = BrainWatch(3)
    for second in range(5):
        watch.on_heartbeat(beat(7), second * S)
    assert watch.dead(4 * S, tick_sequence=7, tick_age_ns=0) == ""
    assert watch.dead(4 * S, tick_sequence=8, tick_age_ns=4 * S) == ""


def test_silence_of_ops_is_measured_from_its_last_word() -> None:
    watch = SilenceWatch(3)
    assert (watch.silent(S), watch.age_ms(S)) == ("not heard yet", None)
    watch.heard(S)
    assert (watch.silent(4 * S), watch.age_ms(2 * S)) == ("", 1000.0)
    assert watch.silent(4 * S + 1) == "silent for 3.0 s"


def latch(tmp_path: Path) -> HaltLatch:
    return HaltLatch(latch=tmp_path / "halt.json", request=tmp_path / "HALT")


HALT = Latched(id="h1", issuer="op", reason="test", wall_ns=5)


def test_a_latch_outlives_its_writer_and_is_gone_after_clear(tmp_path: Path) -> None:
    assert latch(tmp_path).read(wall_ns=9) is None
    latch(tmp_path).set(HALT)
    assert latch(tmp_path).read(wall_ns=9) == HALT
    latch(tmp_path).clear()
    assert latch(tmp_path).read(wall_ns=9) is None


@pytest.mark.parametrize(
    "content",
    [
        b"", b"rubbish", b"[]", b"{}", b'{"id": ""}', b'{"id": "\xff"}', b"[" * 100_000, b'{"wall_ns": "noon"}',
        b'{"wall_ns": 1e300}', b'{"wall_ns": [1]}',
    ],
)  # fmt: skip
def test_a_halt_file_halts_whatever_is_in_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "HALT").write_bytes(content)
    found = latch(tmp_path).read(wall_ns=9)
    assert found is not None
    assert found.id == "haltfile"
    latch(tmp_path).set(found)
    assert latch(tmp_path).read(wall_ns=9) == found
    latch(tmp_path).clear()
    assert not (tmp_path / "HALT").exists()
