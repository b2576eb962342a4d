"""What the halts have come to: a receipt for each that was asked for, told to ops at every step, signed and kept."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.safety.liquidation import Flat
from schemas.blackbox import Direction, Tap
from schemas.clock import NS_PER_MS, Clock
from schemas.messages import Receipt, TelemetryKind
from schemas.process import Reporter
from schemas.receipts import keep
from schemas.signing import Signer

_KEEP_AGAIN_S: Final = 1.0
_encode = msgspec.json.Encoder(decimal_format="string").encode
CHANNEL: Final = "halt"
"""Of the notes in the blackbox: topic the halt's id, payload {"step": str, "asked": str, ...}."""


class ReceiptDesk:
    """The receipts of the halt that stands. `signer` None: there is no key, and a receipt says so.

    Every change goes to those that are not done yet; one that is done never changes any more, and is told signed.
    """

    def __init__(
        self, *, directory: Path, signer: Signer | None, reporter: Reporter, tap: Tap, clock: Clock
    ) -> None:  # fmt: skip
        self._directory, self._signer, self._reporter = directory, signer, reporter
        self._record, self._clock = tap.record, clock
        self._receipts: dict[str, Receipt] = {}
        self._keeping: set[asyncio.Task[None]] = set()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="receipts")

    def knows(self, asked: str) -> bool:
        """Was this very HALT heard of, since the last RESUME?"""
        return asked in self._receipts

    @property
    def open(self) -> list[Receipt]:
        """Those that are not done."""
        return [receipt for receipt in self._receipts.values() if not receipt.done]

    @property
    def wants_flat(self) -> bool:
        """Is one of them a FLATTEN, and the position not closed yet?"""
        return any(receipt.flatten for receipt in self.open)

    def begin(self, receipt: Receipt) -> None:
        """One more was asked for."""
        self._receipts[receipt.asked] = receipt
        self._tell(receipt, "asked", path=receipt.path, issuer=receipt.issuer, reason=receipt.reason)

    def say_again(self, asked: str, *, flatten: bool) -> None:
        """Its ack was lost, or somebody is impatient; or it is a flatten, and was known as a halt only."""
        receipt = self._receipts[asked]
        if flatten and not receipt.flatten:
            self.note_one(receipt, "flatten", flatten=True)
        else:
            self._tell(receipt, "asked again")

    def note(self, step: str, **fields: Any) -> None:
        """A step was taken; `fields` of Receipt."""
        for receipt in self.open:
            self._receipts[receipt.asked] = changed = msgspec.structs.replace(receipt, **fields)
            self._tell(changed, step, **fields)

    def canceling(self, orders: int, sent_ns: int) -> None:
        """See chase.Progress."""
        for receipt in self.open:
            self.note_one(receipt, "cancels sent", cancels_sent_ns=sent_ns, canceled=receipt.canceled + orders)

    def seen(self, open_orders: int) -> None:
        """See chase.Progress."""
        if any(receipt.open_orders != open_orders for receipt in self.open):
            self.note("venue asked", open_orders=open_orders)

    def problem(self, text: str) -> None:
        """Said once each, and kept, so that it can be read while the halt still goes on."""
        for receipt in self.open:
            if text not in receipt.problems:
                self._keep(self.note_one(receipt, "problem", problems=(*receipt.problems, text)))

    def solved(self, text: str) -> None:
        """A problem is over: also of those that are done."""
        for receipt in list(self._receipts.values()):
            if text in receipt.problems:
                left = tuple(problem for problem in receipt.problems if problem != text)
                self._keep(self.note_one(receipt, "solved", problems=left, latched_ns=self._clock.monotonic_ns()))

    def confirmed(self) -> None:
        """The venue says that nothing is open."""
        now_ns = self._clock.monotonic_ns()
        for receipt in self.open:
            if not receipt.verified:
                total_ms = (now_ns - receipt.requested_ns) / NS_PER_MS
                self._keep(
                    self.note_one(
                        receipt, "venue confirmed", venue_confirmed_ns=now_ns, verified=True, total_ms=total_ms
                    )
                )

    def position(self, found: Flat) -> None:
        """What a step of closing the position has come to."""
        now_ns = self._clock.monotonic_ns()
        for receipt in self.open:
            if not receipt.flatten:
                continue
            fields: dict[str, Any] = {"position_contracts": found.held}
            if found.sent_ns is not None:
                fields["close_sent_ns"] = found.sent_ns
            if found.problem and found.problem not in receipt.problems:
                fields["problems"] = (*receipt.problems, found.problem)
            if found.flat:
                fields |= {"flat_ns": now_ns, "total_ms": (now_ns - receipt.requested_ns) / NS_PER_MS}
            changed = self.note_one(receipt, "flat" if found.flat else "closing", **fields)
            if found.flat or "problems" in fields:
                self._keep(changed)

    def over(self) -> set[str]:
        """A RESUME: all of them are history. Returns the ids of all that were asked for."""
        ids = set(self._receipts) | {receipt.id for receipt in self._receipts.values()}
        self._receipts.clear()
        return ids

    def note_one(self, receipt: Receipt, step: str, **fields: Any) -> Receipt:
        """As `note`, of one receipt; returns it as it is now."""
        self._receipts[receipt.asked] = changed = msgspec.structs.replace(receipt, **fields)
        self._tell(changed, step, **fields)
        return changed

    def _tell(self, receipt: Receipt, step: str, **fields: Any) -> None:
        signed = self._signed(receipt) if receipt.done else receipt
        data = msgspec.to_builtins(signed, builtin_types=(Decimal,))
        self._reporter.send(TelemetryKind.HALT_ACK, data)
        note = {"step": step, "asked": receipt.asked, "mono_ns": self._clock.monotonic_ns(), **fields}
        self._record(Direction.NOTE, CHANNEL, receipt.id, _encode(note), vital=True)

    def _keep(self, receipt: Receipt) -> None:
        task = asyncio.create_task(self._keep_until_done(receipt))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _keep_until_done(self, receipt: Receipt) -> None:
        """As it is by then; a full disk is not full for ever."""
        loop, said = asyncio.get_running_loop(), False
        while True:
            receipt = self._receipts.get(receipt.asked, receipt)
            try:
                await loop.run_in_executor(self._disk, self._sign_and_write, receipt)
            except OSError as error:
                if not said:
                    said = True
                    text = f"receipt {receipt.id}: not kept ({error}); tried again every {_KEEP_AGAIN_S:g} s"
                    self._reporter.log("error", text)
                await asyncio.sleep(_KEEP_AGAIN_S)
            else:
                return

    def _sign_and_write(self, receipt: Receipt) -> None:
        keep(self._directory, self._signed(receipt))

    def _signed(self, receipt: Receipt) -> Receipt:
        return receipt if self._signer is None else self._signer.sign(receipt)
