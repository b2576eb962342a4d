from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.book import Book, BookError
from engine.venue.frames import BookFrame, decode_frame
from tests.support.recordings import recording


def row(price: float, size: float) -> list[str]:
    return [str(price), str(size), "0", "1"]


def two_sided() -> Book:
    book = Book("X")
    book.snapshot([row(9, 1), row(8, 2)], [row(10, 3), row(11, 4)], sequence=5)
    return book


@pytest.mark.parametrize(
    ("name", "checksums"),
    [
        ("2022-05-13_public_books-tickers-trades.raw", 290),
        ("2021-07-22_conn1_books-l2-tbt.raw", 1504),
        ("2021-07-22_conn2_books-l2-tbt.raw", 1446),
        ("2021-07-22_conn3_books-l2-tbt.raw", 1422),
    ],
)
def test_the_book_reproduces_every_checksum_that_okx_sent(name: str, checksums: int) -> None:
    books: dict[str, Book] = {}
    verified = 0
    for line in recording(f"okx-ws-raw/{name}").read_text().splitlines():
        stamp, _, text = line.partition(": ")
        if not stamp.replace(".", "").isdigit():
            continue  # what the client sent, or the opening of the connection
        frame = decode_frame(text.encode())
        if not isinstance(frame, BookFrame):
            continue
        book = books.setdefault(frame.instrument, Book(frame.instrument))
        for data in frame.data:
            if frame.snapshot:
                book.snapshot(data.bids, data.asks, sequence=data.seqId, checksum=data.checksum)
            else:
                book.update(data.bids, data.asks, previous=None, sequence=data.seqId, checksum=data.checksum)
            assert book.valid
            assert book.checksum() == data.checksum
            verified += data.checksum != 0
    assert verified == checksums


def test_a_wrong_checksum_ends_the_trust_and_zero_means_that_there_is_none() -> None:
    book = two_sided()
    book.update([], [], previous=5, sequence=6, checksum=0)
    with pytest.raises(BookError, match="checksum"):
        book.update([], [], previous=6, sequence=7, checksum=1)
    assert not book.valid


def test_a_broken_chain_is_refused_and_a_snapshot_mends_it() -> None:
    book = two_sided()
    with pytest.raises(BookError, match="prevSeqId 4, 5 expected"):
        book.update([], [], previous=4, sequence=9)
    assert not book.valid
    with pytest.raises(BookError, match="before a snapshot"):
        book.update([], [], previous=9, sequence=10)
    book.snapshot([row(9, 1)], [row(10, 1)], sequence=20)
    assert book.valid


def test_a_heartbeat_and_a_reset_after_maintenance_are_no_gaps() -> None:
    book = two_sided()
    book.update([], [], previous=5, sequence=5)
    book.update([row(9, 7)], [], previous=5, sequence=2)
    book.update([row(9, 8)], [], previous=2, sequence=3)
    assert book.top_bids(1) == ([9.0], [8.0])


def test_a_crossed_book_is_refused() -> None:
    with pytest.raises(BookError, match="crossed"):
        two_sided().update([row(10, 1)], [], previous=5, sequence=6)


@pytest.mark.parametrize("bad", [["x", "1"], ["-1", "1"], ["1", "-1"], ["nan", "1"], ["inf", "1"], ["1"], ["0", "1"]])
def test_a_level_that_is_no_level_is_refused(bad: list[str]) -> None:
    book = two_sided()
    with pytest.raises(BookError, match="unreadable"):
        book.update([bad], [], previous=5, sequence=6)
    assert not book.valid


def test_a_delete_of_a_price_that_is_not_held_is_ignored() -> None:
    book = two_sided()
    book.update([row(3, 0)], [row(99, 0)], previous=5, sequence=6)
    assert book.depth() == (2, 2)


LEVEL = st.tuples(st.integers(1, 40), st.integers(0, 3))


@given(st.lists(st.tuples(st.lists(LEVEL, max_size=6), st.lists(LEVEL, max_size=6)), max_size=12))
def test_deltas_lead_to_the_book_that_a_dictionary_would_hold(deltas: list[tuple[list[tuple[int, int]], ...]]) -> None:
    book = Book("X")
    book.snapshot([], [], sequence=0)
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    for sequence, (below, above) in enumerate(deltas, 1):
        for levels, held, offset in ((below, bids, 0), (above, asks, 100)):
            for price, size in levels:
                held[float(price + offset)] = float(size)
                if not size:
                    del held[float(price + offset)]
        book.update(
            [row(p, s) for p, s in below], [row(p + 100, s) for p, s in above], previous=sequence - 1, sequence=sequence
        )
        assert book.top_bids(50) == (
            sorted(bids, reverse=True),
            [bids[p] for p in sorted(bids, reverse=True)],
        )
        assert book.top_asks(50) == (sorted(asks), [asks[p] for p in sorted(asks)])
        assert book.top_bids(2)[0] == sorted(bids, reverse=True)[:2]


def test_a_book_read_beside_the_stream_is_joined_by_the_first_update_that_reaches_beyond_it() -> None:
    held = Book("X")
    held.snapshot([["100", "1"]], [["101", "1"]], sequence=15, joins=True)
    held.update([["100", "9"]], [], previous=5, sequence=10)  # in it already
    assert held.top_bids(1) == ([100.0], [1.0])
    held.update([["100", "2"]], [], previous=10, sequence=20)  # begins before it, ends after it
    assert (held.top_bids(1), held.sequence) == (([100.0], [2.0]), 20)
    with pytest.raises(BookError, match="prevSeqId 15, 20 expected"):
        held.update([], [], previous=15, sequence=25)


def test_a_book_read_beside_the_stream_too_early_does_not_join() -> None:
    held = Book("X")
    held.snapshot([["100", "1"]], [["101", "1"]], sequence=15, joins=True)
    with pytest.raises(BookError):
        held.update([], [], previous=16, sequence=20)
    assert not held.valid


@pytest.mark.parametrize(("buy", "contracts", "average"), [(True, 1, 101.0), (True, 3, 101.5), (False, 2, 99.5)])
def test_the_depth_says_what_taking_from_it_costs(buy: bool, contracts: float, average: float) -> None:
    held = Book("X")
    held.snapshot([["100", "1"], ["99", "1"]], [["101", "2"], ["102.5", "1"]], sequence=1)
    assert held.average_price(buy=buy, contracts=contracts) == pytest.approx(average)
    assert held.average_price(buy=buy, contracts=3.01) is None
    held.invalidate()
    assert held.average_price(buy=buy, contracts=contracts) is None
