"""What a decision was made of besides the messages that came: times, the state of the link, and what became of orders.

The blackbox has every message that the brain received; with these notes beside them (channel `mind`) a recorded session
can be decided again, to the byte. A turn is one drain of the market stream: the note comes first, its messages follow.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from schemas.blackbox.tap import Direction, Tap

CHANNEL: Final = "mind"
START, TURN, OUTCOME, MODEL = "start", "turn", "outcome", "model"

NO_ORDER, SENT, NOT_SENT = 0, 1, 2
"""What became of the order of a turn: there was none; it went to the link; the link did not take it."""
LOST: Final = "LOST"
ACKED: Final = ""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """A brain began: its settings, the prefix of its intents, the model that has a say, and, with `has_day`, what an
    earlier run had kept of the day (see sizing.day).
    """

    version: int
    prefix: str
    wall_ns: int
    mono_ns: int
    settings: dict[str, Any]
    model: str = ""
    has_day: bool = False
    day: Any = None


class Turn(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One drain of the market stream. Monotonic and wall time in ns as it was decided.

    `taken`: messages handed over in this turn, those not among them that the channel had already. `sequence`: of the
    decision, 0 where there was no new tick. `reachable`: was the command channel connected? `sent`: see above.
    """

    number: int
    mono_ns: int
    wall_ns: int
    taken: int
    sequence: int
    reachable: bool
    sent: int


class Outcome(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What became of an order: `code` is ACKED, LOST, or why it was refused (messages.RejectCode)."""

    mono_ns: int
    intent_id: str
    code: str


class ModelNote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something happened to the model: it was asked (ASKED), could not be for a feature (UNASKED, `text`), or it

    answered question `number` in time (ANSWERED, `score`) or not (FAILED, `text`). Monotonic ns.
    """

    kind: str
    mono_ns: int
    number: int = 0
    asked_ns: int = 0
    score: float = 0.0
    text: str = ""


ASKED, UNASKED, ANSWERED, FAILED = "asked", "unasked", "answered", "failed"


class Malformed(Exception):
    """A note of the channel `mind` that cannot be read."""


_encode = msgspec.msgpack.Encoder().encode
_KINDS: Final[dict[str, msgspec.msgpack.Decoder[Any]]] = {
    START: msgspec.msgpack.Decoder(Start),
    TURN: msgspec.msgpack.Decoder(Turn),
    OUTCOME: msgspec.msgpack.Decoder(Outcome),
    MODEL: msgspec.msgpack.Decoder(ModelNote),
}


class TurnLog:
    """Writes the notes. Only the turns may be missing, when the blackbox is full; they are numbered."""

    def __init__(self, tap: Tap) -> None:
        self._turn = tap.lane(Direction.NOTE, CHANNEL, TURN, vital=False)
        self._rest = {topic: tap.lane(Direction.NOTE, CHANNEL, topic, vital=True) for topic in (START, OUTCOME, MODEL)}

    def turn(self, turn: Turn) -> None:
        """One drain."""
        self._turn(_encode(turn))

    def start(self, start: Start) -> None:
        """The first note of a run."""
        self._rest[START](_encode(start))

    def outcome(self, outcome: Outcome) -> None:
        """An order was answered, or will not be."""
        self._rest[OUTCOME](_encode(outcome))

    def model(self, note: ModelNote) -> None:
        """The model was asked, or answered."""
        self._rest[MODEL](_encode(note))


Note = Start | Turn | Outcome | ModelNote


def read_note(topic: str, payload: bytes) -> Note | None:
    """The note of a record; None for a topic of a newer version. Raises: Malformed."""
    decoder = _KINDS.get(topic)
    if decoder is None:
        return None
    try:
        note = decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{CHANNEL}.{topic}: {error}") from None
    assert isinstance(note, Note)
    return note
