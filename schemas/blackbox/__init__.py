"""The blackbox: every message of every channel, append-only, checked and chained.

`<directory>/<process>/<start of the run, wall ns>-<pid>-<number>.bbx`
"""

from schemas.blackbox.decode import CLOSED_TOPIC, DROPPED_TOPIC, NOTE_CHANNEL, TORN_TOPIC, SegmentDecoder
from schemas.blackbox.reader import BlackboxReader, SegmentBroken, SegmentOk
from schemas.blackbox.record import Lane, Record, SegmentHeader, encode_header, encode_record
from schemas.blackbox.scan import Span, scan, span_of
from schemas.blackbox.segments import Segment, TornTail
from schemas.blackbox.tap import Direction, Keep, NullTap, Tap
from schemas.blackbox.writer import BlackboxStatus, BlackboxWriter

__all__ = [
    "CLOSED_TOPIC",
    "DROPPED_TOPIC",
    "NOTE_CHANNEL",
    "TORN_TOPIC",
    "BlackboxReader",
    "BlackboxStatus",
    "BlackboxWriter",
    "Direction",
    "Keep",
    "Lane",
    "NullTap",
    "Record",
    "Segment",
    "SegmentBroken",
    "SegmentDecoder",
    "SegmentHeader",
    "SegmentOk",
    "Span",
    "Tap",
    "TornTail",
    "encode_header",
    "encode_record",
    "scan",
    "span_of",
]
