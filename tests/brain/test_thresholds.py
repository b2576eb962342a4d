"""The default thresholds do something: each vote fires, on either side, on markets as they were."""

from __future__ import annotations

import pytest

from schemas.settings import Settings
from tests.bench.figures import NotMeasured
from tests.bench.votes import SERIES, TAPES, all_votes


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
    settings = Settings.model_validate({"brain": {"book_threshold": 0.999, "flow_threshold": 0.999}})
    try:
        found = all_votes(settings)
    except NotMeasured as missing:
        pytest.skip(str(missing))
    assert max(found["book: BTC 2023-04, 8 min"].values()) == found["book: BTC 2023-04, 8 min"]["none"] > 0.9
