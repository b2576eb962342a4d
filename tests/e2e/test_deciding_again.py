"""A recorded session decided again: the same bytes, and where another setting makes a difference."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brain.again import Difference, compare, sessions
from brain.algorithms.model.sheet import write_sheet
from schemas.blackbox import BlackboxReader
from tests.brain.algorithms.model.support import onnx_linear
from tests.support.system import System, system, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

DECISIONS = 10_000
SECRET = "token-of-a-webhook"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that told more than 10,000 decisions, orders and a model's words among them, and was stopped."""
    model = onnx_linear(tmp_path_factory.mktemp("model") / "linear.onnx", bias=(-1.5,))
    write_sheet(model, ("5m.trend_pct", "15m.trend_pct", "book.imbalance"), output="score")
    settings = {"BRAIN__PUBLISH_MS": "0", "SIZING__COOLDOWN_S": "1", "EXCHANGE__FRAMES_PER_S": "800"}
    settings |= {"BRAIN__TREND_THRESHOLD_PCT": "0.05", "SIZING__TP_PCT": "0.02", "SIZING__SL_PCT": "0.02"}
    settings |= {"ALERTS__URL": f"http://127.0.0.1:9/{SECRET}"}
    with system(**settings, MODEL__PATH=str(model), MODEL__THRESHOLD="0.05") as here:
        here.up()
        until("enough decisions", lambda: status_of(here, "signal").get("sequence", 0) > DECISIONS, limit_s=90)
        until("an order was taken", lambda: status_of(here, "counters")["acks"] > 0, limit_s=60)
        here.run("down")
        yield here


def status_of(here: System, part: str) -> dict[str, Any]:
    found = here.status()[part] or {}
    assert isinstance(found, dict)
    return found


def differences(directory: Path, **changes: str) -> tuple[int, list[Difference]]:
    found, compared = [], 0
    changed = {name.replace("__", "."): value for name, value in changes.items()}
    for session, difference in sessions(BlackboxReader(directory).read(process="brain"), changed):
        if difference is None:
            assert session.broken is None
            compared += session.compared
        else:
            found.append(difference)
    return compared, found


def test_every_decision_comes_out_again_byte_for_byte(recorded: System) -> None:
    compared, found = differences(recorded.home / "data" / "blackbox")
    assert found == []
    assert compared >= DECISIONS
    records = list(BlackboxReader(recorded.home / "data" / "blackbox").read(process="brain"))
    assert not any(SECRET.encode() in record.payload for record in records)
    told = [record.payload for record in records
            if record.topic == "push" and b'"kind":"decision"' in record.payload]  # fmt: skip
    assert sum(b'"model_score":null' not in payload for payload in told) > compared / 2, "the model had a say"
    assert any(b'"why_not":""' in payload for payload in told), "there was an order"
    done = recorded.run("blackbox", "decide")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{compared} decisions of 1 sessions decided again, 0 differ" in done.stdout


def test_another_threshold_differs_exactly_where_a_share_lies_between_the_two(recorded: System) -> None:
    box = recorded.home / "data" / "blackbox"
    compared, found = differences(box, brain__book_threshold="0.75")
    assert 0 < len(found) < compared
    for difference in found:
        fields = difference.fields()
        of_an_order = fields.pop("features.set.book_threshold", None)
        if of_an_order and not fields:
            assert of_an_order == (0.6, 0.75)
            continue
        then, now = fields["frames[0].book_vote"]
        assert (abs(then), now) == (1, 0)
        share = re.search(rb'"book_imbalance":([0-9.e-]+)', difference.told)
        assert share is not None
        assert 0.6 < max(float(share[1]), 1 - float(share[1])) <= 0.75
    done = recorded.run("blackbox", "decide", "--set", "brain.book_threshold=0.75", "--show", "1")
    assert done.returncode == 1
    assert f"decision {found[0].sequence}: " in done.stdout
    assert f"{compared} decisions of 1 sessions decided again, {len(found)} differ" in done.stdout
    votes = sum("frames[0].book_vote" in difference.fields() for difference in found)
    assert 0 < votes <= len(found)
    assert f"  frames[0].book_vote: {votes}\n" in done.stdout


def test_a_setting_that_makes_no_sense_is_refused(recorded: System) -> None:
    done = recorded.run("blackbox", "decide", "--set", "brain.book_threshold=0.4")
    assert done.returncode == 78
    assert done.stderr.startswith("--set brain.book_threshold: brain.book_threshold = 0.4: ")
    assert "Traceback" not in done.stderr


def test_a_record_that_is_not_whole_says_from_which_turn_on(
    recorded: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = tmp_path / "blackbox"
    shutil.copytree(recorded.home / "data" / "blackbox" / "brain", box / "brain")
    (segment,) = (box / "brain").iterdir()
    whole = segment.read_bytes()
    segment.write_bytes(whole[: len(whole) // 2])
    assert compare(box, {}, 5) == 0, "cut off at its end: the rest is compared"
    said = capsys.readouterr().out
    assert "is cut off at byte" in said
    records = list(BlackboxReader(recorded.home / "data" / "blackbox").read(process="brain"))
    turn = next(i for i, record in enumerate(records) if i > 5_000 and record.topic == "turn")
    ticks = [i for i in range(turn, turn + 50) if records[i].topic.startswith("tick.")]
    del records[ticks[0]]
    *_, (session, _) = sessions(iter(records))
    assert session.broken is not None
    assert re.fullmatch(r"\d+ messages in the record, \d+ were taken", session.broken.reason)
