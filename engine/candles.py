"""The candles of each time frame: history from REST, live rows from the feed.

A newcomer, and whoever missed a row, gets the whole history of confirmed candles by subscribing to its topic. The
latest candles are read first, so that the brain can begin; older ones follow page by page.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from schemas import codec, topology
from schemas.channels import Publisher
from schemas.clock import NS_PER_MS
from schemas.messages import FRAME_NS, Candle

_MARGIN: Final = 300
"""Candles that may be held beyond those wanted: they are cut at once, not one at a time."""

_FAR_NS: Final = 2**62


class _Row(NamedTuple):
    open_ns: int
    packed: bytes


class CandleStore:
    """Candles of one instrument, the latest `keep` confirmed ones of each frame.

    `gaps` names the frames whose latest candles have a hole and must be read again.
    """

    def __init__(self, *, instrument: str, frames: Sequence[str], publisher: Publisher, keep: int = 600) -> None:
        self._instrument, self._publisher, self._keep = instrument, publisher, keep
        self._confirmed: dict[str, list[_Row]] = {frame: [] for frame in frames}
        self._received_ns: dict[str, int] = dict.fromkeys(frames, 0)
        self._all_there_is: set[str] = set()
        self.frames = tuple(frames)
        self.gaps: set[str] = set(frames)
        for frame in frames:
            publisher.stream(topology.history(frame, instrument)).renew = partial(self.publish_history, frame)

    def load(self, frame: str, rows: Sequence[Sequence[str]], *, received_ns: int) -> None:
        """Take the latest candles from REST, newest first. Older ones that are held stay where they join.

        Raises: ValueError, IndexError where a row is not a candle.
        """
        candles = [self._candle(frame, row, received_ns) for row in reversed(rows)]
        fresh = [_packed(candle) for candle in candles if candle.confirmed]
        if fresh:
            older = [row for row in self._confirmed[frame] if row.open_ns < fresh[0].open_ns]
            joins = older and older[-1].open_ns + FRAME_NS[frame] == fresh[0].open_ns
            self._confirmed[frame] = [*older, *fresh][-self._keep :] if joins else fresh[-self._keep :]
            if not joins:
                self._all_there_is.discard(frame)
        self.gaps.discard(frame)
        self._received_ns[frame] = received_ns
        self.publish_history(frame)
        if candles and not candles[-1].confirmed:
            self._publish(candles[-1])

    def reaches_back_to_ms(self, frame: str) -> int | None:
        """The oldest candle's start, ms since 1970 UTC, where older ones are still wanted; None where not."""
        held = self._confirmed[frame]
        if frame in self.gaps or not held or len(held) >= self._keep or frame in self._all_there_is:
            return None
        return held[0].open_ns // NS_PER_MS

    def extend(self, frame: str, rows: Sequence[Sequence[str]], *, received_ns: int) -> None:
        """Take older candles from REST, newest first; what does not join is not kept. None: there are no older ones.

        The history is published once all are there. Raises: ValueError, IndexError where a row is not a candle.
        """
        held = self._confirmed[frame]
        older: list[_Row] = []
        first_ns = held[0].open_ns
        for row in rows:
            candle = self._candle(frame, row, received_ns)
            if candle.confirmed and candle.open_ns == first_ns - FRAME_NS[frame]:
                older.append(_packed(candle))
                first_ns = candle.open_ns
        self._confirmed[frame] = [*reversed(older), *held][-self._keep :]
        self._received_ns[frame] = received_ns
        if not older:
            self._all_there_is.add(frame)
        if self.reaches_back_to_ms(frame) is None:
            self.publish_history(frame)

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
                held[-1] = _packed(candle)
            elif not held or candle.open_ns == held[-1].open_ns + FRAME_NS[frame]:
                held.append(_packed(candle))
                if len(held) > self._keep + _MARGIN:
                    del held[: -self._keep]
            elif candle.open_ns > held[-1].open_ns:
                self.gaps.add(frame)
                continue
            else:
                continue  # an old row, sent again
            self._received_ns[frame] = received_ns

    def publish_history(self, frame: str) -> None:
        """The confirmed candles of one frame, for everybody who has subscribed to them. Nothing before the first."""
        rows = self._confirmed[frame][-self._keep :]
        if not rows and frame in self.gaps:
            return
        stream = self._publisher.stream(topology.history(frame, self._instrument))
        received_ns = self._received_ns[frame]
        payload = codec.encode_packed_history(
            self._instrument, frame, [row.packed for row in rows], sequence=stream.next_sequence,
            received_ns=received_ns,
        )  # fmt: skip
        stream.send(payload, received_ns)

    def _candle(self, frame: str, row: Sequence[str], received_ns: int) -> Candle:
        topic, open_ns = topology.candle(frame, self._instrument), int(row[0]) * NS_PER_MS
        if not 0 <= open_ns < _FAR_NS:
            raise ValueError(f"candle {frame}: it begins at {row[0][:40]} ms, which is no time")
        return Candle(
            instrument=self._instrument, frame=frame, sequence=self._publisher.stream(topic).next_sequence,
            open_ns=open_ns, received_ns=received_ns, open=float(row[1]), high=float(row[2]),
            low=float(row[3]), close=float(row[4]), volume=float(row[5]), confirmed=row[8] == "1",
        )  # fmt: skip

    def _publish(self, candle: Candle) -> None:
        topic = topology.candle(candle.frame, self._instrument)
        self._publisher.publish(topic, codec.encode_candle(candle), candle.received_ns)


def _packed(candle: Candle) -> _Row:
    return _Row(candle.open_ns, codec.pack_candle_row(candle))
