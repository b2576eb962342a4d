from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import NS_PER_MS, NS_PER_S
from sovereign_tui.cockpit.tty.pacer import PATIENCE_NS, Level, LinkMode, LinkState, Pacer, Sample, judge

TICK_NS = 100 * NS_PER_MS


def run(
    pacer: Pacer, *, rtt_ms: float, width: float, size: int, seconds: float, start_ns: int = NS_PER_S
) -> tuple[int, int, int]:
    """Frames of `size` over a link of `width` bytes/s at ten ticks a second: (frames, most on the way, end)."""
    now_ns, due_ns, frames, most = start_ns, None, 0, 0
    end_ns = start_ns + round(seconds * NS_PER_S)
    tick_ns = start_ns
    while now_ns < end_ns:
        if due_ns is not None and due_ns <= tick_ns:
            now_ns, due_ns = due_ns, None
            pacer.answered(now_ns)
            continue
        now_ns, tick_ns = tick_ns, tick_ns + TICK_NS
        if pacer.may_paint(now_ns):
            most = max(most, 1 + (due_ns is not None))
            frames += 1
            pacer.wrote(now_ns, size)
            due_ns = now_ns + round(rtt_ms * NS_PER_MS + size * NS_PER_S / width)
    return frames, most, end_ns


@given(st.lists(st.tuples(st.sampled_from(["tick", "answer"]), st.integers(0, 3_000), st.integers(1, 50_000))))
def test_no_frame_is_painted_while_one_is_on_its_way_and_none_waits_longer_than_the_patience(
    steps: list[tuple[str, int, int]],
) -> None:
    pacer, now_ns, asked_ns, painted_ns = Pacer(fps=10), NS_PER_S, None, None
    pacer.answered(now_ns)
    for kind, past_ms, size in steps:
        now_ns += past_ms * NS_PER_MS
        if kind == "answer":
            pacer.answered(now_ns)
            asked_ns = None
        elif pacer.may_paint(now_ns):
            assert asked_ns is None or now_ns - asked_ns >= PATIENCE_NS
            assert painted_ns is None or now_ns - painted_ns >= TICK_NS // 2
            pacer.wrote(now_ns, size)
            asked_ns = painted_ns = now_ns
        elif asked_ns is not None:
            assert now_ns - asked_ns < PATIENCE_NS or pacer.level is Level.SLOW
    assert pacer.is_clear(now_ns + PATIENCE_NS)


@given(st.integers(1_000, 60_000), st.floats(1, 300), st.floats(40_000, 10_000_000))
def test_a_slow_link_carries_no_more_than_its_budget(size: int, rtt_ms: float, width: float) -> None:
    pacer = Pacer(fps=10, mode=LinkMode.SLOW)
    pacer.answered(NS_PER_S)
    frames, most, _ = run(pacer, rtt_ms=rtt_ms, width=width, size=size, seconds=30)
    assert most == 1
    assert (frames - 1) * size <= 16_000 * 30
    assert frames <= 30 * 3 + 1


def test_a_fast_link_gets_every_tick() -> None:
    pacer = Pacer(fps=10)
    frames, most, end_ns = run(pacer, rtt_ms=1, width=10e6, size=3_000, seconds=10)
    assert (frames, most) == (101, 1)  # both ends
    state = pacer.state(end_ns)
    assert (state.level, state.dropped) == (Level.FAST, 0)
    assert state.rtt_ms == pytest.approx(1.3, abs=0.01)
    assert state.fps == pytest.approx(10, abs=0.5)
    assert state.bytes_per_s == pytest.approx(30_000, rel=0.05)


def test_auto_falls_to_slow_on_a_bad_link_and_comes_back_on_a_good_one() -> None:
    pacer = Pacer(fps=10)
    _, _, now_ns = run(pacer, rtt_ms=100, width=5_000, size=3_000, seconds=15)
    assert pacer.level is Level.SLOW
    _, _, now_ns = run(pacer, rtt_ms=5, width=1e6, size=5_000, seconds=15, start_ns=now_ns)
    assert pacer.level is Level.FAST


@pytest.mark.parametrize("mode", [LinkMode.FAST, LinkMode.SLOW])
def test_what_the_operator_chose_stays(mode: LinkMode) -> None:
    pacer = Pacer(fps=10, mode=mode)
    for rtt_ms, width in ((100.0, 3_000.0), (1.0, 1e7)):
        run(pacer, rtt_ms=rtt_ms, width=width, size=3_000, seconds=10)
        assert pacer.level.value == mode.value


@given(st.sampled_from(Level), st.lists(st.builds(Sample, st.floats(0, 2_000), st.integers(1, 50_000)), max_size=9))
def test_the_thresholds_lie_apart_so_that_the_level_does_not_flap(level: Level, samples: list[Sample]) -> None:
    base = min((sample.rtt_ms for sample in samples), default=0.0)
    once = judge(level, samples, base)
    assert judge(once, samples, base) is once
    if len(samples) < 5:
        assert once is level


def test_a_terminal_that_never_answers_is_paced_by_what_it_takes() -> None:
    pacer = Pacer(fps=10)
    pacer.wrote(0, 1_000)
    assert not pacer.may_paint(PATIENCE_NS - 1)
    assert pacer.may_paint(PATIENCE_NS)
    pacer.wrote(PATIENCE_NS, 1_000)
    assert not pacer.waits
    assert not pacer.may_paint(PATIENCE_NS + TICK_NS, backlog=1)
    assert pacer.may_paint(PATIENCE_NS + TICK_NS)
    assert pacer.state(PATIENCE_NS) == LinkState(rtt_ms=None, level=Level.FAST, fps=1.0, bytes_per_s=1_000, dropped=0)


def test_an_answer_that_never_comes_is_counted_and_holds_up_nothing() -> None:
    pacer = Pacer(fps=10)
    pacer.wrote(0, 1_000)
    assert pacer.answered(5 * NS_PER_MS) == 5.0
    pacer.wrote(TICK_NS, 1_000)
    assert not pacer.may_paint(TICK_NS + PATIENCE_NS - 1)
    assert pacer.may_paint(TICK_NS + PATIENCE_NS)
    assert pacer.state(TICK_NS + PATIENCE_NS).dropped == 1
    assert pacer.answered(TICK_NS + PATIENCE_NS) is None
