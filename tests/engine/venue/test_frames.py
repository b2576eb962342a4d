from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.venue.frames import (
    AccountFrame,
    BookFrame,
    CandleFrame,
    Event,
    FrameError,
    OrdersFrame,
    Other,
    TradesFrame,
    decode_frame,
)
from tests.support.recordings import recording


def test_every_frame_that_okx_sent_in_2026_is_read() -> None:
    kinds = set()
    for line in recording("okx-samples/ccxt-ws-2026-08-swap.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["dir"] == "in" or "data" in row["msg"]:
            kinds.add(type(decode_frame(json.dumps(row["msg"]).encode())))
    assert {BookFrame, TradesFrame, CandleFrame, Other} <= kinds


@pytest.mark.parametrize(("name", "kind"), [("ws_orders", OrdersFrame), ("ws_account", AccountFrame)])
def test_private_frames_of_a_real_account_are_read(name: str, kind: type) -> None:
    assert isinstance(decode_frame(recording(f"okx-samples/nautilus/{name}.json").read_bytes()), kind)


def test_a_book_frame_keeps_the_texts_and_the_chain() -> None:
    frame = decode_frame(
        b'{"arg":{"channel":"books","instId":"BTC-USDT-SWAP"},"action":"update","data":[{"asks":[["1.10","2","0","1"]],'
        b'"bids":[],"ts":"1786541241006","checksum":0,"prevSeqId":333794734979,"seqId":333794734980}]}'
    )
    assert isinstance(frame, BookFrame)
    (data,) = frame.data
    assert (frame.snapshot, data.asks[0][0], data.prevSeqId, data.seqId) == (False, "1.10", 333794734979, 333794734980)


@pytest.mark.parametrize(
    ("payload", "event"),
    [
        (b'{"event":"login","code":"0","msg":"","connId":"a"}', Event("login", "0", "", "")),
        (
            b'{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"a"}',
            Event("channel-conn-count", "", "", ""),
        ),
        (b'{"event":"notice","code":"64008","msg":"soon","connId":"a"}', Event("notice", "64008", "soon", "")),
    ],
)
def test_an_event_is_an_event_also_when_nobody_knows_it(payload: bytes, event: Event) -> None:
    assert decode_frame(payload) == event


@given(st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_a_frame_error(payload: bytes) -> None:
    try:
        decode_frame(payload)
    except FrameError as error:
        assert str(error)


@pytest.mark.parametrize("start", [b'{"arg":{"channel":"bbo-tbt"', b'{ "arg": {"channel": "bbo-tbt"'])
def test_a_best_level_is_the_same_frame_however_its_text_is_spaced(start: bytes) -> None:
    frame = decode_frame(
        start + b',"instId":"X"},"data":[{"asks":[["2","3","0","1"]],"bids":[["1","4","0","1"]],"ts":"5","seqId":6}]}'
    )
    assert isinstance(frame, BookFrame)
    (data,) = frame.data
    assert (frame.channel, frame.instrument, frame.snapshot) == ("bbo-tbt", "X", False)
    assert (data.bids, data.asks, data.ts, data.seqId, data.prevSeqId) == (
        [["1", "4", "0", "1"]], [["2", "3", "0", "1"]], "5", 6, None,
    )  # fmt: skip
