"""What live trading asks for before anything is started; all that is missing is said at once, with the mend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.settings import Home, Settings
from schemas.settings.records import BACKTEST, PAPER, longest_s, read, unusable
from schemas.settings.venues import LIVE, VenueMismatch, environment
from sovereign_tui.ops.keyset import Keys

RECORDS: Final = "records"
_S_PER_H: Final = 3_600


def find_keys(settings: Settings, environ: Mapping[str, str]) -> tuple[Keys | None, list[str]]:
    """The keys that the venue of the settings needs (None: it needs none), and what is wrong, one line each."""
    try:
        where = environment(settings.venue)
    except VenueMismatch as error:
        return None, [str(error)]
    if not where.keys:
        return None, []
    from sovereign_tui.ops import credentials  # noqa: PLC0415  # a keyring is slow to load, and not every venue has keys

    try:
        keys = credentials.find(where.keys, environ)
    except credentials.CredentialsError as error:
        return None, [str(error)]
    if keys is None:
        return None, [f"no keys of {where.keys}: give them with `sovereign keys set {where.keys}`"]
    return keys, []


def missing_records(home: Home, settings: Settings, now_ns: int) -> list[str]:
    """Which runs live trading lacks, one line each; then the records that do not count, and why."""
    shelf = read(home.data / RECORDS)
    reasons = {record: unusable(record, settings, now_ns) for record in shelf.records}
    usable = [record for record, reason in reasons.items() if reason is None]
    instrument, hours = settings.venue.instrument, settings.venue.arming_paper_hours
    problems = []
    if not any(record.kind == BACKTEST for record in usable):
        problems.append(f"no backtest of {instrument} with these settings is on record: run one")
    longest_h = longest_s(usable, PAPER) / _S_PER_H
    if longest_h < hours or not any(record.kind == PAPER for record in usable):
        problems.append(
            f"no paper run of {hours:g} h of {instrument} with these settings is on record, the longest has "
            f"{longest_h:.1f} h: `sovereign up --venue paper`"
        )
    if not problems:
        return []
    ignored = [f"{record.kind} {record.id}: {reason}" for record, reason in reasons.items() if reason is not None]
    return problems + [f"does not count: {reason}" for reason in (*ignored, *shelf.problems)]


def unarmed(
    home: Home, settings: Settings, environ: Mapping[str, str], now_ns: int
) -> tuple[Keys | None, list[str]]:  # fmt: skip
    """The keys of the venue, and what is missing to trade there: keys, and for live the records."""
    keys, problems = find_keys(settings, environ)
    if settings.venue.name == LIVE:
        problems += missing_records(home, settings, now_ns)
    return keys, problems
