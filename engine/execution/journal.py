"""The write-ahead journal: an intent is on disk before it is sent, so that no crash can send it twice.

One line an entry: CRC-32 of the rest in hex, a space, JSON. A torn last line, which a crash leaves, is cut off and
reported; a broken line in the middle moves the whole file aside, and the engine goes on from what the venue says.
"""

from __future__ import annotations

import asyncio
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

_REFUSED: Final = "refused"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One fact. `event`: intent (before the send) or end (`state` says how)."""

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


@dataclass(slots=True)
class Recalled:
    """What a journal remembers. `entries`: the last intent of each side that brought a stop-loss, by side."""

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
    """Append-only. `recalled` is what the file held at start.

    Raises: OSError, where the file cannot be opened: without a journal there is no trading.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.recalled = self._recall()
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def _recall(self) -> Recalled:
        recalled, with_stop = Recalled(), dict[str, Entry]()
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return recalled
        whole, _, tail = content.rpartition(b"\n")
        if tail:
            recalled.problems.append(f"{self._path}: a torn last line of {len(tail)} bytes was cut off")
            os.truncate(self._path, len(content) - len(tail))
        for number, line in enumerate(whole.split(b"\n") if whole else [], 1):
            entry = decode_entry(line)
            if entry is None:
                aside = self._path.with_suffix(f".broken-{self._path.stat().st_mtime_ns}")
                self._path.rename(aside)
                recalled.problems.append(f"{self._path}: line {number} is broken; kept as {aside.name}, starting anew")
                break
            recalled.intents.add(entry.intent_id)
            if entry.event == "intent":
                recalled.open_orders[entry.client_order_id] = entry
                if entry.sl_price:
                    with_stop[entry.client_order_id] = entry
            else:
                recalled.open_orders.pop(entry.client_order_id, None)
                if entry.state == _REFUSED:
                    with_stop.pop(entry.client_order_id, None)
        recalled.entries = {entry.side: entry for entry in with_stop.values()}
        return recalled

    async def append_durably(self, entry: Entry) -> None:
        """On disk when this returns. Raises OSError (full disk): then nothing may be sent."""
        os.write(self._descriptor, encode_entry(entry))
        await asyncio.get_running_loop().run_in_executor(None, _sync, self._descriptor)

    def append(self, entry: Entry) -> None:
        """Written, safe from a crash of the process. Raises OSError."""
        os.write(self._descriptor, encode_entry(entry))

    def close(self) -> None:
        """Let the file go."""
        os.close(self._descriptor)
