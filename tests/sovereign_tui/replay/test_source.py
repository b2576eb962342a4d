from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.blackbox import Direction
from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.messages import Alert, MarketTick
from schemas.topology import BRAIN, ENGINE, OPS
from sovereign_tui.cockpit import feed
from sovereign_tui.cockpit.view import TickRate
from sovereign_tui.replay.events import EventKind
from sovereign_tui.replay.index import SHOWN
from sovereign_tui.replay.kinds import kind_of
from sovereign_tui.replay.source import ReplaySource
from tests.sovereign_tui.cockpit import messages as make
from tests.sovereign_tui.replay import support as s
from tests.sovereign_tui.replay.support import Screen, Tape
from tests.support.clock import ManualClock

VIEW_TICK = f"view.tick.{s.INSTRUMENT}"


def _say(tape: Tape, number: int, what: int) -> None:
    """One of all that there is, different each time but for some answers to late joiners."""
    wall_ns = tape.clock.wall_ns()
    match what:
        case 0:
            tape.say(make.tick(number, received_mono_ns=tape.clock.monotonic_ns() - 5))
        case 1:
            tape.say(make.engine(timestamp_ns=wall_ns))
        case 2:
            tape.say(make.decision(sequence=number, timestamp_ns=wall_ns))
        case 3:
            tape.say(s.candle(number // 7, float(number)))
        case 4:
            tape.say(s.history(*range(number // 7)))
        case 5:
            tape.say(make.log(f"line {number}", number))
        case 6:
            tape.say(make.pulse(number))
        case 7:
            tape.say(make.receipt(1_000 + number // 4, number % 5, id_=f"h{number // 4}"))
        case 8:
            tape.say(Alert(kind="halt", text="a", since_ns=number // 5, level="error", active=number % 5 != 4))
        case 9:
            tape.say(make.tick(number), VIEW_TICK)
        case 10:
            tape.say(msgspec.structs.replace(make.orders(), timestamp_ns=wall_ns))
        case 11:
            tape.say(make.positions(str(number % 3 + 1)))
        case _:
            tape.end(ENGINE, in_order=bool(number % 2))
            tape.clock.advance(ms=30)
            tape.start(ENGINE)


@settings(max_examples=40)
@given(data=st.data())
def test_the_view_after_a_jump_is_the_view_that_playing_up_to_there_leaves(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        tape = Tape(Path(name), segment_bytes=data.draw(st.sampled_from((2_000, 20_000, 1 << 20))))
        tape.start(OPS, ENGINE)
        gaps = st.tuples(st.integers(0, 12), st.sampled_from((0, 1, 40, 700, 2_500)))
        for number, (what, gap_ms) in enumerate(data.draw(st.lists(gaps, min_size=1, max_size=60))):
            _say(tape, number + 1, what)
            tape.clock.advance(ms=gap_ms)
        tape.end()
        index = s.indexed(tape.directory)
        jumper = ReplaySource(index, ManualClock())
        for _ in range(3):
            share = data.draw(st.integers(0, 1_000)) / 1_000
            jumper.seek_share(share)
            target_ns = jumper.clock.monotonic_ns()
            jumped = Screen(jumper).poll() if jumper.epoch == 0 else Screen(_fresh(index, target_ns)).poll()
            assert jumped == _played(index, target_ns, data.draw(st.sampled_from((37, 250, 2_000))))


def _fresh(index: s.SessionIndex, at_ns: int) -> ReplaySource:
    source = ReplaySource(index, ManualClock())
    source.seek_ns(at_ns)
    return source


def _played(index: s.SessionIndex, to_ns: int, poll_ms: int) -> s.World:
    real = ManualClock()
    source = ReplaySource(index, real)
    screen = Screen(source)
    screen.poll()
    source.clock.play()
    while source.clock.monotonic_ns() < to_ns:
        real.advance(ns=min(poll_ms * NS_PER_MS, to_ns - source.clock.monotonic_ns()))
        screen.poll()
    assert source.clock.monotonic_ns() == to_ns
    return screen.world


def test_files_that_meet_in_one_instant_are_both_read(tmp_path: Path) -> None:
    tape = Tape(tmp_path, segment_bytes=200)
    tape.start(OPS, ENGINE)
    tape.say(make.engine())
    tape.say(make.account())
    tape.say(make.tick(1))
    tape.end()
    assert len(list((tmp_path / ENGINE).glob("*.bbx"))) > 2
    source, _ = s.opened(tmp_path)
    view = Screen(source).poll().view
    assert source.clock.monotonic_ns() % (5 * NS_PER_S) == 0  # a keyframe too
    assert (view.engine.value, view.account.value) == (make.engine(), make.account())


def test_jumps_back_and_far_forward_begin_anew_and_a_short_step_forward_goes_on(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    s.life(tape, 60)
    source, _ = s.opened(tmp_path)
    screen = Screen(source)
    epochs = []
    for share in (0.2, 0.4, 0.1, 0.95, 0.96):
        source.seek_share(share)
        screen.poll()
        epochs.append(source.epoch)
    assert epochs == [1, 1, 2, 3, 3]
    assert screen.world == Screen(_fresh(source.index, source.clock.monotonic_ns())).poll()
    assert screen.world.view.account.value is not None
    assert str(screen.world.view.account.value.realised_today) == "57.5"


def test_the_price_is_as_old_as_its_frame_and_the_rate_is_that_of_the_second_before(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    s.life(tape, 5)
    tape.clock.advance(s=1)
    tape.start(OPS, ENGINE)
    began_ns = tape.clock.monotonic_ns()
    tape.clock.advance(ms=50)
    tape.say(make.tick(99, received_mono_ns=began_ns + 9))
    tape.end()
    first, second = s.list_sessions(tmp_path).sessions
    index = s.SessionIndex(tmp_path, second)
    index.build()
    source = ReplaySource(index, ManualClock())
    source.seek_share(1.0)
    (arrived,) = [(message, at_ns) for message, at_ns in source.poll() if isinstance(message, MarketTick)]
    assert (arrived[0].sequence, arrived[1]) == (99, began_ns + 9)
    index = s.SessionIndex(tmp_path, first)
    index.build()
    source = ReplaySource(index, ManualClock())
    source.seek_ns(index.first_ns + 3 * NS_PER_S)
    (rate,) = [message for message, _ in source.poll() if isinstance(message, TickRate)]
    assert rate.per_s == 10.0


def test_of_a_frame_only_the_newest_tick_is_decoded_and_those_for_screens_go_first(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE)
    for number in range(100):
        tape.clock.advance(ms=1)
        tape.say(make.tick(number + 1))
        if number == 49:
            tape.say(make.tick(1_000), VIEW_TICK)
    tape.clock.advance(s=20)
    tape.say(make.pulse())
    tape.end()
    source, _ = s.opened(tmp_path)
    source.seek_ns(source.clock.first_ns + 40 * NS_PER_MS)
    assert [message.sequence for message, _ in source.poll() if isinstance(message, MarketTick)] == [40]
    source.seek_share(1.0)
    source.poll()
    later = ReplaySource(source.index, ManualClock())
    later.seek_share(1.0)
    ticks = [message.sequence for message, _ in later.poll() if isinstance(message, MarketTick)]
    assert ticks == [50, 1_000]


def test_the_answer_to_a_late_joiner_does_not_look_new(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE)
    tape.clock.advance(ms=10)
    said_ns = tape.clock.monotonic_ns()
    tape.say(make.decision())
    tape.clock.advance(s=7)
    tape.say(make.decision())
    tape.clock.advance(s=7)
    tape.say(make.pulse())
    tape.end()
    for at_s in (8, 30):  # behind the answer, in the same keyframe and in a later one
        source, _ = s.opened(tmp_path)
        source.step(at_s)
        assert Screen(source).poll().view.decision.at_ns == said_ns


def test_after_a_jump_every_bar_since_the_last_history_is_there(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE)
    tape.say(s.candle(0, 0.5))
    tape.say(s.history(1, 2))
    for number in range(60):
        tape.clock.advance(s=1)
        tape.say(s.candle(3 + number // 10, float(number), confirmed=number % 10 == 9))
    tape.end()
    source, _ = s.opened(tmp_path)
    source.step(36.5)
    closes = {bar * 300 * NS_PER_S: close for bar, close in ((1, 5.0), (2, 5.0), (3, 9.0), (4, 19.0), (5, 29.0))}
    assert Screen(source).poll().bars == {"5m": closes | {6 * 300 * NS_PER_S: 35.0}}


def test_what_others_recorded_is_not_shown(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE, BRAIN)
    tape.raw(OPS, Direction.RECEIVED, "state.engine", codec.encode_engine_state(make.engine()))
    tape.raw(BRAIN, Direction.SENT, "push", b"{}")
    tape.raw(BRAIN, Direction.RECEIVED, "state.engine", codec.encode_engine_state(make.engine()))
    tape.raw(ENGINE, Direction.NOTE, "gate", b"{}")
    tape.clock.advance(s=1)
    tape.say(make.pulse())
    tape.end()
    source, _ = s.opened(tmp_path)
    source.seek_share(1.0)
    assert [type(message).__name__ for message, _ in source.poll()] == ["Signal"]


def test_a_message_that_cannot_be_read_is_counted(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE)
    tape.raw(ENGINE, Direction.SENT, "state.engine", b"\xff\xff\xff")
    tape.say(make.account())
    tape.end()
    source, _ = s.opened(tmp_path)
    source.seek_share(1.0)
    world = Screen(source).poll()
    assert source.malformed == 1
    assert world.view.engine.value is None
    assert world.view.account.value == make.account()


def test_jumps_go_from_event_to_event(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE)
    times = []
    for number in range(3):
        tape.clock.advance(s=4)
        times.append(tape.clock.monotonic_ns())
        tape.say(make.receipt(5, 0, id_=f"h{number}"))
    tape.say(Alert(kind="halt", text="a", since_ns=5, level="error", active=True))
    tape.clock.advance(s=4)
    tape.say(make.pulse())
    tape.end()
    source, real = s.opened(tmp_path)
    seen = []
    while (event := source.jump(forward=True, kinds={EventKind.HALT})) is not None:
        seen.append((event.at_ns, source.clock.monotonic_ns()))
    assert seen == [(at_ns, at_ns) for at_ns in times]
    assert source.jump(forward=False) == source.events[1]
    source.clock.play()
    real.advance(ms=400)
    assert source.jump(forward=False) == source.events[0]  # not the one that was jumped to a moment ago
    assert source.jump(forward=False) is None
    assert [len(source.events_near(count)) for count in (0, 2, 9)] == [0, 2, 4]
    source.step(-100)
    assert source.position == 0.0
    source.step(6)
    assert source.clock.monotonic_ns() == source.clock.first_ns + 6 * NS_PER_S


def test_whatever_a_cockpit_hears_live_is_replayed() -> None:
    known = {topic for topic in (*feed._NOW, *feed._EACH) if any(kind_of(who, Direction.SENT, topic) for who in SHOWN)}
    assert known == {*feed._NOW, *feed._EACH}


def test_what_a_screen_remembers_is_there_after_a_jump(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    s.life(tape, 40)
    source, _ = s.opened(tmp_path)
    source.seek_share(0.9)
    view = Screen(source).poll().view
    assert [len(points) > 30 for points in (view.decisions, view.equity)] == [True, True]
