"""`sovereign blackbox` and `sovereign explain` as a user runs them, on a record made by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sovereign_tui.cli.main import app
from tests.sovereign_tui.cli.support import Run
from tests.sovereign_tui.forensics import support as s
from tests.sovereign_tui.forensics.support import INTENT, Scribe


class Shell:
    """`sovereign ...` within this process."""

    def __call__(self, *arguments: str) -> Run:
        done = CliRunner().invoke(app, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return Run(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Shell, Scribe]:
    monkeypatch.setenv("SOVEREIGN_HOME", str(tmp_path))
    home = s.home_of(tmp_path)
    scribe = Scribe(home)
    scribe.record(500, "brain", s.SENT, "5556", "request", s.request())
    scribe.record(600, "engine", s.RECEIVED, "5556", "request", s.request())
    scribe.record(700, "engine", s.NOTE, "gate", INTENT, s.gate(refusal=s.REFUSAL))
    scribe.record(800, "engine", s.SENT, "5556", "reply", s.reply(s.REJECT))
    scribe.close()
    return Shell(), scribe


def test_tail_shows_the_newest_in_words_and_by_channel(recorded: tuple[Shell, Scribe]) -> None:
    shell, _ = recorded
    shown = shell("blackbox", "tail", "--topic", "re*", "-n", "2")
    assert shown.code == 0
    first, second = shown.out.splitlines()
    assert first.startswith("2025-11-21 13:00:00.000600  engine   <- 5556 request: order ")
    assert "-> 5556 reply: reject" in second
    assert len(shell("blackbox", "tail", "--channel", "gate").out.splitlines()) == 1


def test_export_writes_every_record_decoded(recorded: tuple[Shell, Scribe], tmp_path: Path) -> None:
    shell, _ = recorded
    rows = [json.loads(line) for line in shell("blackbox", "export", "--topic", "request").out.splitlines()]
    assert [(row["process"], row["kind"], row["value"]["body"]["intent_id"]) for row in rows] == [
        ("brain", "OrderRequest", INTENT), ("engine", "OrderRequest", INTENT),
    ]  # fmt: skip
    target = tmp_path / "out.csv"
    done = shell("blackbox", "export", "--format", "csv", "--process", "engine", "--output", str(target))
    assert (done.code, done.err) == (0, f"4 records in {target}\n")
    with target.open(newline="") as file:
        kinds = [row["kind"] for row in csv.DictReader(file)]
    assert kinds == ["OrderRequest", "json", "OrderReject", "text"]
    again = shell("blackbox", "export", "--output", str(target))
    assert (again.code, again.err) == (1, f"sovereign: {target}: File exists\n")
    assert shell("blackbox", "export", "--from", "13:00", "--to", "nonsense").code == 1
    early = shell("blackbox", "export", "--to", "2025-11-21T12:00")
    assert (early.code, early.out) == (0, "")


def test_verify_names_the_broken_record_and_what_should_follow(recorded: tuple[Shell, Scribe]) -> None:
    shell, scribe = recorded
    assert shell("blackbox", "verify").code == 0
    (path,) = (scribe.home.blackbox / "engine").glob("*.bbx")
    data = path.read_bytes()
    at = data.index(b'{"judged_ns"')
    path.write_bytes(data[:at] + b"!" + data[at + 1 :])
    told = shell("blackbox", "verify")
    assert told.code == 1
    (line,) = [line for line in told.out.splitlines() if "BROKEN" in line]
    assert "1 records, BROKEN at byte" in line
    assert "the record's checksum does not match (record 2, after 2025-11-21 13:00:00.000600 UTC; what stands" in line
    row = next(row for row in shell("blackbox", "verify", "--json").json["segments"] if not row["ok"])
    assert (row["records"], row["after_ns"], len(row["follows"])) == (1, s.START + 600_000, 32)


def test_ls_shows_when_each_file_begins(recorded: tuple[Shell, Scribe]) -> None:
    shell, _ = recorded
    assert "2025-11-21 13:00:00 - " in shell("blackbox", "ls").out
    assert {row["from_ns"] for row in shell("blackbox", "ls", "--json").json["segments"]} == {
        s.START + 500_000, s.START + 600_000,
    }  # fmt: skip


def test_explain_is_a_page_or_json_and_says_what_it_did_not_find(recorded: tuple[Shell, Scribe]) -> None:
    shell, _ = recorded
    shown = shell("explain", INTENT)
    assert shown.code == 0
    assert "refused by max_notional: RISK_VIOLATION, observed 499.20 USDT, limit 100 USDT" in shown.out
    assert "not in the record: tick, decision, reply received" in shown.out
    assert shell("blackbox", "explain", INTENT, "--json").json["gate"]["verdict"] == "refused"
    unknown = shell("explain", "i0")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err.startswith("sovereign: i0: no order, intent or halt of this id in 2 files")
    assert unknown.err.endswith("; give at least 4 characters\n")
