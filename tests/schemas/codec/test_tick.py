from __future__ import annotations

import math
import struct
from typing import Any

import flatbuffers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import TICK_LEVELS, Malformed, TickDecoder, TickEncoder, read_tick_slowly
from schemas.generated.market import Level as FbLevel
from schemas.generated.market import MarketTick as Fb
from schemas.messages import MarketTick

INSTRUMENT = "BTC-USDT-SWAP"
I64 = st.integers(-(2**63), 2**63 - 1)
DOUBLES = st.floats(allow_nan=True, allow_infinity=True, width=64)
SIDE = st.lists(st.tuples(DOUBLES, DOUBLES), max_size=TICK_LEVELS)


@st.composite
def ticks(draw: st.DrawFn) -> dict[str, Any]:
    bids, asks = draw(SIDE), draw(SIDE)
    return {
        "sequence": draw(st.integers(0, 2**64 - 1)),
        "exchange_ns": draw(I64),
        "received_ns": draw(I64),
        "published_ns": draw(I64),
        "received_mono_ns": draw(I64),
        "book_sequence": draw(I64),
        "book_valid": draw(st.booleans()),
        "last_price": draw(DOUBLES),
        "last_size": draw(DOUBLES),
        "last_side": draw(st.integers(0, 2)),
        "last_id": draw(I64),
        "bid_prices": tuple(p for p, _ in bids),
        "bid_sizes": tuple(s for _, s in bids),
        "ask_prices": tuple(p for p, _ in asks),
        "ask_sizes": tuple(s for _, s in asks),
    }


def bits(value: object) -> object:
    """Floats by their bits, so that NaN equals NaN and -0.0 differs from 0.0."""
    if isinstance(value, float):
        return struct.pack("<d", value)
    if isinstance(value, tuple):
        return tuple(bits(item) for item in value)
    return value


def fields(tick: MarketTick) -> dict[str, object]:
    return {name: bits(getattr(tick, name)) for name in MarketTick.__struct_fields__}


def expected(given_: dict[str, Any]) -> dict[str, object]:
    def best(values: tuple[float, ...]) -> float:
        return values[0] if values else math.nan

    whole = {
        **given_,
        "instrument": INSTRUMENT,
        "bid_price": best(given_["bid_prices"]),
        "bid_size": best(given_["bid_sizes"]),
        "ask_price": best(given_["ask_prices"]),
        "ask_size": best(given_["ask_sizes"]),
    }
    return {name: bits(whole[name]) for name in MarketTick.__struct_fields__}


@given(ticks())
def test_the_generated_reader_reads_back_every_field_that_was_patched_in(given_: dict[str, Any]) -> None:
    encoded = bytes(TickEncoder(INSTRUMENT).encode(**given_))
    assert fields(read_tick_slowly(encoded)) == expected(given_)


@given(st.lists(ticks(), min_size=1, max_size=3))
def test_reading_at_fixed_offsets_equals_the_generated_reader_also_when_the_buffer_is_used_again(
    several: list[dict[str, Any]],
) -> None:
    encoder, decoder = TickEncoder(INSTRUMENT), TickDecoder(INSTRUMENT)
    for given_ in several:
        encoded = bytes(encoder.encode(**given_))
        assert fields(decoder.decode(encoded)) == fields(read_tick_slowly(encoded)) == expected(given_)
    assert decoder.slow_reads == 0


@given(ticks(), ticks(), DOUBLES, DOUBLES, DOUBLES, DOUBLES)
def test_a_new_touch_on_the_tick_before_is_the_tick_that_would_have_been_encoded_whole(
    before: dict[str, Any], after: dict[str, Any], bid: float, bid_size: float, ask: float, ask_size: float
) -> None:
    encoder = TickEncoder(INSTRUMENT)
    encoder.encode(**before)
    levels = {name: before[name] for name in ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes")}
    scalars = {name: value for name, value in after.items() if name not in levels}
    touch = {"bid_price": bid, "bid_size": bid_size, "ask_price": ask, "ask_size": ask_size}
    if not levels["bid_prices"] or not levels["ask_prices"]:
        with pytest.raises(ValueError, match="empty side"):
            encoder.encode_touch(**scalars, **touch)
        return
    for name, best in (("bid_prices", bid), ("bid_sizes", bid_size), ("ask_prices", ask), ("ask_sizes", ask_size)):
        levels[name] = (best, *levels[name][1:])
    assert bytes(encoder.encode_touch(**scalars, **touch)) == bytes(TickEncoder(INSTRUMENT).encode(**scalars, **levels))


def built_by_flatbuffers(
    tick: dict[str, Any], *, levels: int = TICK_LEVELS, leave_out: frozenset[str] = frozenset()
) -> bytes:
    """The same tick by the generated builder alone, perhaps of a schema with fewer fields or other level counts."""
    builder = flatbuffers.Builder(1024)
    builder.ForceDefaults(True)
    name = builder.CreateString(INSTRUMENT)
    vectors = {}
    for side in ("ask", "bid"):
        rows = list(zip(tick[f"{side}_prices"], tick[f"{side}_sizes"], strict=True))
        rows += [(math.nan, math.nan)] * (levels - len(rows))
        getattr(Fb, f"MarketTickStart{side.title()}sVector")(builder, levels)
        for price, size in reversed(rows):
            FbLevel.CreateLevel(builder, price, size)
        vectors[side] = builder.EndVector()
    Fb.MarketTickStart(builder)
    Fb.MarketTickAddInstrument(builder, name)
    Fb.MarketTickAddAsks(builder, vectors["ask"])
    Fb.MarketTickAddBids(builder, vectors["bid"])
    best = {
        side: (tick[f"{side}_prices"] or (math.nan,), tick[f"{side}_sizes"] or (math.nan,)) for side in ("bid", "ask")
    }
    values = {
        "BookValid": tick["book_valid"], "AskCount": len(tick["ask_prices"]), "BidCount": len(tick["bid_prices"]),
        "LastSide": tick["last_side"], "BookSequence": tick["book_sequence"],
        "ReceivedMonoNs": tick["received_mono_ns"], "LastId": tick["last_id"], "LastSize": tick["last_size"],
        "LastPrice": tick["last_price"], "AskSize": best["ask"][1][0], "AskPrice": best["ask"][0][0],
        "BidSize": best["bid"][1][0], "BidPrice": best["bid"][0][0], "PublishedNs": tick["published_ns"],
        "ReceivedNs": tick["received_ns"], "ExchangeNs": tick["exchange_ns"], "Sequence": tick["sequence"],
    }  # fmt: skip
    for field, value in values.items():
        if field not in leave_out:
            getattr(Fb, f"MarketTickAdd{field}")(builder, value)
    builder.Finish(Fb.MarketTickEnd(builder))
    return bytes(builder.Output())


@given(ticks())
def test_patching_the_template_writes_the_bytes_that_the_builder_writes(given_: dict[str, Any]) -> None:
    assert bytes(TickEncoder(INSTRUMENT).encode(**given_)) == built_by_flatbuffers(given_)


PLAIN: dict[str, Any] = {
    "sequence": 7, "exchange_ns": 11, "received_ns": 12, "published_ns": 13, "received_mono_ns": 14,
    "book_sequence": 15, "book_valid": True, "last_price": 64000.5, "last_size": 3.0, "last_side": 2, "last_id": 99,
    "bid_prices": (64000.0, 63999.9), "bid_sizes": (1.0, 2.0), "ask_prices": (64000.1,), "ask_sizes": (0.5,),
}  # fmt: skip


def test_a_tick_of_an_older_schema_without_the_later_fields_is_read_with_their_defaults() -> None:
    decoder = TickDecoder(INSTRUMENT)
    old = built_by_flatbuffers(PLAIN, leave_out=frozenset({"BookValid", "BookSequence", "ReceivedMonoNs"}))
    tick = decoder.decode(old)
    assert (tick.book_valid, tick.book_sequence, tick.received_mono_ns) == (False, 0, 0)
    assert (tick.sequence, tick.bid_prices, tick.last_price) == (7, (64000.0, 63999.9), 64000.5)
    assert decoder.slow_reads == 1


def test_a_tick_of_a_newer_schema_with_more_fields_and_levels_is_read_as_far_as_we_know_it() -> None:
    newer = add_a_field(built_by_flatbuffers(PLAIN, levels=30))
    decoder = TickDecoder(INSTRUMENT)
    assert fields(decoder.decode(newer)) == expected(PLAIN)
    assert decoder.slow_reads == 1


def add_a_field(message: bytes) -> bytes:
    """The message with a vtable that has one more slot, as a newer schema writes it."""
    (root,) = struct.unpack_from("<I", message, 0)
    (back,) = struct.unpack_from("<i", message, root)
    vtable = root - back
    size, table = struct.unpack_from("<HH", message, vtable)
    slots = message[vtable + 4 : vtable + size]
    new_vtable = struct.pack("<HH", size + 2, table) + slots + struct.pack("<H", 4 + 8)  # an alias of a known place
    prefix = bytes(-len(new_vtable) % 8) + new_vtable  # in front of everything; a vtable may lie anywhere
    moved = len(prefix) + 8
    out = bytearray(struct.pack("<I", root + moved - 4 + 4) + bytes(4) + prefix + message)
    new_root = root + moved
    struct.pack_into("<I", out, 0, new_root)
    struct.pack_into("<i", out, new_root, new_root - (8 + len(prefix) - len(new_vtable)))
    return bytes(out)


def test_the_bytes_of_a_tick_are_pinned() -> None:
    encoded = bytes(TickEncoder(INSTRUMENT).encode(**PLAIN))
    assert len(encoded) == 856
    assert encoded[:96].hex() == GOLDEN_START
    assert encoded == built_by_flatbuffers(PLAIN)


GOLDEN_START = (
    "34000000000000002c0080007c0004000c0014001c0024002c0034003c0044004c0054005c0064007000710072007300"
    "740078002c00000007000000000000000b000000000000000c000000000000000d00000000000000000000000040ef40"
)


@pytest.mark.parametrize("payload", [b"", b"\0", b"\xff" * 64, bytes(856), b"\x10\0\0\0" + bytes(20)])
def test_bytes_that_are_no_tick_are_malformed_and_nothing_else(payload: bytes) -> None:
    with pytest.raises(Malformed):
        TickDecoder(INSTRUMENT).decode(payload)


@given(st.binary(max_size=1000))
def test_random_bytes_are_a_tick_or_malformed(payload: bytes) -> None:
    try:
        TickDecoder(INSTRUMENT).decode(payload)
    except Malformed as error:
        assert error.what == "MarketTick"


def test_too_many_or_uneven_levels_are_refused() -> None:
    encoder = TickEncoder(INSTRUMENT)
    with pytest.raises(ValueError, match="at most 20"):
        encoder.encode(**{**PLAIN, "bid_prices": (1.0,) * 21, "bid_sizes": (1.0,) * 21})
    with pytest.raises(ValueError, match="2/1 bids"):
        encoder.encode(**{**PLAIN, "bid_sizes": (1.0,)})
