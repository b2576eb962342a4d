"""The default thresholds do something: each vote fires, on either side, on markets as they were."""

from __future__ import annotations

import msgspec
import pytest

from schemas.messages import Candle
from schemas.settings import Settings
from tests.bench.figures import NotMeasured
from tests.bench.votes import SERIES, TAPES, all_votes, trend_votes

BAR = Candle(
    instrument="X", frame="5m", sequence=1, open_ns=0, received_ns=1, open=1.0, high=1.0, low=1.0, close=1.0,
    volume=1.0, confirmed=True,
)  # fmt: skip


def test_every_vote_fires_on_either_side_of_every_recorded_market_and_none_does_always() -> None:
    try:
        found = all_votes(Settings())
    except NotMeasured as missing:
        pytest.skip(str(missing))
    assert len(found) == 3 * len(TAPES) + len(SERIES)
    for name, shares in found.items():
        assert shares["up"] + shares["down"] + shares["none"] == pytest.approx(1)
        assert min(shares["up"], shares["down"]) > 0.02, (name, shares)
        assert shares["none"] > 0.1, (name, shares)


def test_thresholds_out_of_reach_are_seen_not_to_fire() -> None:
    settings = Settings.model_validate({"brain": {"trend_threshold_pct": 90}})
    bars = [msgspec.structs.replace(BAR, close=100.0 + number % 7) for number in range(60)]
    assert trend_votes(bars, settings) == {"up": 0.0, "down": 0.0, "none": 1.0}
    assert trend_votes(bars, Settings())["none"] < 1.0
