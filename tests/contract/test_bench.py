"""Every part of the bench runs, on sizes that prove nothing but that, and says so when it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench import __main__ as bench
from tests.bench import price_action
from tests.bench.blackbox import hour, on_and_off
from tests.bench.decide import decide_cost
from tests.bench.figures import NotMeasured, Table
from tests.bench.gate import gate_cost
from tests.bench.path import order_path
from tests.bench.reconciling import reconciliation
from tests.bench.venue import venue_speed


def measured(figures: dict[str, Any]) -> dict[str, int]:
    """What was measured how often; every duration is above zero, and a p99 is no less than its p50."""
    for label, figure in figures.items():
        assert 0 < figure["p50_us"] <= figure["p99_us"], label
    return {label: figure["n"] for label, figure in figures.items()}


def test_the_gate_is_measured_warm_and_cold_beside_its_floors() -> None:
    figures = gate_cost(warm=3, cold=2)
    labels = (
        "empty call", "Decimal product", "judge: clears", "judge: trading_state refuses",
        "judge: account_share refuses", "judge: price_age refuses", "judge: duplicate_intent, the last rule, refuses",
        "Desk.view", "view and verdict, as the desk does", "Desk.view, 100 orders rest",
        "Desk.view, one of 100 just changed",
    )  # fmt: skip
    assert measured(figures) == {f"{label}, {how}": n for label in labels for how, n in (("warm", 3), ("cold", 2))}
    assert figures["Desk.view, warm"]["ratio_to_floor"] > 1
    assert figures["Desk.view, warm"]["ratio_to_decimal_product"] > 1


def test_the_order_path_is_measured_with_and_without_the_disk(tmp_path: Path) -> None:
    figures = order_path(count=3, directory=tmp_path)
    legs = [f"request -> {end}, {how}" for end in ("transport", "reply")
            for how in ("with the journal on disk", "without its sync")]  # fmt: skip
    assert measured(figures) == dict.fromkeys(["write and fdatasync of 200 bytes", "one HMAC signature", *legs], 3)
    assert all(figures[leg]["ratio_to_floor"] > 0 for leg in legs[:2])
    assert list(tmp_path.iterdir()) == []  # no journal is left


def test_a_reconciliation_is_measured_with_orders_that_rest_and_with_orders_that_are_gone() -> None:
    figures = reconciliation(orders=3, rounds=2, slow_rounds=1)
    assert measured(figures) == {
        "7 GETs of public/time": 3, "3 rest, and are taken over": 2,
        "13 GETs of public/time": 3, "3 rest, 3 others were filled meanwhile": 1,
    }  # fmt: skip


def test_the_simulated_exchange_is_measured_with_and_without_sockets() -> None:
    figures = venue_speed(batches=2, steps=40)
    assert measured(figures) == {
        "20 orders, TradeApi.place": 2, "20 orders, signed, Rest.handle": 2, "20 orders, HTTP, kept alive": 2,
        "step of 10 ms, synthetic market": 40, "step of 10 ms, 20 levels change in each step": 20,
    }  # fmt: skip
    rates = [value for figure in figures.values() for name, value in figure.items() if name.endswith("_per_s")]
    assert len(rates) == 5
    assert min(rates) > 0


def test_only_the_chosen_parts_run_and_an_unknown_one_is_refused() -> None:
    every = ["system", "gate", "path", "reconcile", "exchange", "blackbox", "decide", "layer1", "votes", "cockpit"]
    assert bench.chosen("") == every
    assert bench.chosen("path, gate") == ["gate", "path"]
    with pytest.raises(NotMeasured, match="'gates' is no part; choose from system, gate"):
        bench.chosen("gates")


def test_a_part_that_cannot_run_ends_the_bench_and_what_was_measured_before_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing() -> dict[str, Any]:
        table = Table("nothing")
        table.add("nothing", [])
        return table.kept

    monkeypatch.setitem(bench.PARTS, "gate", lambda: {"one": {"p50_us": 1.0}})
    monkeypatch.setitem(bench.PARTS, "path", nothing)
    target = tmp_path / "latest.json"
    with pytest.raises(NotMeasured, match="nothing: nothing was measured"):
        bench.main(["gate", "path"], target)
    assert json.loads(target.read_text()) == {"gate": {"one": {"p50_us": 1.0}}}


def test_the_blackbox_is_switched_on_and_off_in_one_run_of_engine_and_brain() -> None:
    figures = on_and_off(rounds=1, seconds=6)
    assert figures.keys() == {"engine.frame_to_publish", "engine.tick_to_order"}
    for figure in figures.values():
        assert figure["turns"] >= 10
        assert 0 < figure["low"] <= figure["ratio"] <= figure["high"]
        assert min(figure["off_p50_us"], figure["on_p50_us"]) > 0


def test_an_hour_of_the_blackbox_is_written_verified_and_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = hour(2_000, tmp_path)
    assert (figures["records"], figures["segments"]) == (2_001, 1)  # and the note of its orderly end
    assert "2,001 records" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_tick_through_the_four_layers_is_measured_warm_paced_and_cold() -> None:
    try:
        kept = decide_cost(warm=3_000, paced=5, cold=2)
    except NotMeasured as missing:
        pytest.skip(str(missing))
    kinds = [f"{what}, {how}" for how in ("warm", "paced", "cold") for what in ("remember a tick", "decide", "both")]
    assert list(kept) == ["decode the tick", *kinds]
    assert kept["decide, warm"]["n"] == 3_000
    assert kept["both, warm"]["p50_us"] >= kept["decide, warm"]["p50_us"] > 0


def test_layer_1_is_measured_in_batch_and_live_and_says_when_there_is_nothing_to_compare_it_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nowhere() -> Path:
        raise NotMeasured("no network")

    monkeypatch.setattr(price_action, "_environment", nowhere)
    kept = price_action.layer_one(sizes=(500, 1_000), live_bars=300, runs=1)
    assert kept["smart-money-concepts"] == {"not_measured": "no network"}
    assert len(kept) > 1
