"""The boundary to code that is not ours: a provider that fails is shut off, said once, and shows as unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from brain.order_flow.providers.protocol import CvdSnapshot, HeatmapSnapshot, Provider
from schemas.messages import MarketTick, Trade
from schemas.settings.order_flow import OrderFlow

_S = TypeVar("_S", bound=HeatmapSnapshot | CvdSnapshot)


class Guard(Generic[_S]):
    """Hands on to one provider, until it fails. `why_off`: "" while it runs, "off" if none is named, else what failed.

    Every exception of a provider ends here, whatever its type: code of other people can raise anything, and the brain
    must go on deciding without it. Only what is no Exception (a stop of the process) goes through.
    """

    def __init__(self, kind: str, name: str, shape: type[_S]) -> None:
        self.kind, self.name = kind, name
        self._shape = shape
        self._provider: Provider[_S] | None = None
        self._unsaid = ""
        self._checked: object = None
        self.why_off = "off"

    @property
    def failed(self) -> bool:
        """Was a provider wanted, and is shut off?"""
        return bool(self.name and self._provider is None)

    def begin(self, load: Callable[[], Any], settings: OrderFlow, instrument: str) -> None:
        """Load and make the provider."""
        try:
            provider = load()(settings, instrument)
            fits = isinstance(provider, Provider)
        except Exception as error:  # noqa: BLE001  the point of this class: see there
            self._shut("cannot be loaded", error)
            return
        if fits:
            self._provider, self.why_off = provider, ""
        else:
            wanted = "name, on_tick(), on_trade() and snapshot()"
            self._shut(f"is of the wrong shape: {type(provider).__name__} has not all of {wanted}")

    def on_tick(self, tick: MarketTick) -> None:
        """The newest tick."""
        if self._provider is None:
            return
        try:
            self._provider.on_tick(tick)
        except Exception as error:  # noqa: BLE001  the point of this class: see there
            self._shut("failed on a tick", error)

    def on_trade(self, trade: Trade) -> None:
        """One public trade."""
        if self._provider is None:
            return
        try:
            self._provider.on_trade(trade)
        except Exception as error:  # noqa: BLE001  the point of this class: see there
            self._shut("failed on a trade", error)

    def snapshot(self, now_ns: int) -> _S | None:
        """What the provider knows; None: nothing yet, or it is off. `now_ns`: the venue's time."""
        if self._provider is None:
            return None
        try:
            snapshot = self._provider.snapshot(now_ns)
            if snapshot is None or snapshot is self._checked:
                return snapshot
            problem = snapshot.problem() if isinstance(snapshot, self._shape) else f"a {type(snapshot).__name__}"
        except Exception as error:  # noqa: BLE001  the point of this class: see there
            self._shut("failed at its snapshot", error)
            return None
        if problem:
            self._shut(f"gave what is no {self._shape.__name__}: {problem}")
            return None
        self._checked = snapshot
        return snapshot

    def complaint(self) -> str:
        """What is to be logged since the last call: that it was shut off, once; else ""."""
        unsaid, self._unsaid = self._unsaid, ""
        return unsaid

    def _shut(self, what: str, error: Exception | None = None) -> None:
        self._provider, self._checked = None, None
        why = "" if error is None else f" ({type(error).__name__}: {_text(error)})"
        self.why_off = f"provider {self.name!r} {what}{why}"
        self._unsaid = f"order_flow.{self.kind}: {self.why_off}; it is shut off, the brain goes on without it"


def _text(error: Exception) -> str:
    try:
        return str(error)[:200]
    except Exception:  # noqa: BLE001  an exception of other people may fail even to say what it is
        return "which cannot be put into words"
