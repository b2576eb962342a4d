"""What the soak of the cockpit presses, and how it judges."""

from __future__ import annotations

import random

import pytest

from tests.bench.figures import NotMeasured
from tests.drill.cockpit_soak import MOST_MB, curve, grown_mb, moment


def test_what_fills_at_first_and_what_is_high_for_a_moment_is_no_growth() -> None:
    filling = [100.0 + min(10, each) for each in range(30)]
    dialogs = [each + (40 if number % 5 == 0 else 0) for number, each in enumerate(filling)]
    assert grown_mb(filling) == grown_mb(dialogs) == 0.0


@pytest.mark.parametrize(("per_sample", "fails"), [(0.02, False), (0.1, True)])
def test_a_steady_leak_is_growth(per_sample: float, fails: bool) -> None:
    """Of 120 samples, as ten minutes have: the middles of the thirds are 40 samples apart."""
    grown = grown_mb([130.0 + per_sample * number for number in range(120)])
    assert grown == pytest.approx(40 * per_sample)
    assert (grown > MOST_MB) is fails


def test_too_few_samples_are_not_judged() -> None:
    with pytest.raises(NotMeasured):
        grown_mb([1.0, 2.0])


def test_the_curve_goes_from_the_least_to_the_most() -> None:
    assert curve([1.0, 2.0, 3.0]) in {"▁▄█", "▁▅█"}
    assert len(curve([float(each) for each in range(600)])) == 60
    assert curve([5.0, 5.0]) == "▁▁"


def test_the_same_seed_presses_the_same_keys_and_none_that_ends_the_screen() -> None:
    pressed = [[moment(rng) for _ in range(500)] for rng in (random.Random(7), random.Random(7))]
    assert pressed[0] == pressed[1]
    keys = [key for each in pressed[0] for key in each]
    assert {b"\x0b", b"?", b":", b"/", b"\r", b"9"} <= set(keys)
    assert not {b"R", b"d", b"\x03", b"\x11", b"\x1a"} & set(keys)
    assert all(each[1] == b"\x1b" for each in pressed[0] if each[0] == b"q")
