from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.blackbox import Direction, Lane, Record, SegmentDecoder, SegmentHeader, encode_header, encode_record
from schemas.blackbox.decode import CLOSED_TOPIC, NOTE_CHANNEL
from schemas.blackbox.record import NO_HASH, chain

HEADER = SegmentHeader(process="engine", pid=7, number=0, wall_ns=1, monotonic_ns=2, boot=bytes(16), prev=NO_HASH)
TIMES = st.integers(-(2**63), 2**63 - 1)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
RECORDS = st.builds(
    Record,
    process=st.just("engine"),
    monotonic_ns=TIMES,
    wall_ns=TIMES,
    direction=st.sampled_from([Direction.SENT, Direction.RECEIVED]),
    channel=NAMES,
    topic=NAMES,
    payload=st.binary(max_size=80),
)
END = Record(
    process="engine",
    monotonic_ns=0,
    wall_ns=0,
    direction=Direction.NOTE,
    channel=NOTE_CHANNEL,
    topic=CLOSED_TOPIC,
    payload=b"",
)


def encoded(records: list[Record]) -> list[bytes]:
    """The header and each record, as they stand in a file."""
    parts = [encode_header(HEADER)]
    for r in records:
        prev = chain(parts[-1])
        parts.append(encode_record(prev, r.monotonic_ns, r.wall_ns, Lane(r.direction, r.channel, r.topic), r.payload))
    return parts


def decoded(data: bytes, piece: int = 1 << 20) -> tuple[list[Record], SegmentDecoder]:
    decoder = SegmentDecoder()
    records = [r for at in range(0, len(data), piece) for r in decoder.receive(data[at : at + piece])]
    decoder.finish()
    return records, decoder


@given(st.lists(RECORDS, max_size=6), st.integers(1, 200))
def test_what_is_written_is_read_in_pieces_of_any_size(records: list[Record], piece: int) -> None:
    data = b"".join(encoded(records))
    found, decoder = decoded(data, piece)
    assert found == records
    assert (decoder.header, decoder.failure, decoder.offset) == (HEADER, None, len(data))


@settings(max_examples=300)
@given(st.lists(RECORDS, max_size=5), st.data())
def test_any_flipped_byte_is_noticed_at_or_before_its_record_and_all_before_is_read(
    records: list[Record], data: st.DataObject
) -> None:
    parts = encoded([*records, END])
    whole = bytearray(b"".join(parts))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    found, decoder = decoded(bytes(whole))
    starts = [sum(map(len, parts[:n])) for n in range(len(parts))]
    hit = max(n for n, start in enumerate(starts) if start <= at)  # 0 is the header
    assert decoder.failure is not None
    assert found == [*records, END][: max(0, hit - 1)]
    assert decoder.offset == starts[hit]


@settings(max_examples=300)
@given(st.lists(RECORDS, max_size=5), st.data())
def test_any_truncation_is_noticed_and_all_before_is_read(records: list[Record], data: st.DataObject) -> None:
    parts = encoded([*records, END])
    whole = b"".join(parts)
    cut = data.draw(st.integers(0, len(whole) - 1))
    found, decoder = decoded(whole[:cut])
    intact = sum(sum(map(len, parts[: n + 1])) <= cut for n in range(len(parts)))
    assert found == [*records, END][: max(0, intact - 1)]
    assert decoder.failure is not None or not decoder.closed
    assert decoder.closed is False


@given(st.lists(RECORDS, min_size=3, max_size=6, unique_by=lambda r: r.payload), st.data())
def test_a_record_taken_out_or_moved_is_noticed(records: list[Record], data: st.DataObject) -> None:
    parts = encoded(records)
    taken = data.draw(st.integers(1, len(parts) - 2))
    without = parts[:taken] + parts[taken + 1 :]
    found, decoder = decoded(b"".join(without))
    assert decoder.failure == "the record does not follow the one before it"
    assert found == records[: taken - 1]


@given(st.binary(max_size=300))
def test_rubbish_is_refused_without_a_record(data: bytes) -> None:
    found, decoder = decoded(data)
    assert found == []
    assert decoder.failure is not None


def test_names_and_payloads_beyond_the_limits_are_cut_not_refused() -> None:
    record = Record(
        process="engine",
        monotonic_ns=1,
        wall_ns=2,
        direction=Direction.SENT,
        channel="c" * 300,
        topic="t" * 300,
        payload=bytes((1 << 20) + 5),
    )
    (found,), decoder = decoded(b"".join(encoded([record])))
    assert decoder.failure is None
    assert (len(found.channel), len(found.topic), len(found.payload)) == (255, 255, 1 << 20)


def test_the_format_is_pinned() -> None:
    header = encode_header(HEADER)
    record = encode_record(bytes(range(16)), 1, 2, Lane(Direction.SENT, "c", "t"), b"p")
    assert header.hex() == (
        "534f564242580d013e0000006c6b148b070000000000000001000000000000000200000000000000" + "00" * 32 + b"engine".hex()
    )
    assert record.hex() == (
        "1600000061a1ae03000102030405060708090a0b0c0d0e0f01000000000000000200000000000000010101637470"
    )
