"""A HALT file, whoever wrote it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.safety.latch import HaltLatch
from schemas import haltfile
from schemas.haltfile import HAND, StandingHalt


@pytest.mark.parametrize("named", ["\ud800", "../../x", "a b", "\x1b[2J", "", "x" * 65, 7.5])
def test_an_id_that_is_none_is_that_of_a_halt_made_by_hand(tmp_path: Path, named: object) -> None:
    haltfile.path_in(tmp_path).write_text(json.dumps({"id": named, "issuer": "\ud800me", "reason": "a\nb"}))
    assert haltfile.read(tmp_path) == StandingHalt(id=HAND, issuer="?me", reason="a?b")


def test_a_file_nested_too_deeply_halts_all_the_same(tmp_path: Path) -> None:
    haltfile.path_in(tmp_path).write_text("[" * 100_000)
    found = haltfile.read(tmp_path)
    assert found is not None
    assert found.id == HAND


@given(reason=st.text(max_size=1_000), issuer=st.text(max_size=200))
def test_the_engine_reads_the_id_of_whatever_reason(
    tmp_path_factory: pytest.TempPathFactory, reason: str, issuer: str
) -> None:
    runtime = tmp_path_factory.mktemp("run")
    haltfile.write(runtime, StandingHalt(id="f00d", issuer=issuer, reason=reason))
    found = haltfile.read(runtime)
    heard = HaltLatch(latch=runtime / "halt.json", request=haltfile.path_in(runtime)).requested(wall_ns=1)
    assert found is not None
    assert heard is not None
    assert (found.id, heard.id) == ("f00d", "f00d")


def test_the_longest_reason_leaves_room_for_the_id(tmp_path: Path) -> None:
    haltfile.write(tmp_path, StandingHalt(id="f00d", issuer="\udcff" * 1_000, reason="\x01" * 1_000))
    heard = HaltLatch(latch=tmp_path / "halt.json", request=haltfile.path_in(tmp_path)).requested(wall_ns=1)
    assert heard is not None
    assert (heard.id, len(heard.reason)) == ("f00d", 500)
