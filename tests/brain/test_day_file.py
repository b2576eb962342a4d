"""The file of the day: what an earlier run kept, or nothing that could stop this one from starting."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from brain.beside import DAY_FILE, read_day
from brain.sizing.day import DayBook
from schemas.settings.sizing import Sizing


def test_what_was_kept_is_read_and_before_the_first_run_there_is_nothing(tmp_path: Path) -> None:
    path, state = tmp_path / DAY_FILE, DayBook(Sizing(), day_starts_utc_hour=0, owner="sim X").state()
    with pytest.raises(FileNotFoundError):
        read_day(path)
    path.write_bytes(json.dumps(state).encode())
    assert read_day(path) == state


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff", b"null", b"[1]", b'{"schema": 99999999999999999999999}', b'{"owner": "\\ud800"}',
        b"[" * 100_000, b'{"day": ' + b"[" * 900 + b"]" * 900 + b"}", b'{"day": {}}',
    ],
)  # fmt: skip
def test_what_cannot_be_read_or_recorded_is_nothing_that_is_known(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / DAY_FILE
    path.write_bytes(content)
    saved = read_day(path)
    assert saved is None
    assert DayBook(Sizing(), day_starts_utc_hour=0, owner="sim X").restore(saved, now_wall_ns=1, now_mono_ns=1)


def test_what_is_read_can_be_recorded(tmp_path: Path) -> None:
    path = tmp_path / DAY_FILE
    path.write_bytes(b'{"schema": 1, "base": NaN}')
    assert msgspec.msgpack.encode(read_day(path))
