"""What can go wrong with a channel. Each names the thing and the mend."""

from __future__ import annotations

from pathlib import Path


class ChannelError(Exception):
    """Any refusal of a channel."""


class KeyringError(ChannelError):
    """The CURVE keys cannot be trusted or read. `mode` is the offending permission bits, None if they are fine."""

    def __init__(self, path: Path, problem: str, mend: str, *, mode: int | None = None) -> None:
        self.path = path
        self.mode = mode
        self.mend = mend
        shown = "" if mode is None else f" (mode {mode:04o})"
        super().__init__(f"{path}{shown}: {problem}; {mend}")


class EndpointTaken(ChannelError):
    """Another socket is bound there already. Nothing was opened."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.mend = "stop the process that holds it (a second start of this one?) or configure another endpoint"
        super().__init__(f"{endpoint} is taken; {self.mend}")


class BadEndpoint(ChannelError):
    """The endpoint cannot be bound or connected as written. Nothing was opened."""

    def __init__(self, endpoint: str, reason: str) -> None:
        self.endpoint = endpoint
        self.reason = reason
        self.mend = "write tcp://host:port or ipc:///path/to/socket"
        super().__init__(f"{endpoint}: {reason}; {self.mend}")


class BadTopic(ChannelError, ValueError):
    """A topic is 1 to 31 printable ASCII characters. Nothing was sent."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        super().__init__(f"topic {topic!r}: 1 to 31 printable ASCII characters, please; nothing was sent")


class PayloadTooLarge(ChannelError, ValueError):
    """The peer would drop it, so nothing was sent. Sizes in bytes."""

    def __init__(self, endpoint: str, size: int, limit: int) -> None:
        self.endpoint = endpoint
        self.size = size
        self.limit = limit
        super().__init__(f"{endpoint}: payload of {size} bytes, limit {limit}; nothing was sent")


class ChannelClosed(ChannelError):
    """The channel was used after close(). Nothing was sent."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        super().__init__(f"{endpoint}: this channel is closed; nothing was sent")


class PeerDown(ChannelError):
    """The request certainly never left: no peer is connected, or too many requests are unanswered. Safe to retry."""

    def __init__(self, endpoint: str, reason: str) -> None:
        self.endpoint = endpoint
        self.reason = reason
        super().__init__(f"{endpoint}: {reason}; the request was not sent")


class RequestTimeout(ChannelError):
    """No answer in time. The outcome is unknown: ask, or retry only what is idempotent."""

    def __init__(self, endpoint: str, timeout_s: float) -> None:
        self.endpoint = endpoint
        self.timeout_s = timeout_s
        super().__init__(f"{endpoint}: no answer within {timeout_s:g} s; the outcome is unknown")


class AnswerLost(RequestTimeout):
    """The connection broke, or the channel was closed, before the answer. The outcome is as unknown."""

    def __init__(self, endpoint: str, timeout_s: float) -> None:
        super().__init__(endpoint, timeout_s)
        self.args = (f"{endpoint}: the connection ended before the answer; the outcome is unknown",)


class AlreadyAnswered(ChannelError):
    """A request takes one answer. The second was not sent: the owner's bug."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        super().__init__(f"{endpoint}: this request was answered before; the second answer was not sent")
