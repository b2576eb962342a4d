"""What the settings of layer 1 refuse, with the mend."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from schemas.settings.price_action import PriceAction, SessionHours


def test_sessions_are_read_with_their_length_also_across_midnight() -> None:
    hours = PriceAction(sessions=("night 22:30-05:15", "london 07:00-16:00")).hours()
    assert hours == (SessionHours("night", 1_350, 405), SessionHours("london", 420, 540))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sessions": ("london",)}, "write `name HH:MM-HH:MM`"), ({"sessions": ("a 24:00-01:00",)}, "is no session"),
        ({"sessions": ("a 01:00-01:00",)}, "a whole day is no session"),
        ({"sessions": ("a 01:00-02:00", "a 03:00-04:00")}, "name each once"),
        ({"swing_bars": 0}, "greater than or equal to 1"), ({"swing_bars": True}, "neither true nor false"),
        ({"level_tolerance": 0}, "greater than 0"), ({"level_tolerance": float("nan")}, "level_tolerance"),
        ({"day_start_utc_hour": 24}, "less than or equal to 23"), ({"swing_length": 5}, "Extra inputs"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PriceAction.model_validate(changes)


def test_the_settings_fit_into_a_file_of_toml() -> None:
    assert PriceAction.model_validate({"sessions": ["a 01:00-02:00"]}).hours() == (SessionHours("a", 60, 60),)
