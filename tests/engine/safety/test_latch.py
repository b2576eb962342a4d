"""The latch: whatever the disk does, a halt that was asked for stands."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.safety.latch import HaltLatch, Latched


def latch(tmp_path: Path) -> HaltLatch:
    return HaltLatch(latch=tmp_path / "halt.json", request=tmp_path / "HALT")


HALT = Latched(id="h1", issuer="op", reason="test", wall_ns=5)


def test_a_latch_outlives_its_writer_and_is_gone_after_clear(tmp_path: Path) -> None:
    assert latch(tmp_path).read(wall_ns=9) is None
    latch(tmp_path).set(HALT)
    assert latch(tmp_path).read(wall_ns=9) == HALT
    latch(tmp_path).clear()
    assert latch(tmp_path).read(wall_ns=9) is None


@pytest.mark.parametrize(
    "content",
    [
        b"", b"rubbish", b"[]", b"{}", b'{"id": ""}', b'{"id": "\xff"}', b"[" * 100_000, b'{"wall_ns": "noon"}',
        b'{"wall_ns": 1e300}', b'{"wall_ns": [1]}',
    ],
)  # fmt: skip
def test_a_halt_file_halts_whatever_is_in_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "HALT").write_bytes(content)
    found = latch(tmp_path).read(wall_ns=9)
    assert found is not None
    assert found.id == "haltfile"
    latch(tmp_path).set(found)
    assert latch(tmp_path).read(wall_ns=9) == found
    latch(tmp_path).clear()
    assert not (tmp_path / "HALT").exists()


def test_a_pipe_in_the_place_of_a_halt_file_halts_and_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "HALT")
    found = latch(tmp_path).requested(wall_ns=9)
    assert found is not None
    assert found.id == "haltfile"


def test_a_halt_file_made_while_the_latch_is_cleared_is_another_halt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, synced = latch(tmp_path), os.fsync
    here.set(HALT)
    (tmp_path / "HALT").touch()

    def meanwhile(descriptor: int) -> None:
        (tmp_path / "HALT").touch()
        synced(descriptor)

    monkeypatch.setattr(os, "fdatasync", meanwhile, raising=False)
    here.clear()
    assert here.requested(wall_ns=9) is not None


def test_a_reserved_latch_is_written_where_nothing_new_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = latch(tmp_path)
    here.reserve()
    assert here.read(wall_ns=9) is None
    before = (tmp_path / "halt.json").stat()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("engine.safety.latch.write_whole", full)
    here.set(HALT)
    assert here.read(wall_ns=9) == HALT
    after = (tmp_path / "halt.json").stat()
    assert (after.st_ino, after.st_size, after.st_blocks) == (before.st_ino, before.st_size, before.st_blocks)
    here.clear()
    assert here.read(wall_ns=9) is None


def test_reserving_leaves_a_halt_that_stands(tmp_path: Path) -> None:
    latch(tmp_path).set(HALT)
    latch(tmp_path).reserve()
    assert latch(tmp_path).read(wall_ns=9) == HALT


@given(cut=st.integers(0, 4_095), clearing=st.booleans())
def test_a_latch_that_was_torn_halts_unless_nothing_was_written_yet(
    tmp_path_factory: pytest.TempPathFactory, cut: int, clearing: bool
) -> None:
    """A power cut in the middle of a write leaves the beginning of the new and the end of the old."""
    directory = tmp_path_factory.mktemp("latch")
    here, path = latch(directory), directory / "halt.json"
    here.reserve()
    free = path.read_bytes()
    here.set(HALT)
    halted = path.read_bytes()
    old, new = (halted, free) if clearing else (free, halted)
    path.write_bytes(new[:cut] + old[cut:])
    found = here.read(wall_ns=9)
    mixed = path.read_bytes()
    if found is None:
        assert mixed.split(b"}")[0] == free.split(b"}")[0]
    else:
        assert mixed != free


@given(st.text(), st.text())
def test_any_reason_and_issuer_fit_into_what_was_reserved(
    tmp_path_factory: pytest.TempPathFactory, issuer: str, reason: str
) -> None:
    directory = tmp_path_factory.mktemp("latch")
    here = latch(directory)
    here.reserve()
    here.set(Latched(id="h1", issuer=issuer * 50, reason=reason * 500, wall_ns=5, mono_ns=7, own=True))
    assert (directory / "halt.json").stat().st_size == 4_096
    found = here.read(wall_ns=9)
    assert found is not None
    assert (found.id, found.wall_ns, found.mono_ns, found.own) == ("h1", 5, 7, True)
    assert (issuer * 50).startswith(found.issuer) or found.issuer == "latch"


@pytest.mark.parametrize("said", ["../../etc/x", "a b", "", "x" * 65, 7])
def test_an_id_that_is_no_id_is_not_taken_for_one(tmp_path: Path, said: object) -> None:
    (tmp_path / "HALT").write_text(json.dumps({"id": said, "issuer": "me", "reason": "r"}))
    found = latch(tmp_path).requested(wall_ns=9)
    assert found is not None
    assert (found.id, found.issuer) == ("haltfile", "me")
