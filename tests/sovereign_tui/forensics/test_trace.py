"""Steps in order, ids that belong together, and what a search finds: properties."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from schemas.blackbox import BlackboxReader, Direction, Lane, SegmentHeader, encode_header, encode_record, scan
from schemas.blackbox.record import NO_HASH, chain
from sovereign_tui.forensics.subject import Subject, begun_ns, merged
from sovereign_tui.forensics.trace import BEFORE, Step, in_order
from tests.sovereign_tui.forensics import support as s

KINDS = sorted({name for pair in BEFORE for name in pair} | {"fill", "note"})
STEPS = st.lists(st.builds(
    Step, what=st.sampled_from(KINDS), process=st.just("engine"), at_ns=st.integers(0, 20), text=st.just("")
), max_size=20)  # fmt: skip


@given(STEPS)
def test_steps_are_in_the_order_of_time_and_no_cause_follows_its_first_effect(steps: list[Step]) -> None:
    ordered = in_order(steps)
    times = [step.at_ns for step in ordered]
    assert times == sorted(times)
    assert sorted(step.what for step in ordered) == sorted(step.what for step in steps)
    names = [step.what for step in ordered]
    for cause, effect in BEFORE:
        if cause in names and effect in names:
            assert names.index(cause) < names.index(effect)


NAMES = ("intent_id", "client_order_id", "venue_order_id")
TOLD = st.tuples(st.sampled_from("abc"), st.sets(st.sampled_from(NAMES), min_size=1))
"""Which order, and which of its ids a record tells."""


@given(st.lists(TOLD, max_size=8).flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_subjects_that_share_an_id_are_one_whatever_their_order(
    told: tuple[list[tuple[str, set[str]]], list[tuple[str, set[str]]]],
) -> None:
    first, second = (
        merged(Subject(**{name: name[0] + order for name in names}) for order, names in each) for each in told
    )
    assert set(first) == set(second)
    for whole in (first, second):
        assert not any(one.same(other) for one in whole for other in whole if other is not one)


def test_an_intent_tells_when_its_brain_was_started() -> None:
    assert begun_ns(s.INTENT) == s.START - 1_000_000_000
    assert begun_ns("so586a48b0110ba628319ac3e9b0e0") is None


@given(
    st.lists(st.tuples(st.sampled_from(["t", "state.x"]), st.binary(max_size=12)), max_size=12),
    st.lists(st.binary(min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_a_scan_finds_what_reading_everything_would(records: list[tuple[str, bytes]], needles: list[bytes]) -> None:
    header = SegmentHeader(process="p", pid=1, number=0, wall_ns=1, monotonic_ns=1, boot=bytes(16), prev=NO_HASH)
    parts = [encode_header(header)]
    for number, (topic, payload) in enumerate(records):
        parts.append(encode_record(chain(parts[-1]), number, number, Lane(Direction.SENT, "c", topic), payload))
    holding = [
        payload for (topic, payload), encoded in zip(records, parts[1:], strict=True)
        if topic != "state.x" and any(needle in encoded for needle in needles)
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "p" / "00000000000000000001-1-000000.bbx"
        path.parent.mkdir()
        path.write_bytes(b"".join(parts))
        (segment,) = BlackboxReader(Path(directory)).segments()
        assert [one.payload for one in scan(segment, needles, passed_over=(b"state.",))] == holding
