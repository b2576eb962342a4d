"""What a HALT has come to: the engine's acknowledgements folded into a receipt. Pure."""

from __future__ import annotations

import msgspec

from schemas.clock import NS_PER_MS
from schemas.messages import HaltAckData, Receipt

HaltAck = HaltAckData


def merge(receipt: Receipt, ack: HaltAck) -> Receipt:
    """The receipt after one more acknowledgement; what it does not say stays known.

    A confirmation of the venue from before this HALT was asked for confirms nothing.
    """
    confirmed = ack.venue_confirmed_ns
    if confirmed is None or confirmed < receipt.requested_ns:
        confirmed = receipt.venue_confirmed_ns
    open_orders = receipt.open_orders if ack.open_orders is None else ack.open_orders
    verified = confirmed is not None and open_orders == 0
    return msgspec.structs.replace(
        receipt,
        id=ack.id,
        latched_ns=_known(ack.latched_ns, receipt.latched_ns),
        port_closed_ns=_known(ack.port_closed_ns, receipt.port_closed_ns),
        cancels_sent_ns=_known(ack.cancels_sent_ns, receipt.cancels_sent_ns),
        venue_confirmed_ns=confirmed,
        open_orders=open_orders,
        total_ms=(confirmed - receipt.requested_ns) / NS_PER_MS if verified and confirmed is not None else None,
        verified=verified,
        problems=ack.problems,
    )


def missing(receipt: Receipt, *, engine: str, waited_s: float, heard: bool) -> tuple[str, ...]:
    """What the receipt does not prove, one line each; empty if it is verified. `engine`: its process state."""
    if receipt.verified:
        return ()
    if not heard:
        text = (
            f"the engine ({engine}) has not answered within {waited_s:g} s; the HALT is repeated until it does, and "
            "an engine that starts will latch it"
        )
    elif receipt.latched_ns is None:
        text = f"the engine has not latched within {waited_s:g} s; see `sovereign status`"
    elif receipt.open_orders:
        text = (
            f"the venue says that {receipt.open_orders} orders are open after {waited_s:g} s; "
            "the engine goes on, look at the venue yourself"
        )
    else:
        text = (
            f"the venue has not confirmed within {waited_s:g} s that nothing is open; "
            "the engine goes on asking, look at the venue yourself"
        )
    return (text,)


def _known(new: int | None, old: int | None) -> int | None:
    return old if new is None else new
