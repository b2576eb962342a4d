"""Talking to ops over its control socket: for the command line, the cockpit, and the kill key's thread."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

MAX_LINE: Final = 4 << 20


class HasControlSocket(Protocol):
    """What the client needs of a home."""

    @property
    def control_socket(self) -> Path:
        """Where ops listens."""
        ...


class OpsError(Exception):
    """Ops did not do what was asked; the message says why and what mends it."""


class OpsDown(OpsError):
    """Nobody listens on the control socket."""

    def __init__(self) -> None:
        super().__init__("ops is not running; start it with `sovereign up`")


class OpsSilent(OpsError):
    """Ops listens but does not answer, or broke off in the middle."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text}; see `sovereign status`, or end it with `sovereign down`")


class OpsRefused(OpsError):
    """Ops answered with an error."""


async def request(home: HasControlSocket, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """The final answer to one command.

    Raises: OpsDown, OpsSilent, OpsRefused.
    """
    answer: dict[str, Any] = {}
    try:
        async with asyncio.timeout(timeout_s):
            async for answer in stream(home, command, timeout_s):  # noqa: B007  # the last one counts
                pass
    except TimeoutError:
        raise _late(timeout_s) from None
    return answer


async def stream(home: HasControlSocket, command: dict[str, Any], timeout_s: float) -> AsyncIterator[dict[str, Any]]:
    """All answers to one command: {"progress": ...} lines, if it has any, then the final one.

    `timeout_s`: the longest time between two lines. Raises: OpsDown, OpsSilent, OpsRefused.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(str(home.control_socket), limit=MAX_LINE)
    except (FileNotFoundError, ConnectionRefusedError):
        raise OpsDown from None
    except OSError as error:
        raise OpsSilent(f"the control socket cannot be opened ({error.strerror})") from None
    try:
        writer.write(_line(command))
        while True:
            async with asyncio.timeout(timeout_s):
                answer = _answer(await reader.readline())
            yield answer
            if "progress" not in answer:
                return
    except TimeoutError:
        raise _late(timeout_s) from None
    except (ConnectionError, ValueError) as error:
        raise OpsSilent(f"ops broke off ({error})") from None
    finally:
        writer.close()


def request_blocking(home: HasControlSocket, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """As `request`, from any thread, without an event loop."""
    answer: dict[str, Any] = {}
    for answer in stream_blocking(home, command, timeout_s, total_s=timeout_s):  # noqa: B007  # the last one counts
        pass
    return answer


def stream_blocking(
    home: HasControlSocket, command: dict[str, Any], timeout_s: float, *, total_s: float | None = None,
    first_s: float | None = None,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """As `stream`, from any thread, without an event loop.

    `total_s`: the longest time in all; `first_s`: until the first line, if that is another one.
    """
    patience_s = timeout_s if first_s is None else first_s
    end = None if total_s is None else time.monotonic() + total_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(patience_s)
        try:
            channel.connect(str(home.control_socket))
        except (FileNotFoundError, ConnectionRefusedError):
            raise OpsDown from None
        except OSError as error:
            raise OpsSilent(f"the control socket cannot be opened ({error.strerror or error})") from None
        try:
            channel.sendall(_line(command))
            buffer = b""
            while True:
                while b"\n" not in buffer:
                    left = patience_s if end is None else min(patience_s, end - time.monotonic())
                    if left <= 0:
                        raise _late(total_s or timeout_s)
                    channel.settimeout(left)
                    piece = channel.recv(65_536)
                    if not piece:
                        raise OpsSilent("ops broke off")
                    buffer += piece
                line, _, buffer = buffer.partition(b"\n")
                answer, patience_s = _answer(line), timeout_s
                yield answer
                if "progress" not in answer:
                    return
        except TimeoutError:
            raise _late(patience_s) from None
        except ConnectionError as error:
            raise OpsSilent(f"ops broke off ({error.strerror})") from None


def _line(command: dict[str, Any]) -> bytes:
    """What a shell gave need not be UTF-8: a byte of a reason that is not becomes "?", and stops no halt."""
    return json.dumps(command, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _answer(line: bytes) -> dict[str, Any]:
    if not line:
        raise OpsSilent("ops broke off")
    try:
        answer = json.loads(line)
    except ValueError:
        raise OpsSilent("ops broke off in the middle of a line") from None
    if not isinstance(answer, dict):
        raise OpsSilent("ops answered with something that is not an object")
    if isinstance(answer.get("error"), str):
        raise OpsRefused(answer["error"])
    return answer


def _late(waited_s: float) -> OpsSilent:
    return OpsSilent(f"ops has not answered within {waited_s:g} s")
