"""The wire between the processes: numbered streams, requests, telemetry; authenticated, tapped, drained.

The only package that imports zmq. Payloads are bytes: what they mean is the codec's affair.
"""

from schemas.blackbox.tap import Direction, NullTap, Tap
from schemas.channels.errors import (
    AlreadyAnswered,
    AnswerLost,
    BadEndpoint,
    BadTopic,
    ChannelClosed,
    ChannelError,
    EndpointTaken,
    KeyringError,
    PayloadTooLarge,
    PeerDown,
    RequestTimeout,
)
from schemas.channels.frame import HEADER_SIZE, MAX_PAYLOAD
from schemas.channels.keyring import Keyring
from schemas.channels.pipeline import Puller, Pusher
from schemas.channels.publish import Publisher, Stream
from schemas.channels.reply import Replier, Reply
from schemas.channels.request import Requester
from schemas.channels.sequence import Gap
from schemas.channels.subscribe import Subscriber
from schemas.channels.wire import Wire

__all__ = [
    "HEADER_SIZE",
    "MAX_PAYLOAD",
    "AlreadyAnswered",
    "AnswerLost",
    "BadEndpoint",
    "BadTopic",
    "ChannelClosed",
    "ChannelError",
    "Direction",
    "EndpointTaken",
    "Gap",
    "Keyring",
    "KeyringError",
    "NullTap",
    "PayloadTooLarge",
    "PeerDown",
    "Publisher",
    "Puller",
    "Pusher",
    "Replier",
    "Reply",
    "RequestTimeout",
    "Requester",
    "Stream",
    "Subscriber",
    "Tap",
    "Wire",
]
