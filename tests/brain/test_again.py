"""A record is decided again whatever is asked for, and what makes no sense is refused in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from brain import again
from brain.again import Broken, Session, sessions
from brain.mind import Mind
from brain.turns import CHANNEL, START, TURN, Start, Turn
from schemas import codec, topology
from schemas.blackbox import BlackboxReader, Direction, Record, TornTail
from schemas.messages import TelemetryKind
from schemas.settings import Settings
from tests.brain.test_decide import ENGINE, NOW, TICK, history

SETTINGS = Settings()
NAME = SETTINGS.venue.instrument
NOT_SENT = {"instrument", "bid_price", "bid_size", "ask_price", "ask_size"}
"""They follow from the levels, and from who sends."""
START_NOTE = Start(
    version=1, prefix="i", wall_ns=NOW, mono_ns=NOW, settings=SETTINGS.model_dump(mode="json"), model="",
)  # fmt: skip


def record(direction: Direction, channel: str, topic: str, payload: bytes) -> Record:
    return Record(
        process="brain", monotonic_ns=NOW, wall_ns=NOW, direction=direction, channel=channel, topic=topic,
        payload=payload,
    )  # fmt: skip


def note(topic: str, value: Start | Turn) -> Record:
    return record(Direction.NOTE, CHANNEL, topic, msgspec.msgpack.encode(value))


def one_decision() -> list[Record]:
    """A session of one turn, and what was told of it."""
    messages = [
        (topology.history(frame, NAME), codec.encode_history(history(frame, [100.0] * 40)))
        for frame in SETTINGS.brain.frames
    ]
    tick = {name: value for name, value in msgspec.structs.asdict(TICK).items() if name not in NOT_SENT}
    messages += [
        (topology.STATE_ENGINE, codec.encode_engine_state(ENGINE)),
        (topology.tick(NAME), bytes(codec.TickEncoder(NAME).encode(**tick))),
    ]
    mind = Mind(SETTINGS, prefix="i")
    for topic, payload in messages:
        mind.handlers[topic](memoryview(payload))
    thought = mind.turn(NOW, reachable=True)
    assert thought is not None
    told = mind.explain(mind.told(thought, NOW, NOW, ""))
    push = {"kind": TelemetryKind.DECISION.value, "data": msgspec.to_builtins(told)}
    return [
        note(START, START_NOTE),
        note(TURN, Turn(1, NOW, NOW, len(messages), 1, reachable=True, sent=0)),
        *(record(Direction.RECEIVED, "market", topic, payload) for topic, payload in messages),
        record(Direction.SENT, "telemetry", "push", msgspec.json.encode(push)),
    ]


def run(records: Sequence[Record], **changes: str) -> tuple[Session, list[str]]:
    """The session, and the fields that differ."""
    fields, last = [], None
    for session, difference in sessions(records, {name.replace("__", "."): text for name, text in changes.items()}):
        last = session
        if difference is not None:
            fields += sorted(difference.fields())
    assert last is not None
    return last, fields


def test_what_was_told_is_what_comes_out_again() -> None:
    session, fields = run(one_decision())
    assert (session.broken, session.compared, fields) == (None, 1, [])


def test_a_message_that_is_not_in_the_record_ends_the_comparison_there_and_one_that_came_twice_does_not() -> None:
    start, turn, *messages, told = one_decision()
    after = note(TURN, Turn(2, NOW, NOW, 0, 0, reachable=True, sent=0))
    session, fields = run([start, turn, *messages, messages[-1], told, after])
    assert (session.broken, session.compared, fields) == (None, 1, [])
    session, _ = run([start, turn, *messages[:-1], told, after])
    assert session.broken == Broken(1, f"{len(messages) - 1} messages in the record, {len(messages)} were taken")
    assert session.compared == 0
    session, _ = run([start, turn, *messages, told, note(TURN, Turn(3, NOW, NOW, 0, 0, reachable=True, sent=0))])
    assert session.broken == Broken(2, "the next turn in the record is number 3")


def test_with_fewer_frames_the_messages_of_the_others_are_still_those_of_the_turn() -> None:
    session, fields = run(one_decision(), brain__frames='["5m"]')
    assert (session.broken, session.compared) == (None, 1)
    assert "frames" in fields


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("order_flow.cvd=nobody", "order_flow.cvd: no provider 'nobody' is installed"),
        ("brain.book_threshold=0.4", "--set brain.book_threshold"),
        ("nonsense", "--set nonsense: unknown setting"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_in_one_line(
    change: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    records = one_decision()
    monkeypatch.setattr(again.BlackboxReader, "read", lambda self, process: iter(records))
    assert again.main([str(tmp_path), "--set", change]) == 78
    err = capsys.readouterr().err
    assert err.startswith(said)
    assert err.count("\n") == 1


def test_a_session_whose_beginning_was_deleted_is_said_and_the_next_one_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, *rest = one_decision()
    for records, runs in (([*rest, *one_decision()], 1), (rest, 0)):
        monkeypatch.setattr(again.BlackboxReader, "read", lambda self, process, records=records: iter(records))
        assert again.main([str(tmp_path)]) == 1
        said = capsys.readouterr().out.splitlines()
        assert said[0] == "the beginning of the first session is not in the record any more: nothing of it was compared"
        assert said[-1] == f"{runs} decisions of {runs} sessions decided again, 0 differ"


@pytest.mark.parametrize(
    ("reason", "code"), [("the record is cut off", 0), ("the record's checksum does not match", 1)]
)
def test_what_is_cut_off_is_said_and_what_is_damaged_is_no_whole_record(
    reason: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def read(self: BlackboxReader, process: str) -> Iterator[Record]:
        yield from one_decision()
        self.torn.append(TornTail(tmp_path / "a.bbx", 7, reason))

    monkeypatch.setattr(again.BlackboxReader, "read", read)
    assert again.main([str(tmp_path)]) == code
    assert capsys.readouterr().out.splitlines() == [
        f"a.bbx: {reason} at byte 7", "1 decisions of 1 sessions decided again, 0 differ",
    ]  # fmt: skip
