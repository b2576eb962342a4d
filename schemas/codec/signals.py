"""Signal <-> Protobuf."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from schemas.codec.errors import Malformed
from schemas.generated import signals_pb2 as pb
from schemas.messages import Signal, SignalKind


def encode_signal(value: Signal) -> bytes:
    """Bytes of one signal."""
    message = pb.Signal(
        kind=pb.Kind.Name(value.kind), id=value.id, issuer=value.issuer, reason=value.reason,
        timestamp_ns=value.timestamp_ns, sequence=value.sequence, target=value.target, mono_ns=value.mono_ns,
        changes=value.changes,
    )  # fmt: skip
    return message.SerializeToString()


def decode_signal(payload: bytes | memoryview) -> Signal:
    """The signal in `payload`. Raises Malformed, also for a kind that this version does not know."""
    try:
        message = pb.Signal.FromString(bytes(payload))
        kind = SignalKind(message.kind)
    except DecodeError as error:
        raise Malformed("Signal", f"not readable ({error})") from None
    except ValueError:
        raise Malformed("Signal", f"unknown kind {message.kind}; a newer ops? restart this process") from None
    if not message.id:
        raise Malformed("Signal", "no id")
    return Signal(
        kind=kind, id=message.id, issuer=message.issuer, reason=message.reason, timestamp_ns=message.timestamp_ns,
        sequence=message.sequence, target=message.target, mono_ns=message.mono_ns,
        changes=dict(message.changes),
    )  # fmt: skip
