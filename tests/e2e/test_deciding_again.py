"""A recorded session decided again: the same bytes, and where another setting makes a difference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from brain.again import Difference, sessions
from brain.algorithms.model.sheet import write_sheet
from schemas.blackbox import BlackboxReader
from tests.brain.algorithms.model.support import onnx_linear
from tests.support.system import System, system, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

DECISIONS = 10_000
SECRET = "token-of-a-webhook"


@contextmanager
def recorded(directory: Path) -> Iterator[System]:
    """A system that told more than 10,000 decisions, orders and a model's words among them, and was stopped."""
    model = onnx_linear(directory / "linear.onnx", bias=(-1.5,))
    write_sheet(model, ("5m.trend_pct", "15m.trend_pct", "book.imbalance"), output="score")
    settings = {"BRAIN__PUBLISH_MS": "0", "SIZING__COOLDOWN_S": "1", "EXCHANGE__FRAMES_PER_S": "2000"}
    settings |= {"BRAIN__TREND_THRESHOLD_PCT": "0.05", "SIZING__TP_PCT": "0.02", "SIZING__SL_PCT": "0.02"}
    settings |= {"MODEL__TIMEOUT_MS": "500", "MODEL__MAX_AGE_MS": "2000"}  # on a busy machine it has its say, too
    settings |= {"ALERTS__URL": f"http://127.0.0.1:9/{SECRET}"}
    with system(**settings, BRAIN__HISTORY_BARS="4032", MODEL__PATH=str(model), MODEL__THRESHOLD="0.05") as here:
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


def test_every_decision_comes_out_again_to_the_byte_and_otherwise_exactly_where_a_setting_matters(
    tmp_path: Path,
) -> None:
    with recorded(tmp_path) as here:
        box = here.home / "data" / "blackbox"
        shown_the_same(here, box)
        shown_where_another_threshold_matters(here, box)


def shown_the_same(here: System, box: Path) -> None:
    """More than 10,000 decisions, orders and a model's words among them."""
    done = here.run("blackbox", "decide")
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"^(\d+) decisions of 1 sessions decided again, 0 differ$", done.stdout, re.M)
    assert found is not None
    assert int(found[1]) >= DECISIONS
    records = list(BlackboxReader(box).read(process="brain"))
    assert not any(SECRET.encode() in record.payload for record in records)
    told = [record.payload for record in records
            if record.topic == "push" and b'"kind":"decision"' in record.payload]  # fmt: skip
    assert sum(b'"model_score":null' not in payload for payload in told) > len(told) / 2, "the model had a say"
    assert any(b'"why_not":""' in payload for payload in told), "there was an order"


def shown_where_another_threshold_matters(here: System, box: Path) -> None:
    """The vote of the book is another exactly where its share lies between the two thresholds."""
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
    done = here.run("blackbox", "decide", "--set", "brain.book_threshold=0.75", "--show", "1")
    assert done.returncode == 1
    assert f"decision {found[0].sequence}: " in done.stdout
    assert f"{compared} decisions of 1 sessions decided again, {len(found)} differ" in done.stdout
    votes = sum("frames[0].book_vote" in difference.fields() for difference in found)
    assert 0 < votes <= len(found)
    assert f"  frames[0].book_vote: {votes}\n" in done.stdout
