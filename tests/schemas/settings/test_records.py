from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
        ({"settings": "0" * 64}, "it ran with other settings of instrument, leverage, margin, brain or sizing"),
    ],
)
def test_a_record_of_the_future_or_of_something_else_says_nothing(changes: dict[str, Any], reason: str | None) -> None:
    assert unusable(record(**changes), SETTINGS, NOW_NS) == reason


def test_the_digest_is_of_what_decides_and_not_of_the_limits_and_the_ports() -> None:
    def of(**sections: Any) -> str:
        return digest(Settings.model_validate(sections))

    same = of(
        risk={"max_order_contracts": "1"}, wire={"market_port": 6000}, brain={"heartbeat_ms": 500},
        venue={"name": "live", "arming_paper_hours": 1.0},
    )  # fmt: skip
    assert same == digest(SETTINGS)
    for sections in ({"brain": {"votes_needed": 3}}, {"sizing": {"tp_pct": 1.0}}, {"venue": {"leverage": 6}}):
        assert of(**sections) != digest(SETTINGS)


@given(st.lists(st.tuples(st.sampled_from([BACKTEST, PAPER]), st.floats(0, 1e6)), max_size=5))
def test_the_longest_run_is_of_one_kind_alone(runs: list[tuple[str, float]]) -> None:
    records = [record(kind=kind, ran_s=ran_s) for kind, ran_s in runs]
    assert longest_s(records, PAPER) == max((ran_s for kind, ran_s in runs if kind == PAPER), default=0.0)
