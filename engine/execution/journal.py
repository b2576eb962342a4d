"""The write-ahead journal: an intent is on disk before it is sent, so that no crash can send it twice.

One line an entry: CRC-32 of the rest in hex, a space, JSON. A torn last line, which a crash leaves, is cut off and
reported. A file with a broken line in the middle is kept aside, and its whole lines begin the next one: an order that
is forgotten would be taken for a stranger's. What of a line a full disk took is taken back, lest it break the file.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

_REFUSED: Final = "refused"
_BLOCK: Final = 65_536
"""Room for some hundred lines."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One fact. `event`: intent (before the send) or end (`state` says how, `traded` whether it had any fill)."""

    event: str
    intent_id: str
    client_order_id: str
    wall_ns: int
    instrument: str = ""
    side: str = ""
    contracts: str = ""
    reduce_only: bool = False
    tp_price: str = ""
    sl_price: str = ""
    state: str = ""
    traded: bool = True


@dataclass(slots=True)
class Recalled:
    """What a journal remembers.

    `entries`: by side the last intent that brought a stop-loss, of those that may have traded.
    """

    intents: set[str] = field(default_factory=set)
    open_orders: dict[str, Entry] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def encode_entry(entry: Entry) -> bytes:
    """One line of the file."""
    body = msgspec.json.encode(entry)
    return b"%08x %s\n" % (zlib.crc32(body), body)


def decode_entry(line: bytes) -> Entry | None:
    """The entry of a whole line without its end; None when the line is broken."""
    try:
        crc, body = int(line[:8], 16), line[9:]
        if crc != zlib.crc32(body):
            return None
        return msgspec.json.decode(body, type=Entry)
    except (ValueError, msgspec.DecodeError):
        return None


_sync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class Journal:
    """Append-only. `recalled` is what the file held at start. `write` as os.write: it may take a part of the bytes.

    `problem`: why the last line could not be written, "" when it was, or when the disk has proved itself since.
    Raises: OSError, where the file cannot be opened: without a journal there is no trading.
    """

    def __init__(self, path: Path, *, write: Callable[[int, bytes], int] = os.write) -> None:
        self._path, self._write = path, write
        path.parent.mkdir(parents=True, exist_ok=True)
        self.recalled = self._recall()
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._length = os.fstat(self._descriptor).st_size
        self._torn = False
        self.problem = ""

    def _recall(self) -> Recalled:
        recalled, with_stop, untraded = Recalled(), dict[str, Entry](), set[str]()
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return recalled
        whole, _, tail = content.rpartition(b"\n")
        if tail:
            recalled.problems.append(f"{self._path}: a torn last line of {len(tail)} bytes was cut off")
            os.truncate(self._path, len(content) - len(tail))
        lines = whole.split(b"\n") if whole else []
        entries = [decode_entry(line) for line in lines]
        broken = [number for number, entry in enumerate(entries, 1) if entry is None]
        if broken:
            aside = self._begin_anew([line for line, entry in zip(lines, entries, strict=True) if entry is not None])
            told = f"{len(lines) - len(broken)} whole lines of {len(lines)} begin the new one"
            recalled.problems.append(f"{self._path}: line {broken[0]} is broken; kept as {aside.name}, {told}")
        for entry in entries:
            if entry is not None:
                _apply(entry, recalled, with_stop, untraded)
        recalled.entries = {entry.side: entry for key, entry in with_stop.items() if key not in untraded}
        return recalled

    def _begin_anew(self, lines: list[bytes]) -> Path:
        """Keep the file aside, and go on with these lines of it. Returns where it is kept."""
        aside = self._path.with_suffix(f".broken-{self._path.stat().st_mtime_ns}")
        scratch = self._path.with_suffix(".new")
        with scratch.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.writelines(line + b"\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        self._path.rename(aside)
        scratch.rename(self._path)
        return aside

    async def append_durably(self, entry: Entry) -> None:
        """On disk when this returns. Raises OSError (full disk): then nothing may be sent."""
        self.append(entry)
        try:
            await asyncio.get_running_loop().run_in_executor(None, _sync, self._descriptor)
        except OSError as error:
            self.problem = str(error)
            raise

    def append(self, entry: Entry) -> None:
        """Written, safe from a crash of the process. Raises OSError: then nothing of it is in the file."""
        try:
            self._append(encode_entry(entry))
        except OSError as error:
            self.problem = str(error)
            raise
        self.problem = ""

    def _append(self, line: bytes) -> None:
        self._mend()
        self._torn = True
        written = self._write(self._descriptor, line)
        if written < len(line):  # the rest did not fit, and that is no error to the system
            self._mend()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._length, self._torn = self._length + written, False

    def _mend(self) -> None:
        """Take back what is there of a line that could not be written."""
        if self._torn:
            os.ftruncate(self._descriptor, self._length)
            self._torn = False

    async def prove(self) -> None:
        """Can the disk be written again? Where it can, the problem is over. Raises: OSError."""
        await asyncio.get_running_loop().run_in_executor(None, self._write_block)
        self.problem = ""

    def _write_block(self) -> None:
        scratch = self._path.with_suffix(".probe")
        try:
            with scratch.open("wb") as file:
                file.write(bytes(_BLOCK))
                file.flush()
                os.fsync(file.fileno())
        finally:
            scratch.unlink(missing_ok=True)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._descriptor)


def alone(directory: Path) -> int:
    """Take the journal's directory for this process, until it ends. Returns the descriptor that holds it.

    Two engines on one journal would each recall the orders of the other as those of a former life.
    Raises: BlockingIOError, when another process has it; OSError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _apply(entry: Entry, recalled: Recalled, with_stop: dict[str, Entry], untraded: set[str]) -> None:
    recalled.intents.add(entry.intent_id)
    if entry.event == "intent":
        recalled.open_orders[entry.client_order_id] = entry
        if entry.sl_price:
            with_stop[entry.client_order_id] = entry
        return
    recalled.open_orders.pop(entry.client_order_id, None)
    if entry.state == _REFUSED or not entry.traded:
        untraded.add(entry.client_order_id)
    else:  # a cancel may lose its race after its end was noted
        untraded.discard(entry.client_order_id)
