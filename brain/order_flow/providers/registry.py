"""Finds the provider that a setting names: among the built-in ones, then among the entry points of other packages."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, Literal

from brain.order_flow.providers.book import BookHeatmap
from brain.order_flow.providers.guard import Guard
from brain.order_flow.providers.protocol import CvdSnapshot, HeatmapSnapshot, Provider
from brain.order_flow.providers.trades import TradesCvd
from schemas.settings.order_flow import OrderFlow

Kind = Literal["heatmap", "cvd"]
Factory = Callable[[OrderFlow, str], Provider[Any]]

BUILT_IN: Final[dict[Kind, dict[str, Factory]]] = {"heatmap": {"book": BookHeatmap}, "cvd": {"trades": TradesCvd}}
SNAPSHOTS: Final[dict[Kind, type[HeatmapSnapshot] | type[CvdSnapshot]]] = {
    "heatmap": HeatmapSnapshot, "cvd": CvdSnapshot,
}  # fmt: skip


class ProviderUnknown(ValueError):
    """A setting names a provider that nobody offers, or that two offer. `field`, `value`, `choices` say which."""

    def __init__(self, kind: Kind, value: str, choices: tuple[str, ...], problem: str) -> None:
        self.field, self.value, self.choices = f"order_flow.{kind}", value, choices
        super().__init__(
            f"{self.field}: {problem}; choose from {', '.join(choices)}, leave it empty for none, or install the "
            f"package that offers it (entry point group sovereign.{kind})"
        )


def available(kind: Kind) -> tuple[str, ...]:
    """Names that order_flow.<kind> may have, sorted."""
    return tuple(sorted({*BUILT_IN[kind], *(point.name for point in entry_points(group=f"sovereign.{kind}"))}))


def load(kind: Kind, settings: OrderFlow, instrument: str) -> Guard[Any]:
    """The provider that the settings name, behind its guard; one without a provider for "".

    One that is there but cannot be loaded does not keep the brain from starting: its guard says why it is shut off.
    Raises: ProviderUnknown.
    """
    name: str = getattr(settings, kind)
    guard: Guard[Any] = Guard(kind, name, SNAPSHOTS[kind])
    if not name:
        return guard
    if built_in := BUILT_IN[kind].get(name):
        guard.begin(lambda: built_in, settings, instrument)
        return guard
    found = [point for point in entry_points(group=f"sovereign.{kind}") if point.name == name]
    if len({point.value for point in found}) > 1:
        raise ProviderUnknown(kind, name, available(kind), f"{name!r} is offered by {_packages(found)}; remove one")
    if not found:
        raise ProviderUnknown(kind, name, available(kind), f"no provider {name!r} is installed")
    guard.begin(found[0].load, settings, instrument)
    return guard


def _packages(points: list[EntryPoint]) -> str:
    return " and ".join(sorted(point.dist.name if point.dist else point.value for point in points))
