"""Providers from outside, as real installed packages: a module and its dist-info in a directory on sys.path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from brain.order_flow.live import HEATMAP, OrderFlow
from brain.order_flow.providers import CvdSnapshot, ProviderUnknown, available, load
from schemas.settings.order_flow import OrderFlow as Settings
from tests.brain.order_flow.support import T0, tick, trade

Install = Callable[..., None]

STARS = """
from brain.order_flow.providers import HeatmapSnapshot

class Stars:
    name = "stars"
    def __init__(self, settings, instrument):
        self.settings, self.instrument, self.size = settings, instrument, None
    def on_tick(self, tick):
        self.size = tick.bid_size
    def on_trade(self, trade):
        if trade.price > 1000:
            raise OverflowError("too far")
    def snapshot(self, now_ns):
        return None if self.size is None else HeatmapSnapshot(now_ns, 1.0, 100.0, 1, (now_ns,), (self.size,))
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    monkeypatch.syspath_prepend(tmp_path)

    def put(module: str, source: str, entry_points: str, package: str = "") -> None:
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{package or module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package or module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)

    return put


def flow(**changes: str) -> OrderFlow:
    return OrderFlow("X", Settings(**changes), book_levels=5, window_ns=30 * 10**9)


def test_an_installed_provider_is_found_by_its_name_and_used(install: Install) -> None:
    install("l2_stars", STARS, "[sovereign.heatmap]\nstars = l2_stars:Stars\n")
    assert available("heatmap") == ("book", "stars")
    made = flow(heatmap="stars")
    made.on_tick(tick())
    snapshot = made.heatmap.snapshot(T0)
    assert snapshot is not None
    assert (snapshot.values, made.heatmap.failed, made.complaints()) == ((3.0,), False, ())


def test_a_provider_that_fails_later_is_unknown_with_its_reason_and_the_layer_goes_on(install: Install) -> None:
    install("l2_fails", STARS, "[sovereign.heatmap]\nfails = l2_fails:Stars\n")
    made = flow(heatmap="fails")
    made.on_tick(tick())
    made.on_trade(trade(1, T0, 5_000.0))
    (said,) = made.complaints()
    assert said == (
        "order_flow.heatmap: provider 'fails' failed on a trade (OverflowError: too far); "
        "it is shut off, the brain goes on without it"
    )
    assert made.complaints() == ()
    made.on_trade(trade(2, T0 + 1, 5_000.0))
    assert made.view(T0).unknown == ((HEATMAP, "provider 'fails' failed on a trade (OverflowError: too far)"),)
    assert made.scores(tick()).unknown == ()
    cvd = made.cvd.snapshot(T0)
    assert cvd is not None and cvd.contracts == 2.0


@pytest.mark.parametrize(
    ("source", "point", "why"),
    [
        ("raise RuntimeError('no licence')", "l2_broken:Stars", "cannot be loaded (RuntimeError: no licence)"),
        ("import sys", "l2_broken:Stars", "cannot be loaded (AttributeError: "),
        ("x = 1", "l2_elsewhere:Stars", "cannot be loaded (ModuleNotFoundError: "),
        ("def make(): pass", "l2_broken:make", "cannot be loaded (TypeError: "),
        ("def make(settings, instrument): return 7", "l2_broken:make", "is of the wrong shape: int has not all of "),
        ("Stars = 7", "l2_broken:Stars", "cannot be loaded (TypeError: "),
    ],
)
def test_a_provider_that_cannot_be_loaded_is_shut_off_at_once(
    install: Install, monkeypatch: pytest.MonkeyPatch, source: str, point: str, why: str
) -> None:
    monkeypatch.delitem(__import__("sys").modules, "l2_broken", raising=False)
    install("l2_broken", source, f"[sovereign.cvd]\nbroken = {point}\n")
    made = flow(cvd="broken")
    assert made.cvd.failed
    assert made.cvd.why_off.startswith(f"provider 'broken' {why}")
    assert len(made.complaints()) == 1
    assert made.view(T0).unknown == (("order_flow.cvd", made.cvd.why_off),)


def test_a_name_that_nobody_offers_is_refused_with_the_field_the_value_and_the_choices(install: Install) -> None:
    install("l2_other", STARS, "[sovereign.heatmap]\nstars = l2_other:Stars\n")
    with pytest.raises(ProviderUnknown) as caught:
        flow(heatmap="moons")
    assert (caught.value.field, caught.value.value, caught.value.choices) == (
        "order_flow.heatmap", "moons", ("book", "stars"),
    )  # fmt: skip
    assert str(caught.value) == (
        "order_flow.heatmap: no provider 'moons' is installed; choose from book, stars, leave it empty for none, or "
        "install the package that offers it (entry point group sovereign.heatmap)"
    )
    with pytest.raises(ProviderUnknown, match=r"^order_flow\.cvd: no provider 'stars' .* choose from trades"):
        flow(cvd="stars")  # of another kind


def test_a_name_that_two_packages_offer_is_refused(install: Install) -> None:
    install("l2_one", STARS, "[sovereign.heatmap]\nstars = l2_one:Stars\n")
    install("l2_two", STARS, "[sovereign.heatmap]\nstars = l2_two:Stars\n")
    with pytest.raises(ProviderUnknown, match="'stars' is offered by l2_one and l2_two; remove one"):
        flow(heatmap="stars")


def test_no_package_can_take_the_name_of_a_built_in_one(install: Install) -> None:
    install("l2_thief", "raise RuntimeError", "[sovereign.cvd]\ntrades = l2_thief:Thief\n")
    guard = load("cvd", Settings(), "X")
    guard.on_trade(trade())
    assert isinstance(guard.snapshot(T0), CvdSnapshot)


def test_an_empty_name_switches_it_off_without_a_word() -> None:
    made = flow(cvd="", heatmap="")
    made.on_tick(tick())
    made.on_trade(trade())
    view = made.view(T0)
    assert (view.cvd, view.unknown, made.heatmap.snapshot(T0), made.complaints()) == (None, (), None, ())
