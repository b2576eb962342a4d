"""A file is written whole or not at all, whatever the disk says."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from schemas import whole_file
from schemas.whole_file import write_whole


@pytest.mark.parametrize("durable", [False, True])
def test_the_new_content_replaces_the_old_and_nothing_else_is_left(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old, and longer")
    path.chmod(0o644)
    write_whole(path, b"new", durable=durable)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_mode_is_the_one_that_was_asked_for_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "file", b"", mode=mode)
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_a_disk_that_fails_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(whole_file.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new", durable=True)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_an_error_and_no_short_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, really_open = tmp_path / "file.json", os.open
    monkeypatch.setattr(whole_file.os, "open", lambda name, flags, mode=0o777: really_open("/dev/full", os.O_WRONLY))
    monkeypatch.setattr(whole_file.os, "fchmod", lambda descriptor, mode: None)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert list(tmp_path.iterdir()) == []
