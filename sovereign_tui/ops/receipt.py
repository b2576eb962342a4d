"""What a receipt of a HALT does not prove. Pure."""

from __future__ import annotations

from schemas.messages import Receipt


def missing(receipt: Receipt, *, engine: str, waited_s: float, heard: bool) -> tuple[str, ...]:
    """What is not proved, one line each; empty if all that was asked for is done. `engine`: its process state."""
    if receipt.done:
        return ()
    return (_lack(receipt, engine, waited_s, heard=heard),)


def _lack(receipt: Receipt, engine: str, waited_s: float, *, heard: bool) -> str:
    if not heard:
        return (
            f"the engine ({engine}) has not answered within {waited_s:g} s; the HALT is repeated until it does, and "
            "an engine that starts will latch it; `sovereign panic` goes to the venue without it"
        )
    if receipt.latched_ns is None and receipt.port_closed_ns is None:
        return f"the engine has not latched within {waited_s:g} s; see `sovereign status`"
    if receipt.open_orders:
        return (
            f"the venue says that {receipt.open_orders} orders are open after {waited_s:g} s; "
            "the engine goes on, look at the venue yourself"
        )
    if not receipt.verified:
        return (
            f"the venue has not confirmed within {waited_s:g} s that nothing is open; "
            "the engine goes on asking, look at the venue yourself"
        )
    held = "an unknown position" if receipt.position_contracts is None else f"{receipt.position_contracts} contracts"
    return (
        f"{held} held after {waited_s:g} s; the engine goes on closing, `sovereign panic --flatten` does it without it"
    )
