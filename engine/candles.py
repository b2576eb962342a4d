"""The candles of each time frame: history from REST, live rows from the feed, published as they change.

A newcomer gets the whole history of confirmed candles at once, as the last value of its topic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from schemas import codec, topology
from schemas.channels import Publisher
from schemas.clock import NS_PER_MS
from schemas.messages import FRAME_NS, Candle, CandleHistory

KEEP: Final = 600
"""Confirmed candles kept a frame."""


class CandleStore:
    """Candles of one instrument. `gaps` names the frames whose history has a hole and must be read again."""

    def __init__(self, *, instrument: str, frames: Sequence[str], publisher: Publisher) -> None:
        self._instrument = instrument
        self._publisher = publisher
        self._confirmed: dict[str, list[Candle]] = {frame: [] for frame in frames}
        self.gaps: set[str] = set(frames)

    def load(self, frame: str, rows: Sequence[Sequence[str]], *, received_ns: int) -> None:
        """Take a history from REST, newest first; replaces what is held.

        Raises: ValueError, IndexError where a row is not a candle.
        """
        candles = [self._candle(frame, row, received_ns) for row in reversed(rows)]
        self._confirmed[frame] = [candle for candle in candles if candle.confirmed][-KEEP:]
        self.gaps.discard(frame)
        self._publish_history(frame, received_ns)
        if candles and not candles[-1].confirmed:
            self._publish(candles[-1])

    def on_rows(self, frame: str, rows: Sequence[Sequence[str]], *, received_ns: int) -> None:
        """Rows of a candle push. Raises ValueError, IndexError where a row is not a candle."""
        if frame not in self._confirmed:
            return
        for row in rows:
            candle = self._candle(frame, row, received_ns)
            self._publish(candle)
            held = self._confirmed[frame]
            if held and candle.open_ns > held[-1].open_ns + 2 * FRAME_NS[frame]:
                self.gaps.add(frame)  # the final row of the candle between them was missed
            if not candle.confirmed:
                continue
            if held and candle.open_ns == held[-1].open_ns:
                held[-1] = candle
            elif not held or candle.open_ns == held[-1].open_ns + FRAME_NS[frame]:
                held.append(candle)
                del held[:-KEEP]
            elif candle.open_ns > held[-1].open_ns:
                self.gaps.add(frame)
                continue
            else:
                continue  # an old row, sent again
            self._publish_history(frame, received_ns)

    def _candle(self, frame: str, row: Sequence[str], received_ns: int) -> Candle:
        topic = topology.candle(frame, self._instrument)
        return Candle(
            instrument=self._instrument, frame=frame, sequence=self._publisher.stream(topic).next_sequence,
            open_ns=int(row[0]) * NS_PER_MS, received_ns=received_ns, open=float(row[1]), high=float(row[2]),
            low=float(row[3]), close=float(row[4]), volume=float(row[5]), confirmed=row[8] == "1",
        )  # fmt: skip

    def _publish(self, candle: Candle) -> None:
        topic = topology.candle(candle.frame, self._instrument)
        self._publisher.publish(topic, codec.encode_candle(candle), candle.received_ns)

    def _publish_history(self, frame: str, received_ns: int) -> None:
        topic = topology.history(frame, self._instrument)
        history = CandleHistory(
            instrument=self._instrument, frame=frame, sequence=self._publisher.stream(topic).next_sequence,
            received_ns=received_ns, candles=tuple(self._confirmed[frame]),
        )  # fmt: skip
        self._publisher.publish(topic, codec.encode_history(history), received_ns)
