from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.desk_counters import DeskCounters


def test_rejects_are_counted_by_the_rule_under_a_metrics_name() -> None:
    counters = DeskCounters()
    for rule in ("order_ttl", "venue 51008", "order_ttl", "Venue 51008", ""):
        counters.reject(rule)
    assert counters.rejects == 5
    assert counters.by_rule() == {"order_ttl": 2, "venue_51008": 2, "other": 1}


@given(st.lists(st.text(max_size=6), max_size=300))
def test_whatever_refuses_no_reject_is_lost_and_the_names_are_few(rules: list[str]) -> None:
    counters = DeskCounters()
    for rule in rules:
        counters.reject(rule)
    found = counters.by_rule()
    assert sum(found.values()) == counters.rejects == len(rules)
    assert len(found) <= 65
    assert all(name.replace("_", "").isalnum() and name.isascii() for name in found)
