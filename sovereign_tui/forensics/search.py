"""From an id to the records that tell of it: files of the wrong time are not opened, other records stepped over."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas.blackbox import BlackboxReader, Record, Span, scan, span_of
from schemas.clock import NS_PER_S
from schemas.settings import Home
from sovereign_tui.forensics.subject import Subject, begun_ns, chosen, named

_SLACK_NS: Final = 60 * NS_PER_S
_MOST: Final = 200
"""Subjects after which nobody looks for more: the text is too short to mean one."""
SHORTEST: Final = 4
_PASSED_OVER: Final = (b"state.", b"ops.", b"candle.", b"history.")
"""They repeat what is told elsewhere, again and again for as long as an order is among the recent ones."""
_OF_A_HALT: Final = (b"state.", b"ops.log", b"ops.system", b"ops.metrics", b"status")
"""So do these for as long as a halt stands."""


class NotFound(Exception):
    """Nothing in the record has such an id; `searched` says where it was looked for."""

    def __init__(self, query: str, searched: str) -> None:
        super().__init__(f"{query}: no order, intent or halt of this id in {searched}")


class Ambiguous(Exception):
    """Several have an id that begins so."""

    def __init__(self, query: str, candidates: Sequence[Subject]) -> None:
        self.candidates = [str(one) for one in candidates]
        super().__init__(f"{query} may mean {len(candidates)} of them; give more of the id")


@dataclass(slots=True)
class Records:
    """What was found of one boot of the machine, by monotonic time; `left_out`: records of other boots."""

    boot: bytes = b""
    records: list[Record] = field(default_factory=list)
    left_out: int = 0
    processes: frozenset[str] = frozenset()
    """Who has any record of that time."""


class Search:
    """Searches one home. `progress(done, total)` hears of the bytes that are searched."""

    def __init__(self, home: Home, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        self._home, self._progress = home, progress
        segments = BlackboxReader(home.blackbox).segments()
        self._spans = [span for span in map(span_of, segments) if span is not None]
        self._journal = read_journal(home.data / "journal" / "orders.log")

    def subject(self, query: str) -> Subject:
        """What `query` means. Raises: NotFound, Ambiguous, OSError."""
        told = [Subject(intent_id=one["intent_id"], client_order_id=one["client_order_id"]) for one in self._journal]
        told += [Subject(kind="halt", halt_id=path.stem) for path in (self._home.data / "receipts").glob("*.json")]
        since_ns = begun_ns(query)
        spans = self._within(None if since_ns is None else since_ns - _SLACK_NS)
        found = {one: None for one in told if one.begins(query)}
        if len(query) >= SHORTEST:
            for _, record in self._scan(spans, [query.encode()]):
                found.update((one, None) for one in named(record) if one.begins(query))
                if len(found) > _MOST:
                    break
        subjects = chosen(query, found)
        if not subjects:
            size = sum(span.size for span in spans) / 2**20
            searched = f"{len(spans)} files ({size:.1f} MiB) of {self._home.blackbox}, the journal and the receipts"
            raise NotFound(query, searched)
        if len(subjects) > 1:
            raise Ambiguous(query, subjects)
        return subjects[0]

    def records(self, subject: Subject) -> tuple[Subject, Records]:
        """Every record that names it, and the subject with the ids that they add. Raises: OSError."""
        needles = {one.encode() for one in (*subject.ids, subject.protection_id) if one}
        spans = self._within(self._since_ns(subject))
        passed_over = _OF_A_HALT if subject.kind == "halt" else _PASSED_OVER
        found = list(self._scan(spans, sorted(needles), passed_over=passed_over))
        whole = subject
        for _ in range(2):  # an id may be told before the one that joins it
            for one in (one for _, record in found for one in named(record) if one.same(whole)):
                whole = whole.joined(one)
        more = {one.encode() for one in (*whole.ids, whole.protection_id) if one} - needles
        if more:
            found = list(self._scan(spans, sorted(needles | more), passed_over=passed_over))
        return whole, self._of_one_boot(found)

    def between(self, boot: bytes, since_ns: int, until_ns: int, channels: Sequence[str]) -> list[Record]:
        """All records of these channels or topics between two wall times, by monotonic time. Raises: OSError."""
        spans = [span for span in self._within(since_ns, until_ns) if span.boot == boot]
        found = [
            record for _, record in self._scan(spans, [name.encode() for name in channels])
            if since_ns <= record.wall_ns <= until_ns and (record.channel in channels or record.topic in channels)
        ]  # fmt: skip
        return sorted(found, key=lambda record: record.monotonic_ns)

    def tick(self, boot: bytes, received_ns: int) -> list[Record]:
        """Records of the tick that the engine made of a frame which came at this wall time. Raises: OSError."""
        spans = [one for one in self._within(received_ns, received_ns + _SLACK_NS) if one.boot == boot]
        found = self._scan(spans, [struct.pack("<q", received_ns)], passed_over=())
        return [record for _, record in found if record.topic.startswith("tick.")]

    def journal(self, subject: Subject) -> list[dict[str, Any]]:
        """What the engine wrote to disk about an order."""
        mine = subject.intent_id
        return [line for line in self._journal if mine and line["intent_id"] == mine]

    def receipt(self, subject: Subject) -> dict[str, Any] | None:
        """The receipt of a halt, as it is. Raises: OSError, msgspec.DecodeError."""
        path = self._home.data / "receipts" / f"{subject.halt_id}.json"
        if not subject.halt_id or not path.is_file():
            return None
        value = msgspec.json.decode(path.read_bytes())
        return value if isinstance(value, dict) else None

    def _since_ns(self, subject: Subject) -> int | None:
        begun = begun_ns(subject.intent_id)
        return None if begun is None else begun - _SLACK_NS

    def _within(self, since_ns: int | None, until_ns: int | None = None) -> list[Span]:
        return [
            span for span in self._spans
            if (since_ns is None or span.until_ns + _SLACK_NS >= since_ns)
            and (until_ns is None or span.since_ns - _SLACK_NS <= until_ns)
        ]  # fmt: skip

    def _scan(
        self, spans: Sequence[Span], needles: Sequence[bytes], *, passed_over: tuple[bytes, ...] = _PASSED_OVER
    ) -> Iterable[tuple[bytes, Record]]:
        done, total = 0, sum(span.size for span in spans)
        for span in spans:
            for record in scan(span.segment, needles, passed_over=passed_over):
                yield span.boot, record
            done += span.size
            self._progress(done, total)

    def _of_one_boot(self, found: Sequence[tuple[bytes, Record]]) -> Records:
        """Those of the boot in which it was judged or halted: times of different boots do not compare."""
        if not found:
            return Records()
        telling = [one for one in found if one[1].channel in {"gate", "halt"}] or found
        boot = telling[0][0]
        mine = sorted((record for where, record in found if where == boot), key=lambda record: record.monotonic_ns)
        first, last = mine[0].wall_ns, mine[-1].wall_ns
        spans = (span for span in self._within(first, last) if span.boot == boot)
        return Records(boot, mine, len(found) - len(mine), frozenset(span.segment.process for span in spans))


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The whole lines of the engine's journal: CRC-32 of the rest in hex, a space, JSON."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    found = []
    for text in lines:
        try:
            if int(text[:8], 16) == zlib.crc32(text[9:]):
                found.append(msgspec.json.decode(text[9:], type=dict[str, Any]))
        except (ValueError, msgspec.DecodeError):
            continue  # torn; the engine reports it
    return [line for line in found if line.get("intent_id")]
