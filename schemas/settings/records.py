"""What stands on record before live trading: backtests and paper runs. The format lives here, whoever writes it.

A record is one line of JSON in a file `<data>/records/*.jsonl`:

    kind       "backtest" or "paper"
    id         letters and digits, new for each run
    begun_ns   when the run began, wall time, ns since 1970 UTC
    ended_ns   when it ended; of a run that goes on or crashed, its last sign of life
    ran_s      how much market it saw, s: of a backtest the time that its data covers, of a paper run the time in which
               the system was up, not halted, and had fresh prices
    instrument OKX instId
    settings   `digest` of the settings that it ran with

A run that goes on writes its own file anew (`write` replaces it whole), so that a crash loses what came after the last
write and nothing before. A line that is not such a record is a problem with a place and a reason, and counts for
nothing; the other lines of its file count.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Final, Literal

import msgspec

from schemas.clock import NS_PER_S
from schemas.settings.algorithms import Model
from schemas.settings.order_flow import OrderFlow
from schemas.settings.tree import Settings
from schemas.whole_file import write_whole

BACKTEST: Final = "backtest"
PAPER: Final = "paper"

_ID: Final = re.compile(r"[A-Za-z0-9]{1,64}\Z")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}\Z")
_SLACK_NS: Final = 60 * NS_PER_S
"""Two clocks of one machine, before and after it was set."""
_UNTOUCHED: Final = {"heartbeat_ms", "publish_ms"}
"""Settings of the brain that change no decision. `history_bars` is none of them: layer 1 reads as many."""
_SHOWN: Final = {"publish_ms", *(name for name in OrderFlow.model_fields if name.startswith("heatmap"))}
"""Settings of order flow that only the screens see. `keep_bars` is none of them: with it a divergence grows old."""
SHEET: Final = ".features.json"
"""End of the name of a model's sheet."""


class BadRecord(ValueError):
    """This is no record; the message says why."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run; see the module for the fields."""

    kind: Literal["backtest", "paper"]
    id: str
    begun_ns: int
    ended_ns: int
    ran_s: float
    instrument: str
    settings: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What a directory of records holds. `problems`: what could not be read, one line each, with the place."""

    records: tuple[Record, ...]
    problems: tuple[str, ...]


def digest(settings: Settings) -> str:
    """Of all that makes the decisions and their size: instrument, leverage, margin, brain with its layers, the model
    as it is in its file now, sizing, and the hour at which its day begins.

    The limits of the gate are not among them: a tightening takes no record away, a loosening is confirmed by itself.
    """
    matter = {
        "venue": settings.venue.model_dump(mode="json", include={"instrument", "leverage", "margin_mode"}),
        "brain": settings.brain.model_dump(mode="json", exclude=_UNTOUCHED),
        "price_action": settings.price_action.model_dump(mode="json"),
        "order_flow": settings.order_flow.model_dump(mode="json", exclude=_SHOWN),
        "filters": settings.filters.model_dump(mode="json"),
        "model": _model(settings.model),
        "sizing": settings.sizing.model_dump(mode="json"),
        "day": settings.risk.day_starts_utc_hour,
    }
    return hashlib.sha256(msgspec.json.encode(matter, order="sorted")).hexdigest()


def _model(model: Model) -> dict[str, object] | None:
    """The model's settings, and what its files hold in place of where they lie; None for none."""
    if not model.path:
        return None
    files = {end: _sha256(path) for end, path in _model_files(model)}
    return {**model.model_dump(mode="json", exclude={"path"}), "files": files}


def _model_files(model: Model) -> tuple[tuple[str, Path], ...]:
    """The model and, where there is one, the sheet beside it, which says how it is to be read."""
    path = Path(model.path).expanduser()
    sheet = path.with_name(path.name + SHEET)
    return (("model", path), ("sheet", sheet)) if sheet.exists() else (("model", path),)


def _model_problem(model: Model) -> str | None:
    """Why nobody can say what the model is; None: one can, or there is none."""
    for _, path in _model_files(model) if model.path else ():
        said = _sha256(path)
        if not _DIGEST.match(said):
            return f"model.path: {said}"
    return None


def _sha256(path: Path) -> str:
    """Of a file; why it cannot be had, which is no such digest."""
    try:
        about = path.stat()
        return _sha256_of(path, about.st_ino, about.st_mtime_ns, about.st_size)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        return f"cannot be read ({error})"


@lru_cache(maxsize=8)
def _sha256_of(path: Path, inode: int, mtime_ns: int, size: int) -> str:
    """Read once for all records, as long as it is the same file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parse(line: bytes | str) -> Record:
    """The record of a line. Raises: BadRecord."""
    try:
        record = msgspec.json.decode(line, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecord(f"not a record ({error})") from None
    problem = _problem(record)
    if problem:
        raise BadRecord(problem)
    return record


def write(directory: Path, record: Record) -> Path:
    """Puts the record into a file of its own, or replaces it there. Raises: BadRecord, OSError."""
    line = msgspec.json.encode(record)
    parse(line)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / f"{record.kind}.{record.id}.jsonl"
    write_whole(path, line + b"\n")
    return path


def read(directory: Path) -> Shelf:
    """All records of a directory; none, if it is not there."""
    records: list[Record] = []
    problems: list[str] = []
    for path in sorted(directory.glob("*.jsonl")):
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            problems.append(f"{path}: cannot be read ({error.strerror})")
            continue
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                records.append(parse(line))
            except BadRecord as error:
                problems.append(f"{path}, line {number}: {error}")
    return Shelf(records=tuple(records), problems=tuple(problems))


def unusable(record: Record, settings: Settings, now_ns: int) -> str | None:
    """Why a record says nothing about trading with these settings now; None: it does. `now_ns`: wall time."""
    if max(record.begun_ns, record.ended_ns) > now_ns + _SLACK_NS:
        return "it lies in the future"
    if record.instrument != settings.venue.instrument:
        return f"it is of {record.instrument}, not of {settings.venue.instrument}"
    if problem := _model_problem(settings.model):
        return problem
    if record.settings != digest(settings):
        return "it ran with other settings of instrument, leverage, margin, brain, its layers, its model or sizing"
    return None


def longest_s(records: Sequence[Record], kind: str) -> float:
    """`ran_s` of the longest run of a kind; 0 if there is none."""
    return max((record.ran_s for record in records if record.kind == kind), default=0.0)


def _problem(record: Record) -> str | None:
    if not _ID.match(record.id):
        return f"id: {record.id[:80]!r} is not of letters and digits"
    if not _DIGEST.match(record.settings):
        return "settings: not a digest"
    if not 0 < record.begun_ns <= record.ended_ns:
        return f"ended_ns: {record.ended_ns} is before begun_ns {record.begun_ns}"
    if not (isfinite(record.ran_s) and record.ran_s >= 0):
        return f"ran_s: {record.ran_s} is no length of time"
    if record.kind == PAPER and record.ran_s * NS_PER_S > record.ended_ns - record.begun_ns + _SLACK_NS:
        return f"ran_s: {record.ran_s:g} is longer than the run itself"
    return None
