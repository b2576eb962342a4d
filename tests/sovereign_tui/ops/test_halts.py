from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas import codec, haltfile
from schemas.clock import NS_PER_MS, SystemClock
from schemas.haltfile import StandingHalt
from schemas.messages import Receipt, Signal, SignalKind
from schemas.settings import Home
from sovereign_tui.ops.asking import Asker
from sovereign_tui.ops.halts import HaltDesk
from sovereign_tui.ops.resume import ResumeDesk
from sovereign_tui.ops.telemetry import SignalAck
from sovereign_tui.ops.watch import EngineView


class Hub:
    """Remembers what was published, and whether the HALT file was there by then; and the file, when it was poked."""

    def __init__(self, runtime: Path) -> None:
        self.runtime = runtime
        self.signals: list[tuple[SignalKind, str, bool]] = []
        self.receipts: list[Receipt] = []
        self.pokes: list[StandingHalt | None] = []
        self.changed = asyncio.Event()

    def signal(
        self,
        kind: SignalKind,
        *,
        issuer: str,
        reason: str,
        target: str = "",
        id_: str | None = None,
        changes: Mapping[str, str] | None = None,
        mono_ns: int = 0,
    ) -> str:
        id_ = id_ or f"s{len(self.signals)}"
        self.signals.append((kind, id_, haltfile.path_in(self.runtime).exists()))
        self.changed.set()
        return id_

    def receipt(self, value: Receipt) -> None:
        self.receipts.append(value)

    async def published(self, count: int) -> None:
        while len(self.signals) < count:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 10)


def desk_of(home: Home, *, deadline_s: float = 10) -> tuple[HaltDesk, Hub]:
    hub = Hub(home.runtime)
    desk = HaltDesk(
        home=home, clock=SystemClock(), hub=hub, deadline_s=deadline_s, engine=lambda: "BACKOFF",
        poke=lambda: hub.pokes.append(haltfile.read(home.runtime)),
    )  # fmt: skip
    return desk, hub


def confirmed(asked: str, standing: str | None = None, *, path: str = "signal", issuer: str = "me") -> Receipt:
    now = SystemClock().monotonic_ns()
    return Receipt(
        id=standing or asked, asked=asked, requested_ns=now - NS_PER_MS, latched_ns=now, port_closed_ns=now,
        venue_confirmed_ns=now + NS_PER_MS, open_orders=0, verified=True, total_ms=2.0, path=path, issuer=issuer,
    )  # fmt: skip


async def all_of(desk: HaltDesk, reason: str = "", *, halt_id: str = "") -> list[Receipt]:
    async with aclosing(desk.halt("me", reason, halt_id=halt_id)) as receipts:
        return [receipt async for receipt in receipts]


def kept(home: Home, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home.data / "receipts" / f"{name}.json").read_text())
    return found


def test_the_file_is_written_before_the_signal_is_published(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        asking = asyncio.create_task(all_of(desk))
        await hub.published(1)
        kind, id_, file_was_there = hub.signals[0]
        assert (kind, file_was_there) == (SignalKind.SYSTEM_HALT, True)
        assert [found.id for found in hub.pokes if found is not None] == [id_]
        desk.on_ack(msgspec.structs.replace(confirmed(id_), key="k", signature="s"))
        final = (await asking)[-1]
        assert final.verified
        assert (final.key, final.signature) == ("k", "s")
        assert final.total_ms is not None
        assert hub.receipts[-1] == final

    asyncio.run(scenario())


def test_it_is_repeated_until_answered_even_after_the_deadline(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home, deadline_s=0.05)
        repeating = asyncio.create_task(desk.repeat())
        final = (await all_of(desk))[-1]
        assert (final.verified, final.latched_ns, final.total_ms) == (False, None, None)
        assert "the engine (BACKOFF) has not answered" in final.problems[0]
        await hub.published(len(hub.signals) + 3)
        assert {id_ for _, id_, _ in hub.signals} == {final.id}
        assert kept(home, final.id)["verified"] is False  # ours, as long as the engine keeps none
        count = len(hub.signals)
        desk.on_ack(confirmed(final.id))
        await asyncio.sleep(0.25)
        assert (hub.receipts[-1].verified, len(hub.signals)) == (True, count)
        repeating.cancel()

    asyncio.run(scenario())


def test_asking_while_one_is_unanswered_joins_it(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        first, second = asyncio.create_task(all_of(desk)), asyncio.create_task(all_of(desk))
        await hub.published(1)
        await asyncio.sleep(0)
        desk.on_ack(confirmed(hub.signals[0][1]))
        assert (await first)[-1].id == (await second)[-1].id
        assert len({id_ for _, id_, _ in hub.signals}) == 1

    asyncio.run(scenario())


def test_asking_while_one_is_answered_but_not_verified_joins_it_and_says_it_again(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        first = asyncio.create_task(all_of(desk))
        await hub.published(1)
        asked = hub.signals[0][1]
        desk.on_ack(Receipt(id=asked, asked=asked, requested_ns=1, latched_ns=2, open_orders=1))
        second = asyncio.create_task(all_of(desk))
        await hub.published(2)
        desk.on_ack(confirmed(asked))
        assert [(await one)[-1].verified for one in (first, second)] == [True, True]
        assert {id_ for _, id_, _ in hub.signals} == {asked}

    asyncio.run(scenario())


def test_asking_again_keeps_the_standing_id_and_the_first_receipt(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        first = asyncio.create_task(all_of(desk, "first"))
        await hub.published(1)
        standing = hub.signals[0][1]
        desk.on_ack(confirmed(standing))
        await first
        again = asyncio.create_task(all_of(desk, "again"))
        await hub.published(2)
        asked = hub.signals[1][1]
        assert asked != standing
        desk.on_ack(confirmed(asked, standing))
        assert (await again)[-1].id == standing
        assert [path.name for path in (home.data / "receipts").iterdir()] == [f"{standing}.json"]
        assert haltfile.read(home.runtime) == haltfile.StandingHalt(id=standing, issuer="me", reason="first")

    asyncio.run(scenario())


def test_a_file_that_cannot_be_written_is_a_problem_and_no_reason_not_to_halt(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        home.runtime.rename(home.runtime.with_name("gone"))
        asking = asyncio.create_task(all_of(desk))
        await hub.published(1)
        signed = msgspec.structs.replace(confirmed(hub.signals[0][1]), key="k", signature="s")
        desk.on_ack(signed)
        final = (await asking)[-1]
        assert final.verified
        assert "HALT cannot be written" in final.problems[0]
        assert (final.key, final.signature) == ("", "")  # the engine has not signed that
        assert hub.pokes == []

    asyncio.run(scenario())


def test_who_has_told_the_engine_by_the_file_is_answered_under_its_id(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        haltfile.write(home.runtime, StandingHalt(id="told1", issuer="me", reason=""))
        asking = asyncio.create_task(all_of(desk, halt_id="told1"))
        await hub.published(1)
        assert hub.signals[0][1] == "told1"
        assert hub.pokes == []  # whoever wrote the file did that
        desk.on_ack(confirmed("told1", path="halt file"))
        assert (await asking)[-1].id == "told1"

    asyncio.run(scenario())


@pytest.mark.parametrize("done", [False, True])
def test_an_engine_that_was_faster_than_the_question_is_not_asked_for_another_halt(home: Home, done: bool) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        haltfile.write(home.runtime, StandingHalt(id="told1", issuer="me", reason=""))
        receipt = confirmed("told1", path="halt file")
        desk.on_ack(receipt if done else msgspec.structs.replace(receipt, verified=False, venue_confirmed_ns=None))
        asking = asyncio.create_task(all_of(desk, halt_id="told1"))
        if not done:
            await hub.published(1)
            desk.on_ack(receipt)
        assert (await asking)[-1] == receipt
        assert {id_ for _, id_, _ in hub.signals} == (set() if done else {"told1"})

    asyncio.run(scenario())


def test_a_halt_that_was_lifted_before_we_were_asked_is_asked_for_under_another_id(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        desk.on_ack(confirmed("told1", path="halt file"))
        assert desk.lifted("told1") is None
        asking = asyncio.create_task(all_of(desk, halt_id="told1"))
        await hub.published(1)
        ((_, asked, file_was_there),) = hub.signals
        assert asked != "told1"  # the engine is deaf to that
        assert file_was_there
        desk.on_ack(confirmed(asked))
        assert (await asking)[-1].id == asked

    asyncio.run(scenario())


def test_the_file_takes_the_id_that_the_engine_names(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        asking = asyncio.create_task(all_of(desk))
        await hub.published(1)
        desk.on_ack(confirmed(hub.signals[0][1], "older"))
        await asking
        standing = haltfile.read(home.runtime)
        assert standing is not None
        assert standing.id == "older"

    asyncio.run(scenario())


def test_a_file_made_by_hand_is_a_halt(home: Home) -> None:
    haltfile.path_in(home.runtime).touch()

    async def scenario() -> None:
        desk, hub = desk_of(home)
        desk.recall()
        ((kind, id_, there),) = hub.signals
        assert (kind, there) == (SignalKind.SYSTEM_HALT, True)
        assert id_ != haltfile.HAND  # an engine that has lifted one of that id would not hear of another

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("content", "id_", "reason"),
    [
        (b"[" * 60_000, "haltfile", "a HALT file that somebody made by hand"),
        (b"\xff", "haltfile", "a HALT file that somebody made by hand"),
        (b'{"id": "a1", "issuer": "me", "reason": "\\ud800!"}', "a1", "?!"),
        (b'{"id": "", "issuer": "me", "reason": "r"}', "haltfile", "r"),
        (b'{"id": "../../x", "issuer": "me", "reason": "r"}', "haltfile", "r"),
        (b'{"id": "a1", "issuer": "me", "reason": "' + b"r" * 5_000 + b'"}', "a1", "r" * 500),
    ],
)
def test_whatever_a_halt_file_says_a_message_can_carry_it(home: Home, content: bytes, id_: str, reason: str) -> None:
    haltfile.path_in(home.runtime).write_bytes(content)
    found = haltfile.read(home.runtime)
    assert found is not None
    assert (found.id, found.reason) == (id_, reason)
    signal = Signal(
        kind=SignalKind.SYSTEM_HALT, id=found.id, issuer=found.issuer, reason=found.reason, timestamp_ns=1
    )  # fmt: skip
    assert codec.decode_signal(memoryview(codec.encode_signal(signal))) == signal


def test_a_pipe_in_the_place_of_a_halt_file_is_a_halt_and_holds_nobody_up(home: Home) -> None:
    os.mkfifo(haltfile.path_in(home.runtime))
    found = haltfile.read(home.runtime)
    assert found is not None
    assert found.id == haltfile.HAND


def test_a_halt_asked_for_during_a_resume_goes_on_when_the_first_one_is_lifted(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home, deadline_s=0.05)
        first = (await all_of(desk))[-1].id
        desk.on_ack(confirmed(first))
        asker = Asker(hub)
        resumes = ResumeDesk(halts=desk, asker=asker, engine=lambda: EngineView(known=True))
        hub.signals.clear()
        resuming = asyncio.create_task(resumes.resume(first, "me"))
        await hub.published(1)
        second = (await all_of(desk, "again"))[-1].id
        asker.on_ack(SignalAck(id=hub.signals[0][1], kind="SYSTEM_RESUME", ok=True, text="lifted"))
        assert (await resuming).ok
        standing = haltfile.read(home.runtime)
        assert standing is not None
        assert standing.id == second
        hub.signals.clear()
        repeating = asyncio.create_task(desk.repeat())
        await hub.published(2)
        assert {(kind, id_) for kind, id_, _ in hub.signals} == {(SignalKind.SYSTEM_HALT, second)}
        repeating.cancel()
        desk.on_ack(confirmed(second))
        assert hub.receipts[-1].verified

    asyncio.run(scenario())


def test_a_halt_after_a_resume_that_nobody_answered_has_an_id_that_was_never_lifted(home: Home) -> None:
    """The engine may have lifted the first one, with its answer lost."""

    async def scenario() -> None:
        desk, hub = desk_of(home, deadline_s=0.05)
        first = (await all_of(desk))[-1].id
        resumes = ResumeDesk(halts=desk, asker=Asker(hub, wait_s=0.05), engine=lambda: EngineView(known=True))
        assert not (await resumes.resume(first, "me")).ok
        second = (await all_of(desk, "again"))[-1].id
        assert (second != first, hub.signals[-1][:2]) == (True, (SignalKind.SYSTEM_HALT, second))

    asyncio.run(scenario())


def test_a_resume_is_not_said_again_after_a_halt_was_asked_for(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home, deadline_s=0.05)
        first = (await all_of(desk))[-1].id
        desk.on_ack(confirmed(first))
        resumes = ResumeDesk(halts=desk, asker=Asker(hub), engine=lambda: EngineView(known=True))
        hub.signals.clear()
        resuming = asyncio.create_task(resumes.resume(first, "me"))
        await hub.published(1)
        await all_of(desk, "again")
        result = await resuming
        assert (result.ok, result.text) == (False, f"a HALT was asked for meanwhile; halt {first} stands")
        assert [kind for kind, _, _ in hub.signals] == [SignalKind.SYSTEM_RESUME, SignalKind.SYSTEM_HALT]

    asyncio.run(scenario())


def test_a_halt_file_made_while_a_halt_is_lifted_is_left_alone(home: Home) -> None:
    async def scenario() -> None:
        desk, _ = desk_of(home, deadline_s=0.05)
        first = (await all_of(desk))[-1].id
        desk.on_ack(confirmed(first))
        held = desk.hold_back()
        assert held is not None
        haltfile.remove(home.runtime)  # the engine does
        haltfile.path_in(home.runtime).touch()
        assert desk.lifted(first) is None
        assert haltfile.path_in(home.runtime).exists()

    asyncio.run(scenario())


def test_a_failed_resume_leaves_halt_and_repetition_standing(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home, deadline_s=0.05)
        asked = (await all_of(desk))[-1].id
        repeating = asyncio.create_task(desk.repeat())
        resumes = ResumeDesk(halts=desk, asker=Asker(hub, wait_s=0.05), engine=lambda: EngineView(known=True))
        unnamed = await resumes.resume(None, "me")
        assert (unnamed.ok, unnamed.text) == (False, f"halt {asked} stands, none was named")
        result = await resumes.resume(asked, "me")
        assert not result.ok
        assert "has not answered within 0.05 s" in result.text
        assert haltfile.path_in(home.runtime).exists()
        hub.signals.clear()
        await hub.published(2)
        assert {kind for kind, _, _ in hub.signals} == {SignalKind.SYSTEM_HALT}
        repeating.cancel()

    asyncio.run(scenario())


def test_nothing_is_repeated_while_a_resume_is_asked_and_after_it_succeeded(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home, deadline_s=0.05)
        asked = (await all_of(desk))[-1].id
        hub.signals.clear()
        repeating = asyncio.create_task(desk.repeat())
        asker = Asker(hub)
        resumes = ResumeDesk(halts=desk, asker=asker, engine=lambda: EngineView(known=True))
        resuming = asyncio.create_task(resumes.resume(asked, "me"))
        await hub.published(3)
        assert {kind for kind, _, _ in hub.signals} == {SignalKind.SYSTEM_RESUME}
        asker.on_ack(SignalAck(id=hub.signals[0][1], kind="SYSTEM_RESUME", ok=True, text="lifted"))
        assert (await resuming).ok
        assert haltfile.read(home.runtime) is None
        repeating.cancel()

    asyncio.run(scenario())


def test_an_unknown_engine_is_not_resumed(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        resumes = ResumeDesk(halts=desk, asker=Asker(hub), engine=lambda: EngineView(known=False))
        assert (await resumes.resume(None, "me")).ok is False
        assert hub.signals == []

    asyncio.run(scenario())


def test_a_halt_that_came_another_way_is_shown_and_stands(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        heard: list[Receipt] = []
        desk._on_foreign = heard.append
        receipt = confirmed("u1", path="SIGUSR1", issuer="SIGUSR1")
        desk.on_ack(receipt)
        desk.on_ack(receipt)
        assert (hub.signals, heard, hub.receipts) == ([], [receipt], [receipt, receipt])
        standing = haltfile.read(home.runtime)
        assert standing is not None
        assert (standing.id, standing.issuer) == ("u1", "SIGUSR1")

    asyncio.run(scenario())


def test_an_ack_that_comes_after_the_resume_brings_nothing_back(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        asking = asyncio.create_task(all_of(desk))
        await hub.published(1)
        ack = confirmed(hub.signals[0][1])
        desk.on_ack(ack)
        await asking
        assert desk.lifted(ack.id) is None
        count = len(hub.receipts)
        desk.on_ack(ack)
        assert (len(hub.receipts), haltfile.read(home.runtime)) == (count, None)

    asyncio.run(scenario())


def test_a_flatten_beside_a_verified_halt_is_asked_anew_and_done_when_flat(home: Home) -> None:
    async def scenario() -> None:
        desk, hub = desk_of(home)
        first = asyncio.create_task(all_of(desk))
        await hub.published(1)
        standing = hub.signals[0][1]
        desk.on_ack(confirmed(standing))
        await first

        async def flatten() -> list[Receipt]:
            async with aclosing(desk.halt("me", "", flatten=True)) as receipts:
                return [receipt async for receipt in receipts]

        flattening = asyncio.create_task(flatten())
        await hub.published(2)
        kind, asked, _ = hub.signals[1]
        assert kind is SignalKind.FLATTEN
        held = msgspec.structs.replace(confirmed(asked, standing), flatten=True, position_contracts=Decimal(2))
        desk.on_ack(held)
        await asyncio.sleep(0)
        assert not flattening.done()
        flat = msgspec.structs.replace(held, position_contracts=Decimal(0), flat_ns=held.venue_confirmed_ns)
        desk.on_ack(flat)
        assert (await flattening)[-1] == flat

    asyncio.run(scenario())
