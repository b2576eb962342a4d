from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import NS_PER_S
from schemas.settings import Settings
from schemas.settings.records import PAPER, Record, digest, read
from sovereign_tui.ops.paper import PaperRun
from tests.support.clock import ManualClock


class Rehearsal:
    """A paper run on a held clock."""

    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock()
        self.begun_ns = self.clock.wall_ns()
        self.trading = True
        self.said: list[str] = []
        self.directory = directory
        self.run = PaperRun(
            directory=directory, settings=Settings(), clock=self.clock, trading=lambda: self.trading,
            complain=self.said.append,
        )  # fmt: skip

    def seconds(self, count: int, *, trading: bool = True) -> None:
        self.trading = trading
        for _ in range(count):
            self.clock.advance(s=1)
            self.run.turn()

    def written(self) -> tuple[float, int]:
        """ran_s, and the s of wall time from its begin to its end."""
        (record,) = read(self.directory).records
        assert record == Record(
            kind=PAPER, id=record.id, begun_ns=self.begun_ns, ended_ns=record.ended_ns, ran_s=record.ran_s,
            instrument="BTC-USDT-SWAP", settings=digest(Settings()),
        )  # fmt: skip
        return record.ran_s, (record.ended_ns - record.begun_ns) // NS_PER_S


def test_it_is_on_record_from_the_start_and_then_every_minute(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    assert rehearsal.written() == (0.0, 0)
    rehearsal.seconds(59)
    assert rehearsal.written() == (0.0, 0)
    rehearsal.seconds(1)
    assert rehearsal.written() == (59.0, 60)
    rehearsal.seconds(30)
    rehearsal.run.end()
    assert rehearsal.written() == (89.0, 90)


def test_time_in_which_the_system_could_not_trade_or_slept_does_not_count(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    rehearsal.seconds(11)
    rehearsal.seconds(20, trading=False)
    rehearsal.seconds(11)
    rehearsal.clock.advance(s=3_600)
    rehearsal.run.turn()
    rehearsal.run.end()
    assert rehearsal.written() == (10.0 + 10.0 + 5.0, 3_642)


def test_a_full_disk_is_said_once_and_the_next_minute_tries_again(tmp_path: Path) -> None:
    directory = tmp_path / "records"
    directory.write_text("")
    rehearsal = Rehearsal(directory)
    rehearsal.seconds(120)
    assert len(rehearsal.said) == 1
    assert str(directory) in rehearsal.said[0]
    directory.unlink()
    rehearsal.seconds(60)
    assert rehearsal.written() == (179.0, 180)


@given(st.lists(st.tuples(st.integers(1, 20), st.booleans()), max_size=8))
def test_it_never_counts_more_than_the_time_in_which_it_could_trade(spans: list[tuple[int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        rehearsal = Rehearsal(Path(directory))
        for count, trading in spans:
            rehearsal.seconds(count, trading=trading)
        rehearsal.run.end()
        ran_s, _ = rehearsal.written()
        assert ran_s <= sum(count for count, trading in spans if trading)
