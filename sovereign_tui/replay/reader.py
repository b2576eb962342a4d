"""The messages of a session as they were recorded: how things stood at a moment, and what came after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sovereign_tui.replay.index import SHOWN, SessionIndex
from sovereign_tui.replay.kinds import Kind, Role, classifier
from sovereign_tui.replay.marks import KEYFRAME_NS, FileMarks, placed
from sovereign_tui.replay.walk import Found, Walker, read_at


class Raw(NamedTuple):
    """One message, not decoded."""

    at_ns: int
    kind: Kind
    payload: bytes | memoryview


class Reader:
    """Reads the processes side by side, in the order of the machine's monotonic clock."""

    def __init__(self, index: SessionIndex) -> None:
        self.lost = 0
        """Records that the index knows of and that are not there any more."""
        self._index = index
        self._chains: list[_Chain] = []
        self._said: dict[str, bytes | memoryview] = {}

    def restart(self, at_ns: int) -> Iterator[Raw]:
        """Goes to the keyframe before `at_ns`, and says how things stood there; `until` reads on from it."""
        keyframe_ns = at_ns // KEYFRAME_NS * KEYFRAME_NS
        self._said.clear()
        self._chains = [_Chain(self._index, process, keyframe_ns) for process in SHOWN]
        for time_ns, where, kind in self._index.last_before(keyframe_ns):
            number, offset = placed(where)
            payload = read_at(self._index.files[number].path, offset)
            if payload is None:
                self.lost += 1
                continue
            self._said[kind.topic] = payload
            yield Raw(time_ns, kind, payload)

    def until(self, to_ns: int) -> Iterator[Raw]:
        """What follows, up to `to_ns` and with it."""
        for chain in self._chains:
            chain.look_again()
        while True:
            found = chosen = None
            for chain in self._chains:
                head = chain.head
                if head is not None and head.time_ns <= to_ns and (found is None or head.time_ns < found.time_ns):
                    found, chosen = head, chain
            if found is None or chosen is None:
                return
            if not chosen.hidden(found) and not self._is_repeated(found):
                yield Raw(found.time_ns, found.kind, found.payload)
            chosen.advance()

    def _is_repeated(self, found: Found) -> bool:
        """Whether it is only the answer to a late joiner: the index passes over the same ones."""
        if found.kind.repeats:
            return False
        if self._said.get(found.kind.topic) == found.payload:
            return True
        self._said[found.kind.topic] = bytes(found.payload)
        return False


class _Chain:
    """The files of one process, one after another, from a moment on. `head` is the next record, None at the end."""

    def __init__(self, index: SessionIndex, process: str, from_ns: int) -> None:
        self._index, self._process, self._from_ns = index, process, from_ns
        self._numbers = index.chains[process]
        self._at = 0
        self._walker: Walker | None = None
        self._piece: Iterator[Found] = iter(())
        self.head: Found | None = None
        begun = [
            (order, first_ns) for order, number in enumerate(self._numbers)
            if (first_ns := index.files[number].first_ns) is not None
        ]  # fmt: skip
        if begun:  # two files may meet in one instant, so the one that begins at it is not where it is all read
            self._at = max((order for order, first_ns in begun if first_ns < from_ns), default=begun[0][0])
            mark_ns, offset = self._file.at(from_ns)
            self._walker = self._walk(offset, mark_ns)
        self.advance()

    def advance(self) -> None:
        """To the next record, in this file or those after it."""
        while True:
            for found in self._piece:
                if found.time_ns >= self._from_ns:
                    self.head = found
                    return
            if (self._walker is None or self._walker.starved) and not self._open_next():
                self.head = None
                return
            if self._walker is not None:
                self._piece = self._walker.step()

    def look_again(self) -> None:
        """Where there was no more: a session that is being written may have more now."""
        if self.head is None and self._index.live:
            if self._walker is not None:
                self._piece = self._walker.step()
            self.advance()

    def hidden(self, found: Found) -> bool:
        """Whether no cockpit gets it: a full tick where there are ticks for screens, and what only events tell of."""
        if found.kind.role is Role.TICK:
            view_ns = self._file.run.first_view_ns
            return view_ns is not None and found.time_ns >= view_ns
        return found.kind.role is Role.ASKED

    @property
    def _file(self) -> FileMarks:
        return self._index.files[self._numbers[self._at]]

    def _walk(self, offset: int, high_ns: int) -> Walker:
        kinds, latest_ns = classifier(self._process), self._index.latest_ns
        return Walker(self._file.path, kinds, offset=offset, high_ns=high_ns, latest_ns=latest_ns)

    def _open_next(self) -> bool:
        following = self._at if self._walker is None else self._at + 1
        if following >= len(self._numbers):
            return False
        high_ns = 0 if self._walker is None else self._walker.high_ns
        self._at = following
        self._walker = self._walk(0, high_ns)
        return True
