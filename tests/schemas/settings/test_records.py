from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.settings import Settings
from schemas.settings.records import (
    BACKTEST,
    PAPER,
    BadRecord,
    Record,
    Shelf,
    digest,
    longest_s,
    parse,
    read,
    unusable,
    write,
)

NOW_NS = 1_786_541_241_000_000_000
HOUR_NS = 3_600 * 10**9
SETTINGS = Settings()


def record(**fields: Any) -> Record:
    whole = {
        "kind": PAPER, "id": "a1", "begun_ns": NOW_NS - 25 * HOUR_NS, "ended_ns": NOW_NS - HOUR_NS, "ran_s": 80_000.0,
        "instrument": "BTC-USDT-SWAP", "settings": digest(SETTINGS),
    }  # fmt: skip
    return Record(**{**whole, **fields})


def test_a_run_that_goes_on_replaces_its_own_record_and_leaves_the_others(tmp_path: Path) -> None:
    directory = tmp_path / "records"
    assert read(directory) == Shelf(records=(), problems=())
    write(directory, record(id="b2", kind=BACKTEST))
    write(directory, record(ran_s=60.0))
    path = write(directory, record(ran_s=120.0))
    assert path.name == "paper.a1.jsonl"
    assert read(directory) == Shelf(records=(record(id="b2", kind=BACKTEST), record(ran_s=120.0)), problems=())


def line(**changes: Any) -> bytes:
    fields = json.loads(json.dumps({name: getattr(record(), name) for name in Record.__struct_fields__}))
    return json.dumps(fields | changes).encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "not a record"),
        (b"[]", "not a record"),
        (b"\xff", "not a record"),
        (line(kind="live"), "Invalid enum value 'live'"),
        (line(more=1), "unknown field `more`"),
        (line(ran_s="1"), "Expected `float`, got `str`"),
        (line(id="../x"), "id: '../x' is not of letters and digits"),
        (line(settings="abc"), "settings: not a digest"),
        (line(ended_ns=5), "ended_ns: 5 is before begun_ns"),
        (line(begun_ns=0), "is before begun_ns 0"),
        (line(ran_s=-1.0), "ran_s: -1.0 is no length of time"),
        (line(ran_s=24 * 3_600 + 100.0), "ran_s: 86500 is longer than the run itself"),
    ],
)
def test_what_is_no_record_is_named_with_its_place_and_counts_for_nothing(
    tmp_path: Path, text: bytes, said: str
) -> None:
    with pytest.raises(BadRecord) as caught:
        parse(text)
    assert said in str(caught.value)
    path = tmp_path / "x.jsonl"
    path.write_bytes(text + b"\n\n" + line() + b"\n")
    shelf = read(tmp_path)
    assert shelf.records == (record(),)
    assert shelf.problems[0].startswith(f"{path}, line 1: ")
    assert said in shelf.problems[0]


def test_a_backtest_may_cover_more_market_than_it_took_time() -> None:
    assert parse(line(kind=BACKTEST, ran_s=1e7)) == record(kind=BACKTEST, ran_s=1e7)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"ended_ns": NOW_NS + HOUR_NS}, "it lies in the future"),
        ({"begun_ns": NOW_NS + HOUR_NS, "ended_ns": NOW_NS + 2 * HOUR_NS}, "it lies in the future"),
        ({"instrument": "ETH-USDT-SWAP"}, "it is of ETH-USDT-SWAP, not of BTC-USDT-SWAP"),
        (
            {"settings": "0" * 64},
            "it ran with other settings of instrument, leverage, margin, brain, its layers, its model or sizing",
        ),
    ],
)
def test_a_record_of_the_future_or_of_something_else_says_nothing(changes: dict[str, Any], reason: str | None) -> None:
    assert unusable(record(**changes), SETTINGS, NOW_NS) == reason


def of(**sections: Any) -> str:
    return digest(Settings.model_validate(sections))


@pytest.mark.parametrize(
    "sections",
    [
        {"risk": {"max_order_contracts": "1"}, "wire": {"market_port": 6000}},
        {"brain": {"heartbeat_ms": 500, "publish_ms": 1}},
        {"venue": {"name": "live", "arming_paper_hours": 1.0}},
        {"order_flow": {"publish_ms": 500, "heatmap": "", "heatmap_rows": 12, "heatmap_publish_ms": 60}},
        {"model": {"threshold": 0.9}},
    ],
    ids=str,
)
def test_the_digest_is_not_of_the_limits_the_ports_and_the_screens(sections: dict[str, Any]) -> None:
    assert of(**sections) == digest(SETTINGS)


@pytest.mark.parametrize(
    "sections",
    [
        {"brain": {"votes_needed": 3}},
        {"brain": {"history_bars": 300}},
        {"sizing": {"tp_pct": 1.0}},
        {"venue": {"leverage": 6}},
        {"risk": {"day_starts_utc_hour": 8}},
        {"filters": {"structure": True}},
        {"price_action": {"swing_bars": 3}},
        {"price_action": {"nearest": 1}},
        {"order_flow": {"flow_window": "volume"}},
        {"order_flow": {"keep_bars": 10}},
        {"order_flow": {"cvd": ""}},
    ],
    ids=str,
)
def test_the_digest_is_of_all_that_decides(sections: dict[str, Any]) -> None:
    assert of(**sections) != digest(SETTINGS)


def test_the_digest_is_of_what_the_model_s_files_hold_and_not_of_where_they_lie(tmp_path: Path) -> None:
    one, other = tmp_path / "one.onnx", tmp_path / "other.onnx"
    one.write_bytes(b"a model")
    other.write_bytes(b"a model")
    before = of(model={"path": str(one)})
    assert before == of(model={"path": str(other)}) != digest(SETTINGS)
    assert before != of(model={"path": str(one), "threshold": 0.9})
    one.write_bytes(b"another")
    assert of(model={"path": str(one)}) != before
    (tmp_path / "other.onnx.features.json").write_bytes(b"{}")
    assert of(model={"path": str(other)}) != before, "the sheet says how its numbers are read"


@pytest.mark.parametrize("name", ["absent.onnx", "", "\0"])
def test_with_a_model_that_cannot_be_read_no_record_counts_not_even_one_made_like_that(
    name: str, tmp_path: Path
) -> None:
    settings = Settings.model_validate({"model": {"path": str(tmp_path / name)}})
    made = record(settings=digest(settings))
    assert parse(msgspec.json.encode(made)) == made, "a paper run is written all the same"
    assert (unusable(made, settings, NOW_NS) or "").startswith("model.path: cannot be read (")


@given(st.lists(st.tuples(st.sampled_from([BACKTEST, PAPER]), st.floats(0, 1e6)), max_size=5))
def test_the_longest_run_is_of_one_kind_alone(runs: list[tuple[str, float]]) -> None:
    records = [record(kind=kind, ran_s=ran_s) for kind, ran_s in runs]
    assert longest_s(records, PAPER) == max((ran_s for kind, ran_s in runs if kind == PAPER), default=0.0)
