"""`sovereign explain` of a system that really traded, refused and halted: no step is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sovereign_tui.ops.keyset import VARIABLES
from tests.support.system import System, system, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
HALTED = [
    "halt_asked", "note", "latched", "port_closed", "ack", "ack_received", "venue_listed", "venue_confirmed",
    "receipt_published", "halt_answered",
]  # fmt: skip
FILLED = [
    "tick", "decision", "request_sent", "request_received", "gate", "journal", "venue_request", "exchange_received",
    "accepted", "matched", "protection_held", "exchange_answered", "venue_answer", "venue_state", "fill",
    "journal_end", "reply_sent", "reply_received", "protection_seen",
]  # fmt: skip
REFUSED = [
    "tick", "decision", "request_sent", "request_received", "gate", "reply_sent", "reply_received",
]  # fmt: skip


def filled(here: System) -> dict[str, Any] | None:
    """An order of the brain that was filled, once the venue shows its stop too."""
    status = here.status()
    protected = status["positions"] and status["positions"][0]["sl_price"]
    orders = [one for one in (status["orders"] or {}).get("recent", ()) if one["intent_id"]]
    return next((one for one in orders if one["state"] == "filled"), None) if protected else None


def in_record(here: System, identity: str, last: str) -> dict[str, Any]:
    """The story, once it is whole with its `last` step: the blackbox is written a little later."""
    return until(f"the whole story of {identity}", lambda: whole(here, identity, last), limit_s=15)  # type: ignore[no-any-return]


def whole(here: System, identity: str, last: str) -> dict[str, Any] | None:
    story = here.json("explain", identity)
    return None if story["missing"] or last not in names(story) else story


def names(story: dict[str, Any]) -> set[str]:
    return {step["what"] for step in story["steps"]}


def told_in_order(story: dict[str, Any]) -> bool:
    times = [step["at_ns"] for step in story["steps"]]
    return times == sorted(times) and all(step["since_began_ms"] >= 0 for step in story["steps"][1:])


def secrets_of(here: System) -> list[str]:
    """What signs: keys, secret and passphrase, as the engine was given them."""
    pid = here.process("engine")["pid"]
    given = psutil.Process(pid).environ()
    found = [given[name] for name in VARIABLES]
    assert all(len(secret) > 8 for secret in found)
    return found


@pytest.fixture(scope="module")
def traded() -> Iterator[tuple[System, dict[str, Any], str, list[str]]]:
    """A system that has filled and protected an order, and was halted then."""
    with system() as here:
        here.up()
        order = until("an order is filled and protected", lambda: filled(here), limit_s=40)
        secrets = secrets_of(here)
        halt = here.json("halt")
        yield here, order, halt["id"], secrets


def test_no_step_of_an_order_that_was_filled_and_protected_is_missing(traded: Any) -> None:
    here, order, _, _ = traded
    story = in_record(here, order["intent_id"], FILLED[-1])
    assert (story["kind"], story["missing"], story["left_out"]) == ("order", [], 0)
    assert story["outcome"] == "filled and protected"
    assert story["ids"] == {
        "intent_id": order["intent_id"], "client_order_id": order["client_order_id"],
        "venue_order_id": order["venue_order_id"], "children": [], "halt_id": "",
    }  # fmt: skip
    assert set(FILLED) <= names(story)
    assert told_in_order(story)
    assert [step["what"] for step in story["steps"][:3]] == ["tick", "decision", "request_sent"]
    assert story["tick"]["source"] == "record"
    assert story["tick"]["sequence"] == story["decision"]["tick_sequence"]
    assert story["decision"]["features"]["size.equity_usdt"] == 100_000
    assert {row["outcome"] for row in story["gate"]["rules"]} == {"passed"}
    assert len(story["gate"]["rules"]) == 28
    for other in (order["client_order_id"], order["venue_order_id"], order["client_order_id"][:12]):
        assert here.json("explain", other)["ids"] == story["ids"]
    page = here.run("explain", order["intent_id"])
    assert page.returncode == 0
    for word in ("account_share", "slippage", "protection held", "ms since the tick", "authority"):
        assert word in page.stdout


def test_no_step_of_a_halt_is_missing_and_all_is_there_after_the_end_too(traded: Any) -> None:
    here, order, halt_id, secrets = traded
    before = in_record(here, halt_id, HALTED[-1])
    assert (before["kind"], before["ids"]["halt_id"], before["receipt"]["verified"]) == ("halt", halt_id, True)
    assert set(HALTED) <= names(before)
    (path,) = (step["data"]["path"] for step in before["steps"] if step["data"].get("step") == "asked")
    assert path in {"signal", "halt file"}  # the file is told first, and ops has no signal to send if it was enough
    assert path == "halt file" or {"signal_sent", "signal_received"} <= names(before)
    assert here.run("down").returncode == 0
    after = here.json("explain", halt_id)
    assert after["steps"] == before["steps"]
    assert after["missing"] == []
    assert set(FILLED) <= names(here.json("blackbox", "explain", order["intent_id"]))
    assert here.json("blackbox", "verify")["ok"]
    record = b"".join(path.read_bytes() for path in Path(here.home / "data" / "blackbox").glob("*/*.bbx"))
    assert {path.name for path in (here.home / "data" / "blackbox").iterdir()} >= {"engine", "brain", "exchange", "ops"}
    for secret in secrets:
        assert secret.encode() not in record
    assert b"OK-ACCESS" not in record


def test_an_id_that_nobody_knows_is_told_and_so_is_one_that_means_several(traded: Any) -> None:
    here = traded[0]
    unknown = here.json("explain", "nosuchorder", code=1)
    assert "no order, intent or halt of this id in" in unknown["problems"][0]
    assert here.json("explain", "../etc", code=1)["problems"] == ["'../etc': ids are letters and digits"]


def test_no_step_of_an_order_that_the_gate_refused_is_missing() -> None:
    with system(RISK__MIN_LIQUIDATION_DISTANCE_PCT="99") as here:
        here.up()
        reply = until("an order is refused", lambda: refusal(here), limit_s=40)
        story = in_record(here, reply, REFUSED[-1])
        assert set(REFUSED) <= names(story)
        assert not names(story) & {"journal", "venue_request", "exchange_received"}
        assert story["outcome"].startswith("refused by liquidation_distance: MARGIN, observed ")
        rules = {row["rule"]: row for row in story["gate"]["rules"]}
        assert rules["liquidation_distance"]["outcome"] == "refused"
        assert rules["liquidation_distance"]["limit"] == "99 %"
        assert rules["daily_loss"]["outcome"] == "not asked"
        assert rules["account_share"]["outcome"] == "passed"
        assert here.run("down").returncode == 0
        assert here.json("explain", reply)["missing"] == []


def refusal(here: System) -> str | None:
    """An intent that was refused, from the record itself."""
    done = here.run("blackbox", "tail", "--process", "brain", "--topic", "reply", "-n", "200")
    found = [line for line in done.stdout.splitlines() if ": reject " in line]
    return found[0].split(": reject ")[1].partition(":")[0] if found else None
