"""Decides a recorded session again, and compares each decision that was told, byte for byte.

`python -m brain.again DIRECTORY`, the blackbox of a home; `--set brain.book_threshold=0.62` shows what another setting
would have decided in the same moments, given what really was sent and held. Exit code 0: all are the same; 1: some
differ, or the record is not whole (what is cut off at its end is only said); 78: what was asked for makes no sense.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from brain.mind import Mind, Told
from brain.order_flow.providers import ProviderUnknown
from brain.turns import CHANNEL, NO_ORDER, START, Malformed, ModelNote, Outcome, Start, Turn, read_note
from schemas import codec, topology
from schemas.blackbox import BlackboxReader, Direction, Record
from schemas.messages import TelemetryKind
from schemas.process import EXIT_CONFIG, EXIT_FAILED, EXIT_OK
from schemas.settings import Settings, SettingsError, changed_settings

_SHOWN: Final = 5
_VERSION: Final = 1
_CUT_OFF: Final = "is cut off"
"""So ends the record of a process that was killed: all that was written is there. Other damage hides what follows."""


class Difference(NamedTuple):
    """A decision that was told, and what it is when it is decided again (None: it is not there)."""

    sequence: int
    told: bytes
    again: bytes | None

    def fields(self) -> dict[str, tuple[Any, Any]]:
        """The fields that differ, by their path."""
        then, now = msgspec.json.decode(self.told), msgspec.json.decode(self.again) if self.again else None
        return dict(_differing("", then, now))


class Broken(NamedTuple):
    """From this turn on the record is not whole: decisions after it cannot be compared."""

    turn: int
    reason: str


class _Push(msgspec.Struct, gc=False):
    kind: TelemetryKind
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Sequence(msgspec.Struct):
    sequence: int


_push = msgspec.json.Decoder(_Push)
_sequence = msgspec.json.Decoder(_Sequence)


class Session:
    """One run of a brain, from its start note on. Feed the records in order; `compared` counts equal decisions too."""

    def __init__(self, start: Start, settings: Settings) -> None:
        """`settings`: to decide by. Raises: SettingsError, ProviderUnknown."""
        self._mind = Mind(settings, prefix=start.prefix, model=start.model)
        recorded = Mind(changed_settings(start.settings, {}), prefix=start.prefix)
        self._topics = recorded.handlers.keys()  # what was subscribed to then, whatever is asked for now
        if start.has_day:
            self._mind.day.restore(start.day, now_wall_ns=start.wall_ns, now_mono_ns=start.mono_ns)
        self._turn: Turn | None = None
        self._messages: list[tuple[str, bytes]] = []
        self._after: list[Outcome | ModelNote] = []
        self._last: dict[str, bytes] = {}
        self._thoughts: deque[Told] = deque()
        self._waiting: deque[bytes] = deque()
        self.compared = 0
        self.turns = 0
        self.broken: Broken | None = None

    def take(self, record: Record) -> Iterator[Difference]:
        """One record of the brain's blackbox. Raises: Malformed."""
        if self.broken is not None:
            return
        if record.channel == CHANNEL:
            note = read_note(record.topic, record.payload)
            if isinstance(note, Turn):
                self._finish_turn()
                self._begin(note)
            elif isinstance(note, Outcome | ModelNote):
                self._after.append(note)
        elif record.direction is Direction.RECEIVED:
            if record.topic in self._topics or record.topic.startswith("state."):
                self._messages.append((record.topic, record.payload))
        elif record.direction is Direction.SENT and record.topic == "push":
            push = _push.decode(record.payload)
            if push.kind is TelemetryKind.DECISION:
                self._waiting.append(bytes(push.data))
                yield from self._compare()

    def finish(self) -> Iterator[Difference]:
        """There is no more. Of a record that was cut off the messages of its last turn may not be there."""
        self._finish_turn(last=True)
        yield from self._compare()

    def _begin(self, turn: Turn) -> None:
        if turn.number != self.turns + 1:
            self.broken = Broken(self.turns + 1, f"the next turn in the record is number {turn.number}")
        self.turns, self._turn = turn.number, turn
        self._messages.clear()

    def _finish_turn(self, *, last: bool = False) -> None:
        """Decide, once all messages of a turn are there; then what came between it and the next one."""
        turn, self._turn = self._turn, None
        if turn is not None and self.broken is None:
            self._take_turn(turn, last)
        after, self._after = self._after, []
        for note in after:
            if isinstance(note, Outcome):
                self._mind.on_outcome(note.intent_id, note.code, note.mono_ns)
            else:
                self._mind.on_model(note)

    def _take_turn(self, turn: Turn, last: bool) -> None:
        taken = 0
        for topic, payload in self._messages:
            if self._last.get(topic) == payload:
                continue  # the last value once more: the channel has dropped it
            self._last[topic] = payload
            taken += 1
            if (handler := self._mind.handlers.get(topic)) is not None:
                try:
                    handler(memoryview(payload))
                except codec.Malformed:
                    continue  # the live brain has counted and dropped it, too
        self._messages.clear()
        if last and taken < turn.taken:
            return
        if taken != turn.taken:
            self.broken = Broken(turn.number, f"{taken} messages in the record, {turn.taken} were taken")
            return
        self._decide(turn)

    def _decide(self, turn: Turn) -> None:
        mind = self._mind
        thought = mind.turn(turn.mono_ns, reachable=turn.reachable)
        if (thought is not None) != bool(turn.sequence):
            self.broken = Broken(turn.number, f"decision {turn.sequence} has no new tick")
        if thought is None:
            return
        intent_id = mind.next_intent() if turn.sent != NO_ORDER else ""
        told = mind.concluded(thought, turn.mono_ns, turn.wall_ns, sent=turn.sent, intent_id=intent_id)
        self._thoughts.append(told or mind.told(thought, turn.mono_ns, turn.wall_ns, intent_id))

    def _compare(self) -> Iterator[Difference]:
        """What was told of all that has been decided again so far."""
        self._finish_turn()
        while self._waiting and self.broken is None:
            sequence = _sequence.decode(self._waiting[0]).sequence
            while self._thoughts and self._thoughts[0].sequence < sequence:
                self._thoughts.popleft()
            told = self._waiting.popleft()
            again: bytes | None = None
            if self._thoughts and self._thoughts[0].sequence == sequence:
                again = msgspec.json.encode(msgspec.to_builtins(self._mind.explain(self._thoughts[0])))
            self.compared += 1
            if again != told:
                yield Difference(sequence, told, again)


def sessions(
    records: Iterable[Record], changes: dict[str, str] | None = None
) -> Iterator[tuple[Session, Difference | None]]:
    """Every run in the record: each of its differences, then None at its end.

    Raises: Malformed for a note that cannot be read; SettingsError, ProviderUnknown where `changes` make no sense.
    """
    session: Session | None = None
    for record in records:
        if record.channel == CHANNEL and isinstance(note := read_note(record.topic, record.payload), Start):
            if session is not None:
                yield from ((session, found) for found in (*session.finish(), None))
            if note.version != _VERSION:
                raise Malformed(f"a session of version {note.version}; this is version {_VERSION}")
            session = Session(note, changed_settings(note.settings, changes or {}))
        elif session is not None:
            yield from ((session, found) for found in session.take(record))
    if session is not None:
        yield from ((session, found) for found in (*session.finish(), None))


def _differing(path: str, then: Any, now: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted(then.keys() | now.keys()):
            yield from _differing(f"{path}.{name}" if path else name, then.get(name), now.get(name))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from _differing(f"{path}[{number}]", one, other)
    elif then != now:
        yield path, (then, now)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def compare(directory: Path, changes: dict[str, str], shown: int) -> int:
    """Print what differs; the exit code. Raises: OSError, Malformed, SettingsError, ProviderUnknown."""
    reader = BlackboxReader(directory)
    fields: Counter[str] = Counter()
    total = different = runs = 0
    records = iter(reader.read(process=topology.BRAIN))
    first = next((record for record in records if record.channel == CHANNEL), None)
    bad = first is not None and first.topic != START
    if bad:
        _say("the beginning of the first session is not in the record any more: nothing of it was compared")
    for session, found in sessions(chain([first] if first else [], records), changes):
        if found is not None:
            different += 1
            changed = found.fields()
            fields.update(list(changed))
            if different <= shown:
                each = "; ".join(f"{name}: {then} -> {now}" for name, (then, now) in changed.items())
                _say(f"decision {found.sequence}: {each}")
            continue
        runs, total = runs + 1, total + session.compared
        if session.broken is not None:
            bad = True
            _say(f"turn {session.broken.turn}: {session.broken.reason}; from here on nothing was compared")
    bad = bad or not runs
    for torn in reader.torn:
        bad = bad or not torn.reason.endswith(_CUT_OFF)
        _say(f"{torn.path.name}: {torn.reason} at byte {torn.offset}")
    if not runs:
        _say(f"{directory}: no session of a brain is recorded here")
    _say(f"{total} decisions of {runs} sessions decided again, {different} differ")
    for name, count in fields.most_common():
        _say(f"  {name}: {count}")
    return EXIT_FAILED if bad or different else EXIT_OK


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m brain.again", description="Decide a recorded session again.")
    parser.add_argument("directory", type=Path, help="the blackbox of a home")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="with this setting instead")
    parser.add_argument("--show", type=int, default=_SHOWN, help="differences to show")
    asked = parser.parse_args(arguments)
    changes = dict(each.split("=", 1) if "=" in each else (each, "") for each in asked.set)
    if not asked.directory.is_dir():
        sys.stderr.write(f"{asked.directory}: no such directory; name the blackbox of a home\n")
        return EXIT_CONFIG
    try:
        return compare(asked.directory, changes, asked.show)
    except (SettingsError, ProviderUnknown, Malformed, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIG


if __name__ == "__main__":
    sys.exit(main())
