"""The control socket: one JSON object a line in, one a line out; see `commands` for what they say.

A line that is not a command is answered with {"error": text}, one that is too long ends the connection. Only our own
user may speak here: the socket is 0600 in a 0700 directory, and the peer's uid is looked at.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas.channels import Direction, NullTap, Tap
from sovereign_tui.ops.peer import peer_uid

MAX_COMMAND: Final = 16 << 10
_GRACE_S: Final = 1.0
_TOPIC_LIMIT: Final = 31
_QUESTIONS: Final = frozenset({"status", "ping"})
"""Commands that change nothing: their record may be dropped when the disk does not keep up."""

Handler = Callable[[dict[str, Any]], AsyncIterator[dict[str, Any]]]
"""A command in; answers out, the last of them final. Raises: BadCommand."""

_ENCODE = msgspec.json.Encoder(decimal_format="string").encode


class BadCommand(ValueError):
    """A command that cannot be understood; the message says what could."""


class Control:
    """Serves the control socket."""

    def __init__(
        self,
        path: Path,
        handler: Handler,
        *,
        tap: Tap | None = None,
        uid_of: Callable[[socket.socket], int | None] = peer_uid,
    ) -> None:
        self._path = path
        self._handler = handler
        self._tap = tap or NullTap()
        self._uid_of = uid_of
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._busy: set[asyncio.Task[None]] = set()
        self.refused = 0
        """Peers of another user."""

    async def open(self) -> None:
        """Binds; a socket file that a dead ops left is replaced (the caller holds the lock). Raises: OSError."""
        self._path.unlink(missing_ok=True)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            bound.bind(str(self._path))
            self._path.chmod(0o600)
            self._server = await asyncio.start_unix_server(self._accept, sock=bound, limit=MAX_COMMAND)
        except OSError:
            bound.close()
            raise

    async def close(self) -> None:
        """Ends all conversations; who waits for an answer gets it, if it comes within a second."""
        if self._server is None:
            return
        self._server.close()
        for task, writer in list(self._clients.items()):
            if task not in self._busy:
                writer.close()
        await self._gone()
        for writer in list(self._clients.values()):
            writer.transport.abort()
        await self._gone()
        self._path.unlink(missing_ok=True)

    async def _gone(self) -> None:
        if self._clients:
            await asyncio.wait(set(self._clients), timeout=_GRACE_S)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients[task] = writer
        try:
            channel = writer.get_extra_info("socket")
            uid = self._uid_of(channel)
            if uid is not None and uid != os.geteuid():
                self.refused += 1
                writer.write(_ENCODE({"error": f"user {uid} may not command this system"}) + b"\n")
                await writer.drain()
                return
            await self._converse(reader, writer, task)
        except ConnectionError:
            pass  # the peer went away; what it asked for goes on
        finally:
            del self._clients[task]
            writer.close()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                writer.write(_ENCODE({"error": f"a command has at most {MAX_COMMAND} bytes"}) + b"\n")
                await writer.drain()
                return
            if not line:
                return
            self._busy.add(task)
            topic = ""
            try:
                command = _parse(line)
                topic = str(command["cmd"])[:_TOPIC_LIMIT]
                self._record(Direction.RECEIVED, topic, line)
                async for answer in self._handler(command):
                    await self._say(writer, topic, answer)
            except BadCommand as error:
                if not topic:
                    self._record(Direction.RECEIVED, topic, line)
                await self._say(writer, topic, {"error": str(error)})
            finally:
                self._busy.discard(task)
            if self._server is None or not self._server.is_serving():
                return

    async def _say(self, writer: asyncio.StreamWriter, topic: str, answer: dict[str, Any]) -> None:
        line = _ENCODE(answer) + b"\n"
        self._record(Direction.SENT, topic, line)
        writer.write(line)
        await writer.drain()

    def _record(self, direction: Direction, topic: str, line: bytes) -> None:
        self._tap.record(direction, "control", topic, line, vital=topic not in _QUESTIONS)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadCommand(f"not a line of JSON: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("cmd"), str):
        raise BadCommand('not a command; say {"cmd": "status" | "halt" | "resume" | "down" | "ping"}')
    return found
