from __future__ import annotations

from typing import Any

import pytest

from brain.order_flow.cvd import CvdBar
from brain.order_flow.providers import CvdSnapshot, Guard, HeatmapSnapshot
from schemas.settings.order_flow import OrderFlow
from tests.brain.order_flow.support import T0, tick, trade

BAR = CvdBar(T0, 1.0, 1.0, 2.0, 1.0)
GOOD = CvdSnapshot(exchange_ns=T0, session_ns=T0, since_ns=T0, contracts=1.0)


class Fickle:
    """Does as it is told; `fails` names the method that raises."""

    name = "fickle"

    def __init__(self, fails: str = "", answer: Any = GOOD, error: BaseException | None = None) -> None:
        self.fails, self.answer = fails, answer
        self.error = error or ZeroDivisionError("by zero")
        self.calls: list[str] = []

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if method == self.fails:
            raise self.error

    def on_tick(self, tick: Any) -> None:
        self._called("on_tick")

    def on_trade(self, trade: Any) -> None:
        self._called("on_trade")

    def snapshot(self, now_ns: int) -> Any:
        self._called("snapshot")
        return self.answer


def guarded(provider: Any, shape: Any = CvdSnapshot) -> Guard[Any]:
    guard: Guard[Any] = Guard("cvd", "fickle", shape)
    guard.begin(lambda: lambda settings, instrument: provider, OrderFlow(), "X")
    return guard


def use(guard: Guard[Any]) -> Any:
    guard.on_tick(tick())
    guard.on_trade(trade())
    return guard.snapshot(T0)


def test_a_provider_that_works_is_handed_everything_and_not_complained_of() -> None:
    provider = Fickle()
    guard = guarded(provider)
    assert use(guard) is GOOD
    assert provider.calls == ["on_tick", "on_trade", "snapshot"]
    assert (guard.why_off, guard.failed, guard.complaint()) == ("", False, "")


@pytest.mark.parametrize(
    ("method", "what"),
    [("on_tick", "failed on a tick"), ("on_trade", "failed on a trade"), ("snapshot", "failed at its snapshot")],
)
def test_a_provider_that_raises_is_shut_off_and_said_once(method: str, what: str) -> None:
    provider = Fickle(method)
    guard = guarded(provider)
    assert use(guard) is None
    assert (guard.why_off, guard.failed) == (f"provider 'fickle' {what} (ZeroDivisionError: by zero)", True)
    assert guard.complaint() == f"order_flow.cvd: {guard.why_off}; it is shut off, the brain goes on without it"
    calls = list(provider.calls)
    assert use(guard) is None
    assert (provider.calls, guard.complaint()) == (calls, "")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"cvd": 1}, "a dict"),
        (HeatmapSnapshot(T0, 1.0, 1.0, 1, (T0,), (1.0,)), "a HeatmapSnapshot"),
        (GOOD._replace(contracts=float("nan")), "a CVD of nan"),
        (GOOD._replace(session_ns="midnight"), "a time that is no whole number from 0 on"),
        (GOOD._replace(since_ns=-1), "a time that is no whole number from 0 on"),
        (GOOD._replace(bars=(BAR,) * 2_000), "2000 bars, 1000 are the most"),
        (GOOD._replace(bars=(BAR, BAR)), "bars that are not in order of time"),
        (GOOD._replace(bars=(7,)), "a bar that is no CvdBar, or has no CVD"),
        (GOOD._replace(bars=(BAR._replace(cvd=float("inf")),)), "a bar that is no CvdBar, or has no CVD"),
        (GOOD._replace(divergence=7), "a divergence that is a int"),
    ],
)
def test_a_snapshot_of_the_wrong_shape_shuts_it_off(answer: Any, problem: str) -> None:
    guard = guarded(Fickle(answer=answer))
    assert use(guard) is None
    assert guard.why_off == f"provider 'fickle' gave what is no CvdSnapshot: {problem}"


PICTURE = HeatmapSnapshot(T0, 1.0, 100.0, 2, (1, 2), (0.0, 1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, ""),
        ({"values": ()}, "0 values for 2 rows and 2 columns"),
        ({"values": (0.0,) * 70_000}, "70000 values, 65536 are the most"),
        ({"rows": 2.0}, "a time or a number of rows that is no whole number from 0 on"),
        ({"exchange_ns": 2**63}, "a time or a number of rows that is no whole number from 0 on"),
        ({"column_ns": (1, 2.5)}, "a time or a number of rows that is no whole number from 0 on"),
        ({"rows": 0}, "4 values for 0 rows and 2 columns"),
        ({"bucket": 0.0}, "a bucket of 0.0 from 100.0 on"),
        ({"first_price": float("inf")}, "a bucket of 1.0 from inf on"),
        ({"column_ns": (2, 2)}, "columns that are not in order of time"),
        ({"values": (0.0, 1.0, -2.0, 3.0)}, "a size that is negative or no number"),
        ({"values": (0.0, float("nan"), 2.0, 3.0)}, "a size that is negative or no number"),
        ({"bucket": "wide"}, "TypeError"),
    ],
)
def test_a_picture_that_makes_no_sense_shuts_it_off(changes: dict[str, Any], problem: str) -> None:
    guard = guarded(Fickle(answer=PICTURE._replace(**changes)), HeatmapSnapshot)
    assert (use(guard) is None) == bool(problem)
    assert problem in guard.why_off
    assert guard.failed == bool(problem)


def test_an_error_that_cannot_even_be_read_is_survived() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    guard = guarded(Fickle("on_tick", error=Mute()))
    use(guard)
    assert guard.why_off == "provider 'fickle' failed on a tick (Mute: which cannot be put into words)"


def test_the_end_of_the_process_goes_through() -> None:
    guard = guarded(Fickle("on_tick", error=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        guard.on_tick(tick())


def test_what_has_not_all_methods_is_of_the_wrong_shape() -> None:
    guard = guarded(object())
    assert guard.failed
    assert guard.why_off == (
        "provider 'fickle' is of the wrong shape: object has not all of name, on_tick(), on_trade() and snapshot()"
    )


def test_a_guard_without_a_provider_is_off_and_has_not_failed() -> None:
    guard: Guard[Any] = Guard("cvd", "", CvdSnapshot)
    assert use(guard) is None
    assert (guard.why_off, guard.failed, guard.complaint()) == ("off", False, "")
