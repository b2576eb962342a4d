"""What the screen remembers of a stream: the last so many points, in order, whatever order they came in. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

V = TypeVar("V")


class Point(NamedTuple, Generic[V]):
    """One point. `key` says where it stands; of two with one key the one with the later `stamp` counts."""

    key: int
    stamp: tuple[int, ...]
    value: V


Series = tuple[Point[V], ...]


def kept(series: Series[V], point: Point[V], most: int) -> Series[V]:
    """The series with the point in it, and at most `most` points: the newest. The same series if nothing changes."""
    if not series or point.key > series[-1].key:
        return (*series, point)[-most:]
    if point.key < series[0].key and len(series) >= most:
        return series
    low, high = 0, len(series)
    while low < high:
        middle = (low + high) // 2
        if series[middle].key < point.key:
            low = middle + 1
        else:
            high = middle
    if series[low].key != point.key:
        return (*series[:low], point, *series[low:])[-most:]
    if point.stamp <= series[low].stamp:
        return series
    return (*series[:low], point, *series[low + 1 :])


def begun_anew(series: Series[V], point: Point[V], back: int) -> Series[V]:
    """The series; an empty one, if the point is by more than `back` older than the newest: the clock was set back, and
    what is new would stand behind what is old, or be thrown away, for hours."""
    return () if series and series[-1].key - point.key > back else series


def merged(series: Series[Any], points: Iterable[Point[Any]], most: int) -> Series[Any]:
    """The series with all of them: as `kept` one after the other, at the cost of one."""
    by_key = {point.key: point for point in series}
    changed = False
    for point in points:
        known = by_key.get(point.key)
        if known is None or point.stamp > known.stamp:
            by_key[point.key] = point
            changed = True
    if not changed:
        return series
    found = tuple(sorted(by_key.values(), key=lambda point: point.key)[-most:])
    return series if found == series else found
