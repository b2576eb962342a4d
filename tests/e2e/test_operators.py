"""What operators ask of a system that runs, and what of it stands on the audit tape."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from schemas import codec, haltfile, topology
from schemas.channels import Keyring, Wire
from schemas.clock import SystemClock
from schemas.settings import Home
from schemas.topology import OPS_AUDIT, OPS_STRUCTURE
from sovereign_tui.ops.client import request_blocking
from tests.support.system import System, system, until
from tests.support.venue import INSTRUMENT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


class Operator:
    """At the control socket of a system whose brain never trades."""

    def __init__(self, here: System) -> None:
        self.here = here
        self.home = Home.from_environment({"SOVEREIGN_HOME": str(here.home)})

    def ask(self, cmd: str, **fields: Any) -> dict[str, Any]:
        return request_blocking(self.home, {"cmd": cmd, "issuer": "me", **fields}, 20)

    def tape(self) -> list[dict[str, Any]]:
        path = self.home.data / "audit.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def entry(self, action: str) -> dict[str, Any]:
        found: dict[str, Any] = until(
            f"{action} is on the tape", lambda: next((one for one in self.tape() if one["action"] == action), None)
        )
        return found


@pytest.fixture(scope="module")
def operator() -> Iterator[Operator]:
    with system(BRAIN__TREND_THRESHOLD_PCT="100", BRAIN__VOTES_NEEDED="3") as here:
        here.up()
        until("trading is active", lambda: here.status()["state"] == "ACTIVE")
        yield Operator(here)


def test_a_rehearsal_tells_the_times_and_halts_nothing(operator: Operator) -> None:
    home = operator.home
    latch = (home.data / "halt.json").read_bytes()
    receipts = set((home.data / "receipts").glob("*"))  # another test may have halted before
    asked_ns = time.monotonic_ns()
    done = operator.ask("rehearse", mono_ns=asked_ns)
    waited_ms = (time.monotonic_ns() - asked_ns) / 1e6
    assert done["ok"], done
    assert done["text"] == "the latch can be written; no halt stands; the command port is open; nothing was changed"
    assert 0 <= done["ops_ms"] <= done["engine_ms"] <= waited_ms
    status = operator.here.status()
    assert status["halt_id"] is None
    assert status["state"] != "HALTED"  # a busy machine may be late with a heartbeat, and reduce by itself
    assert (home.data / "halt.json").read_bytes() == latch
    assert not haltfile.path_in(home.runtime).exists()
    assert set((home.data / "receipts").glob("*")) == receipts
    assert operator.entry("rehearse")["outcome"] == done["text"]


def test_a_screen_gets_the_newest_tick_at_its_pace_and_the_structure_and_the_tape_however_late_it_comes(
    operator: Operator,
) -> None:
    ports, heard = operator.here.ports, dict[str, list[bytes]]()
    assert operator.ask("audit", action="attach", detail="tty 3") == {"ok": True}

    async def listen() -> None:
        keys = Keyring.load_or_create(operator.home.keys)
        wire = Wire(process="cockpit", keys=keys, clock=SystemClock())
        wanted = {"MARKET_PORT": topology.shown_tick(INSTRUMENT), "SIGNAL_PORT": "ops."}
        try:
            for port, topic in wanted.items():
                wire.subscriber(
                    f"tcp://127.0.0.1:{ports[port]}", topic,
                    lambda topic, sequence, stamp, payload: heard.setdefault(topic, []).append(bytes(payload)),
                )  # fmt: skip
            async with asyncio.timeout(60):
                while not {topology.shown_tick(INSTRUMENT), OPS_AUDIT, OPS_STRUCTURE} <= heard.keys():
                    await asyncio.sleep(0.01)
                while any(frame.unknown for frame in codec.decode_structure(heard[OPS_STRUCTURE][-1]).frames):
                    await asyncio.sleep(0.01)  # the history is read a piece at a time
            heard[topology.shown_tick(INSTRUMENT)].clear()
            await asyncio.sleep(2.0)
        finally:
            wire.close()

    asyncio.run(listen())
    shown = [codec.TickDecoder(INSTRUMENT).decode(each) for each in heard[topology.shown_tick(INSTRUMENT)]]
    assert 2 <= len(shown) <= 2 * 20 + 1
    assert [tick.sequence for tick in shown] == sorted({tick.sequence for tick in shown}), "newer each time"
    trail = codec.decode_audit(heard[OPS_AUDIT][-1]).entries
    assert [(one.issuer, one.detail, one.ok) for one in trail if one.action == "attach"] == [("me", "tty 3", True)]
    structure = codec.decode_structure(heard[OPS_STRUCTURE][-1])
    assert structure.instrument == INSTRUMENT
    assert [frame.unknown for frame in structure.frames] == [""] * len(structure.frames)
    assert all(frame.bars and frame.swing_high and frame.marks for frame in structure.frames)


def test_each_process_says_what_it_does_about_another_setting(operator: Operator) -> None:
    later = operator.ask("config", key="sizing.tp_pct", value="1.5")
    assert later["ok"], later
    assert later["processes"] == {"brain": "takes it at its next start", "engine": "not its own", "ops": "not its own"}
    assert later["text"].endswith("it counts from the next start, once the settings file has it")
    now = operator.ask("config", key="risk.max_orders_per_s", value="4")
    assert (now["ok"], now["text"]) == (True, "risk.max_orders_per_s: 5 -> 4")
    assert now["processes"] == {
        "brain": "not its own", "engine": "risk.max_orders_per_s: 5 -> 4", "ops": "judges by 4 from now on",
    }  # fmt: skip
    assert not operator.ask("config", key="sizing.tp_pct", value="-1")["ok"]


def test_a_halt_that_comes_past_ops_is_on_the_tape_with_its_latency(operator: Operator) -> None:
    os.kill(operator.here.process("engine")["pid"], signal.SIGUSR1)
    halt = operator.entry("halt")
    assert (halt["issuer"], halt["ok"]) == ("SIGUSR1", True)
    assert halt["detail"] == "SIGUSR1: a signal of the operating system"
    halt_id = until("ops knows it, too", lambda: operator.here.status()["halt_id"])
    assert halt["outcome"] == f"VERIFIED, halt {halt_id}"
    assert 0 <= halt["took_ms"] < 1_000
    alerts = until("the halt is an alert", lambda: operator.here.status()["alerts"])
    assert [(one["kind"], one["acknowledged_by"]) for one in alerts] == [("halt", "")]
    assert operator.ask("acknowledge", kind="halt", since_ns=alerts[0]["since_ns"])["ok"]
    assert [one["acknowledged_by"] for one in operator.here.status()["alerts"]] == ["me"]
    assert operator.ask("resume", halt_id=halt_id)["ok"]
    assert operator.entry("resume")["detail"] == f"halt {halt_id}"
    numbers = [one["number"] for one in operator.tape()]
    assert numbers == list(range(1, len(numbers) + 1))
