from __future__ import annotations

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.execution.journal import Entry, Journal, decode_entry, encode_entry

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ENTRIES = st.builds(
    Entry, event=st.sampled_from(["intent", "end"]), intent_id=TEXT, client_order_id=TEXT,
    wall_ns=st.integers(0, 2**62), instrument=TEXT, side=TEXT, contracts=TEXT, reduce_only=st.booleans(), state=TEXT,
)  # fmt: skip


def intent(number: int) -> Entry:
    return Entry(
        event="intent", intent_id=f"i{number}", client_order_id=f"c{number}", wall_ns=number, side="BUY", contracts="1"
    )


def end(number: int) -> Entry:
    return Entry(event="end", intent_id=f"i{number}", client_order_id=f"c{number}", wall_ns=number, state="filled")


@given(ENTRIES)
def test_an_entry_is_one_line_and_comes_back(entry: Entry) -> None:
    line = encode_entry(entry)
    assert line.count(b"\n") == 1
    assert decode_entry(line[:-1]) == entry


@given(ENTRIES, st.data())
def test_a_flipped_bit_is_noticed(entry: Entry, data: st.DataObject) -> None:
    line = bytearray(encode_entry(entry)[:-1])
    at = data.draw(st.integers(9, len(line) - 1))
    line[at] ^= 1 << data.draw(st.integers(0, 7))
    assert decode_entry(bytes(line)) is None


def test_what_was_journaled_is_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "j" / "orders.log"
    journal = Journal(path)
    asyncio.run(journal.append_durably(intent(1)))
    journal.append(end(1))
    journal.append(intent(2))
    journal.close()
    recalled = Journal(path).recalled
    assert recalled.intents == {"i1", "i2"}
    assert recalled.open_orders == {"c2": intent(2)}
    assert recalled.problems == []


def test_a_cut_at_any_byte_loses_at_most_the_entry_that_was_being_written(tmp_path: Path) -> None:
    whole = encode_entry(intent(1)) + encode_entry(intent(2))
    for length in range(len(whole) + 1):
        path = tmp_path / f"{length}.log"
        path.write_bytes(whole[:length])
        journal = Journal(path)
        kept = whole[:length].count(b"\n")
        assert journal.recalled.intents == {f"i{n}" for n in range(1, kept + 1)}
        journal.append(intent(3))
        journal.close()
        assert Journal(path).recalled.intents == {f"i{n}" for n in range(1, kept + 1)} | {"i3"}


def test_a_broken_line_in_the_middle_moves_the_file_aside_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "orders.log"
    path.write_bytes(encode_entry(intent(1)) + b"rubbish\n" + encode_entry(intent(2)))
    journal = Journal(path)
    (problem,) = journal.recalled.problems
    assert "line 2 is broken" in problem
    assert journal.recalled.intents == {"i1"}
    assert [p.name for p in tmp_path.iterdir() if "broken" in p.name] != []
