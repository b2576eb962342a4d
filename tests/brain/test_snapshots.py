"""The file of snapshots: cadence, rotation, a disk that refuses, a line that was cut off."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brain.snapshots import NAME, SCHEMA, SnapshotWriter, snapshot
from schemas.messages import Decision, FrameScores, UnknownLayer

MS = 1_000_000


def frame(name: str, trend: float | None) -> FrameScores:
    return FrameScores(
        frame=name, trend_score_pct=trend, book_imbalance=0.7, trade_pressure=None, trend_vote=1, book_vote=1,
        flow_vote=0, direction=1,
    )  # fmt: skip


def decision(number: int, **changes: Any) -> Decision:
    plain = Decision(
        sequence=number, timestamp_ns=1_000 + number, instrument="X", tick_sequence=number, tick_received_ns=1,
        frames=(frame("5m", 1.5), frame("15m", -0.25)), direction=1, why_not="COOLDOWN", why_not_text="60 s left",
        intent_id="", contracts=None, price=64_000.1, features={"tick.bid": 64_000.0},
        unknown=(UnknownLayer(part="order_flow.pressure", reason="no trade"),), mono_ns=number * MS,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


class Scene:
    """`write` starts a writer, hands it what is to be taken, and ends it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.said: list[tuple[str, str]] = []

    def write(self, *decisions: Decision, every_ms: int = 0, segment: int = 1 << 20) -> SnapshotWriter:
        writer = SnapshotWriter(
            self.directory, session="s1", segment_bytes=segment, every_ns=every_ms * MS,
            log=lambda level, text: self.said.append((level, text)),
        )  # fmt: skip
        for each in decisions:
            writer.take(each)
        writer.close()
        return writer

    def lines(self, name: str = NAME, read: Callable[..., Any] = open) -> list[int]:
        with read(self.directory / name, "rt") as file:
            return [json.loads(line)["sequence"] for line in file]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "data")


def test_a_line_has_the_scores_their_differences_the_prices_and_the_decision() -> None:
    line = json.loads(msgspec.json.encode(snapshot(decision(7, contracts=Decimal("0.78"), intent_id="i1"), "s1")))
    assert line == {
        "schema": SCHEMA, "session": "s1", "timestamp_ns": 1_007, "sequence": 7, "tick_sequence": 7, "instrument": "X",
        "trend_scores": {"5m": 1.5, "15m": -0.25}, "trend_differences": {"5m-15m": 1.75}, "imbalance": 0.7,
        "trade_pressure": None, "votes": {"5m": [1, 1, 0, 1], "15m": [1, 1, 0, 1]}, "features": {"tick.bid": 64_000.0},
        "unknown": {"order_flow.pressure": "no trade"}, "model_score": None,
        "decision": {
            "direction": 1, "why_not": "COOLDOWN", "intent_id": "i1", "contracts": "0.78", "price": 64_000.1,
        },
    }  # fmt: skip
    unknown = snapshot(decision(7, frames=(frame("5m", None), frame("15m", 1.0))), "s1")
    assert unknown["trend_differences"] == {"5m-15m": None}


def test_one_so_often_and_each_order_and_each_change_of_mind(scene: Scene) -> None:
    changed = decision(5, why_not="IN_POSITION")
    ordered = decision(7, why_not="IN_POSITION", intent_id="i1")
    later = [decision(number, why_not="IN_POSITION") for number in (8, 16, 17, 18)]
    writer = scene.write(decision(1), decision(2), changed, decision(6, why_not="IN_POSITION"), ordered, *later,
                         every_ms=10)  # fmt: skip
    assert scene.lines() == [1, 5, 7, 17]
    assert (writer.written, writer.dropped, scene.said) == (4, 0, [])


def test_a_run_goes_on_where_the_one_before_ended_and_a_torn_line_is_cut(scene: Scene) -> None:
    scene.write(decision(1), decision(2))
    path = scene.directory / NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    scene.write(decision(3))
    assert scene.lines() == [1, 3]
    path.write_bytes(b'{"never": "ended')
    scene.write(decision(4))
    assert scene.lines() == [4]


def test_a_file_that_is_large_enough_is_closed_and_compressed(scene: Scene) -> None:
    scene.write(decision(1), decision(2), segment=1)
    assert [path.name for path in scene.directory.iterdir()] == ["market_snapshots-00000000000000001002.jsonl.gz"]
    assert scene.lines("market_snapshots-00000000000000001002.jsonl.gz", gzip.open) == [1, 2]


def test_what_a_killed_run_has_not_compressed_the_next_one_does(scene: Scene) -> None:
    scene.write(decision(1), decision(2))
    (scene.directory / NAME).rename(scene.directory / "market_snapshots-1.jsonl")
    (scene.directory / "market_snapshots-1.jsonl.part").write_bytes(b"half")
    scene.write(decision(3))
    assert scene.lines("market_snapshots-1.jsonl.gz", gzip.open) == [1, 2]
    assert sorted(path.name for path in scene.directory.iterdir()) == ["market_snapshots-1.jsonl.gz", NAME]


def test_a_disk_that_refuses_is_said_once_and_keeps_nobody_waiting(scene: Scene) -> None:
    scene.directory.parent.mkdir(exist_ok=True)
    scene.directory.write_text("a file where the directory should be")
    writer = scene.write(decision(1), decision(2))
    assert (writer.written, writer.dropped) == (0, 2)
    assert len(scene.said) == 1
    assert scene.said[0][1].endswith("snapshots are dropped until it can be written")
