from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.channels import BadTopic, Gap
from schemas.channels.frame import HEADER_SIZE, STAMP, TOPIC_SIZE, encode, pad_topic, prefix, topic_of
from schemas.channels.sequence import Arrival, Track

TOPICS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=31)


def judged(*messages: tuple[int, int]) -> list[Arrival]:
    track = Track("state.orders", resume=True)
    return [track.judge(*message) for message in messages]


def test_the_first_message_is_next_whatever_its_number() -> None:
    assert judged((7, 70), (8, 80)) == [Arrival.NEXT, Arrival.NEXT]


def test_same_number_and_time_is_a_duplicate() -> None:
    assert judged((7, 70), (7, 70), (8, 80)) == [Arrival.NEXT, Arrival.DUPLICATE, Arrival.NEXT]


def test_same_number_at_another_time_is_a_restart_not_a_duplicate() -> None:
    assert judged((1, 70), (1, 90)) == [Arrival.NEXT, Arrival.RESTART]


def test_a_skipped_number_is_a_gap_and_a_lower_one_a_restart() -> None:
    assert judged((3, 1), (6, 2), (1, 3), (2, 4)) == [Arrival.NEXT, Arrival.GAP, Arrival.RESTART, Arrival.NEXT]


def test_a_gap_says_what_is_missing() -> None:
    gap = Gap("tick.BTC-USDT-SWAP", 1203, 1206)
    assert gap.lost == 3
    assert str(gap) == "tick.BTC-USDT-SWAP: 1206 received, 1203 expected; 3 lost"


@given(st.sets(st.integers(1, 60)), st.data())
def test_whatever_is_lost_or_doubled_is_counted_exactly(lost: set[int], data: st.DataObject) -> None:
    arriving = [n for n in range(1, 61) if n not in lost]
    doubled = data.draw(st.lists(st.sampled_from(arriving))) if arriving else []
    track = Track("t", resume=False)
    missing = duplicates = taken = 0
    for sequence in sorted([*arriving, *doubled]):
        expected = track.sequence + 1
        first = track.sequence == 0
        verdict = track.judge(sequence, sequence * 10)
        duplicates += verdict is Arrival.DUPLICATE
        taken += verdict is not Arrival.DUPLICATE
        missing += sequence - expected if verdict is Arrival.GAP and not first else 0
    before_first = arriving[0] - 1 if arriving else 0
    after_last = 60 - arriving[-1] if arriving else 60
    assert taken == len(arriving)
    assert duplicates == len(doubled)
    assert missing == (len(lost) - before_first - after_last if arriving else 0)


@given(TOPICS, st.integers(0, 2**64 - 1), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=64))
def test_a_frame_is_the_header_and_the_payload(topic: str, sequence: int, timestamp_ns: int, payload: bytes) -> None:
    frame = encode(topic, sequence, timestamp_ns, payload)
    assert topic_of(frame[:TOPIC_SIZE]) == topic
    assert STAMP.unpack_from(frame, TOPIC_SIZE) == (sequence, timestamp_ns)
    assert frame[HEADER_SIZE:] == payload


def test_the_frame_is_pinned() -> None:
    wanted = b"tick.BTC-USDT-SWAP" + b"\0" * 14 + bytes.fromhex("0201000000000000ffffffffffffffff") + b"x"
    assert encode("tick.BTC-USDT-SWAP", 258, -1, b"x") == wanted


@pytest.mark.parametrize("topic", ["", "x" * 32, "tick.é", "a\0b", "a\nb"])
def test_a_topic_that_does_not_fit_is_refused(topic: str) -> None:
    with pytest.raises(BadTopic, match="nothing was sent"):
        pad_topic(topic)


def test_the_empty_prefix_selects_all_and_a_whole_topic_only_itself() -> None:
    assert prefix("") == b""
    assert pad_topic("tick.BTC").startswith(prefix("tick."))
    assert not pad_topic("tick.BTC2").startswith(pad_topic("tick.BTC"))
