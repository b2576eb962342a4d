from __future__ import annotations

import asyncio
import errno
import os
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.execution.journal import Entry, Journal, alone, decode_entry, encode_entry
from engine.risk.trading_state import CauseName
from schemas.messages import OrderAck, OrderReject, RejectCode, Side, TradingState
from tests.support.trader import Trader, in_laboratory

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
    assert journal.recalled.intents == {"i1", "i2"}
    assert [p.name for p in tmp_path.iterdir() if "broken" in p.name] != []


def test_the_stop_is_that_of_the_last_intent_that_may_have_traded(tmp_path: Path) -> None:
    path = tmp_path / "orders.log"
    first, second = (replace(intent(number), sl_price=str(60_000 + number)) for number in (1, 2))
    unfilled = replace(end(2), state="canceled", traded=False)
    for said, expect in (([], second), ([unfilled], first), ([unfilled, end(2)], second), ([end(2)], second)):
        path.write_bytes(b"".join(map(encode_entry, [first, end(1), second, *said])))
        journal = Journal(path)
        journal.close()
        assert journal.recalled.entries == {"BUY": expect}


LIFE = [
    replace(intent(1), instrument="BTC-USDT-SWAP", sl_price="62000", tp_price="66000"), end(1), intent(2),
    replace(intent(3), side="SELL", sl_price="65000"), end(3), replace(intent(4), sl_price="61000"),
]  # fmt: skip


def expected(entries: list[Entry]) -> tuple[set[str], dict[str, Entry], dict[str, Entry]]:
    """What whole entries mean: intents, orders without an end, and the last stop-loss of each side."""
    intents = [entry for entry in entries if entry.event == "intent"]
    ended = {entry.client_order_id for entry in entries if entry.event == "end"}
    return (
        {entry.intent_id for entry in intents},
        {entry.client_order_id: entry for entry in intents if entry.client_order_id not in ended},
        {entry.side: entry for entry in intents if entry.sl_price},
    )


def test_a_file_cut_at_any_byte_recalls_exactly_the_whole_entries_before_the_cut(tmp_path: Path) -> None:
    lines = [encode_entry(entry) for entry in LIFE]
    whole, path = b"".join(lines), tmp_path / "orders.log"
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        kept = whole[:length].count(b"\n")
        torn = length - len(b"".join(lines[:kept]))
        journal = Journal(path)
        journal.close()
        recalled = journal.recalled
        assert (recalled.intents, recalled.open_orders, recalled.entries) == expected(LIFE[:kept])
        assert recalled.problems == ([f"{path}: a torn last line of {torn} bytes was cut off"] if torn else [])
        assert path.read_bytes() == b"".join(lines[:kept])


@given(st.data())
def test_a_byte_changed_anywhere_never_recalls_what_was_not_written(data: st.DataObject) -> None:
    whole = bytearray(b"".join(encode_entry(entry) for entry in LIFE))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "orders.log"
        path.write_bytes(whole)
        journal = Journal(path)
        journal.close()
        recalled = journal.recalled
        whole_of_it = (recalled.intents, recalled.open_orders, recalled.entries) == expected(LIFE)
        assert recalled.problems != [] or whole_of_it
        known = {entry.client_order_id: entry for entry in LIFE if entry.event == "intent"}
        assert all(known[key] == entry for key, entry in recalled.open_orders.items())
        assert recalled.intents <= {entry.intent_id for entry in LIFE}


def test_an_engine_whose_journal_is_broken_keeps_it_aside_says_so_and_learns_from_the_venue(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        await trader.told(Side.BUY, "2")
        await trader.told(Side.BUY, "1", away=50)
        await trader.told(Side.SELL, "1", away=50)
        path = tmp_path / "orders.log"
        await lab.crash()
        content = path.read_bytes()
        lines = content.splitlines(keepends=True)
        path.write_bytes(b"".join([lines[0], b"rubbish\n", *lines[2:]]))
        broken = path.read_bytes()
        life = await lab.armed()
        (aside,) = [each for each in tmp_path.iterdir() if "broken" in each.name]
        assert aside.read_bytes() == broken
        said = [text for level, text in life.said if level.endswith("error")]
        begin = f"{len(lines) - 1} whole lines of {len(lines)} begin the new one"
        assert said == [f"journal: {path}: line 2 is broken; kept as {aside.name}, {begin}"]
        told = sorted(text.split()[1] for _, text in life.said if text.startswith("reconcile: "))
        assert told == [*["journaled_order:"] * 3, "leverage_kept:"]
        assert (life.trading.account.contracts, len(life.trading.orders.working())) == (Decimal(2), 2)
        await lab.settle()
        assert lab.differences() == []
        assert life.causes.state is TradingState.ACTIVE
        assert isinstance(await trader.told(Side.SELL, "1", reduce_only=True), OrderAck)

    in_laboratory(tmp_path, act)


class _Filling:
    """A disk with room for so many bytes more: what does not fit is written in part, and then not at all."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, descriptor: int, data: bytes) -> int:
        fits = data[: self.room]
        if not fits:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(fits)
        return os.write(descriptor, fits)


@given(st.integers(0, 600))
def test_a_disk_that_fills_up_in_the_middle_of_a_line_costs_that_line_only(room: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "orders.log"
        disk = _Filling(room)
        journal, kept = Journal(path, write=disk.write), []
        for number in range(4):
            try:
                asyncio.run(journal.append_durably(intent(number)))
            except OSError as error:
                assert error.errno == errno.ENOSPC
            else:
                kept.append(intent(number))
        disk.room = 10_000  # space is back
        journal.append(intent(9))
        journal.close()
        recalled = Journal(path).recalled
        assert recalled.problems == []
        assert list(recalled.open_orders.values()) == [*kept, intent(9)]


@given(st.integers(0, 4))
def test_of_a_broken_file_every_whole_line_is_remembered_also_after_the_next_start(at: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "orders.log"
        lines = [encode_entry(intent(number)) for number in range(5)]
        lines[at] = lines[at][:20] + b"\n"
        path.write_bytes(b"".join(lines))
        whole = {f"c{number}": intent(number) for number in range(5) if number != at}
        first = Journal(path)
        assert first.recalled.open_orders == whole
        assert [f"line {at + 1} is broken" in problem for problem in first.recalled.problems] == [True]
        first.append(intent(7))
        first.close()
        second = Journal(path)
        assert second.recalled.open_orders == {**whole, "c7": intent(7)}
        assert second.recalled.problems == []
        second.close()


def test_while_the_journal_cannot_be_written_a_cause_stands_and_it_falls_with_the_space(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        life, full = lab.life, OSError(errno.ENOSPC, "No space left on device")
        assert life is not None
        await trader.told(Side.BUY, "1")
        await asyncio.sleep(2)
        truth = life.journal._append, life.journal._write_block

        def no_space(*args: object) -> None:
            raise full

        life.journal._append, life.journal._write_block = no_space, no_space  # type: ignore[method-assign]
        for _ in range(2):  # also what reduces cannot be sent: a crash could send it twice
            said = await trader.told(Side.SELL, "1", reduce_only=True)
            assert isinstance(said, OrderReject)
            assert (said.code, said.rule) == (RejectCode.INTERNAL, "journal")
        await asyncio.sleep(1.2)
        (cause,) = life.causes.standing()
        assert (cause.name, cause.forces) == ("journal_lost", TradingState.REDUCING)
        assert cause.detail == "[Errno 28] No space left on device; mend the data directory's disk"
        said = await trader.told(Side.BUY, "1")
        assert isinstance(said, OrderReject)
        assert said.code is RejectCode.TRADING_STATE
        await asyncio.sleep(10)
        assert life.causes.stands(CauseName.JOURNAL_LOST)
        life.journal._append, life.journal._write_block = truth  # type: ignore[method-assign]
        await lab.until(lambda: life.causes.state is TradingState.ACTIVE, within_s=3)
        assert isinstance(await trader.told(Side.BUY, "1"), OrderAck)
        await lab.settle()
        assert (lab.differences(), trader.lost()) == ([], [])

    in_laboratory(tmp_path, act)


def test_a_journal_is_one_engine_s_until_that_ends(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    held = alone(directory)
    with pytest.raises(BlockingIOError):
        alone(directory)
    os.close(held)
    os.close(alone(directory))


def test_a_disk_proves_itself_by_a_block_of_which_nothing_is_left(tmp_path: Path) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    journal = Journal(tmp_path / "orders.log", write=full)
    with pytest.raises(OSError, match="No space left"):
        journal.append(intent(1))
    assert journal.problem == "[Errno 28] No space left on device"
    asyncio.run(journal.prove())
    assert (journal.problem, [path.name for path in tmp_path.iterdir()]) == ("", ["orders.log"])
    journal.close()
