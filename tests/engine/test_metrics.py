from __future__ import annotations

from decimal import Decimal

import pytest

from engine.metrics import daily_loss
from engine.risk.view import Day


@pytest.mark.parametrize(
    ("result", "opening", "lost_pct"),
    [("-240", "10000", 2.4), ("500", "10000", 0.0), ("0", "10000", 0.0), (None, "10000", None), ("-1", None, None),
     ("-1", "0", None)],
)  # fmt: skip
def test_the_days_loss_is_a_share_of_its_opening_and_unknown_is_not_zero(
    result: str | None, opening: str | None, lost_pct: float | None
) -> None:
    day = Day(
        result=None if result is None else Decimal(result), opening=None if opening is None else Decimal(opening),
        peak=None, losses=0, last_loss_age_ns=None,
    )  # fmt: skip
    assert daily_loss(day, 3.0) == {"engine.daily_loss_pct": lost_pct, "engine.daily_loss_limit_pct": 3.0}
