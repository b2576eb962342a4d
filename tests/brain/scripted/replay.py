"""Turns of a mind as the live brain takes them, and the same once more in another mind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from brain.mind import Mind
from brain.turns import NO_ORDER, NOT_SENT, SENT
from schemas import codec
from schemas.messages import Decision, OrderRequest
from schemas.settings import Settings


def turn_of(
    mind: Mind, mono_ns: int, wall_ns: int, reachable: bool, link_takes: bool
) -> tuple[Decision | None, OrderRequest | None]:
    """What brain.Brain does in a turn: the decision in full, and the order that went out."""
    thought = mind.turn(mono_ns, reachable=reachable)
    if thought is None:
        return None, None
    order, sent = None, NO_ORDER
    if thought.contracts is not None:
        order, sent = mind.order(thought, wall_ns), SENT if link_takes else NOT_SENT
    intent_id = order.intent_id if order is not None else ""
    told = mind.concluded(thought, mono_ns, wall_ns, sent=sent, intent_id=intent_id)
    decision = mind.explain(told or mind.told(thought, mono_ns, wall_ns, intent_id))
    return decision, order if sent == SENT else None


def replayed(log: Iterable[tuple[Any, ...]], settings: Settings, *, model: str = "") -> list[Decision]:
    """Another mind is told the same, and decides again."""
    mind, decisions = Mind(settings, prefix="i", model=model), []
    for kind, *said in log:
        if kind == "message":
            topic, payload = said
            try:
                mind.handlers[topic](memoryview(payload))
            except codec.Malformed:
                continue
        elif kind == "turn":
            decision, _ = turn_of(mind, *said)
            if decision is not None:
                decisions.append(decision)
        elif kind == "outcome":
            mind.on_outcome(*said)
        else:
            mind.on_model(*said)
    return decisions


def bytes_of(decision: Decision) -> bytes:
    """As it is told."""
    return msgspec.json.encode(msgspec.to_builtins(decision))
