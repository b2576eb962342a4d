from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.settings.order_flow import OrderFlow


def test_by_default_nothing_departs_from_the_specification() -> None:
    settings = OrderFlow()
    assert (settings.book_weighting, settings.flow_window) == ("none", "time")
    assert (settings.heatmap, settings.cvd) == ("book", "trades")


def test_every_setting_is_described_and_bounded_with_its_unit() -> None:
    for name, field in OrderFlow.model_fields.items():
        assert field.description, name
        if field.annotation in {int, float}:
            assert field.metadata, name


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"frame": "7m"}, "frame: '7m' unknown; choose from 1m, 3m"),
        ({"frame": "4H", "session_hour_utc": 1}, "choose an hour at which a bar begins, or a shorter frame"),
        ({"heatmap_column_ms": 100}, "heatmap_column_ms: 100 is shorter than heatmap_update_ms 250"),
        ({"heatmap": "../book"}, "pattern"),
        ({"large_quantile": 1.0}, "less than 1"),
        ({"flow_window_contracts": float("nan")}, "less than or equal"),
        ({"flow_window_contracts": float("inf")}, "less than or equal"),
        ({"keep_bars": True}, "neither true nor false"),
        ({"frames": "1m"}, "Extra inputs"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_mend(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        OrderFlow(**changes)
    assert says in str(caught.value)


def test_a_session_may_begin_where_a_bar_of_a_long_frame_does() -> None:
    assert OrderFlow(frame="4H", session_hour_utc=8).session_hour_utc == 8
