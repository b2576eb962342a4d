"""Lists that come newest first, page by page, as REST asks for them: `after` is OLDER, `before` NEWER (FACTS 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from engine.exchange.instrument import INST_ID, INST_TYPE
from engine.exchange.intake import bad
from engine.exchange.rest import Params

PAGE: Final = 100
DAY_MS: Final = 86_400_000
_ORDER_FILTERS: Final = ("ordType", "state", "ordId", "algoId", "algoClOrdId")


def whole_number(params: Params, name: str, *, default: int, most: int) -> int:
    """A count between 1 and `most`; more is cut to it. Raises: Refused 51000."""
    value = mark(params, name)
    if value is None:
        return default
    if value < 1:
        raise bad(name)
    return min(value, most)


def mark(params: Params, name: str) -> int | None:
    """An id or a time that a page starts or ends at; None when absent. Raises: Refused 51000."""
    text = params.get(name)
    if text in (None, ""):
        return None
    try:
        return int(str(text))
    except ValueError:
        raise bad(name) from None


def page(
    rows: Iterable[dict[str, Any]],
    params: Params,
    key: str,
    *,
    filters: Sequence[str] = _ORDER_FILTERS,
    time_key: str = "",
) -> list[dict[str, Any]]:
    """Rows come newest first. `after`: older than that id; `before`: newer; at most `limit`, 100 by default.

    `time_key` names the column that `begin` and `end` (milliseconds, both inclusive) are compared with.
    """
    limit = whole_number(params, "limit", default=PAGE, most=PAGE)
    older_than, newer_than = mark(params, "after"), mark(params, "before")
    begin, end = (mark(params, name) if time_key else None for name in ("begin", "end"))
    chosen: list[dict[str, Any]] = []
    for row in rows:  # rendered one by one: a long history costs what is shown of it
        number = int(row[key])
        if newer_than is not None and number <= newer_than:
            break
        if older_than is not None and number >= older_than:
            continue
        if begin is not None and int(row[time_key]) < begin:
            continue
        if end is not None and int(row[time_key]) > end:
            continue
        if _matches(row, params, filters):
            chosen.append(row)
            if len(chosen) == limit:
                break
    return chosen


def _matches(row: dict[str, Any], params: Params, filters: Sequence[str]) -> bool:
    if params.get("instType") not in (None, "", INST_TYPE) or params.get("instId") not in (None, "", INST_ID):
        return False
    for name in filters:
        wanted = params.get(name)
        if wanted not in (None, "") and name in row and row[name] not in str(wanted).split(","):
            return False
    return True
