"""Percentiles, targets and the table of the drills."""

from __future__ import annotations

import pytest

from tests.drill.table import Row, Table, Target, lines, percentile


@pytest.mark.parametrize(("percent", "wanted"), [(50, 3.0), (99, 5.0), (100, 5.0), (1, 1.0)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, wanted: float) -> None:
    assert percentile([5.0, 1.0, 4.0, 2.0, 3.0], percent) == wanted


def test_targets_are_of_the_99th_percentile_or_of_every_value() -> None:
    assert not Target(p99=10).missed([1.0] * 200 + [11.0, 12.0])
    assert Target(p99=10).missed([1.0] * 98 + [11.0, 12.0])
    death = Target(least=3_000, most=3_500)
    assert (death.missed([3_000, 3_500]), death.missed([2_999.9]), death.missed([3_500.1])) == (False, True, True)
    assert Target(p99=10).missed([])
    assert (str(death), str(Target(p99=20))) == ("3000..3500", "p99 <= 20")


def test_a_table_collects_steps_and_says_what_was_never_seen() -> None:
    table = Table()
    for ended_ns in (3_000_000, 5_000_000):
        table.add("halt", "latched", "idle", 1_000_000, ended_ns, Target(p99=10))
    table.add("halt", "zero", "idle", 1_000_000, None)
    assert table.rows == [
        Row("halt", "latched", "idle", [2.0, 4.0], target=Target(p99=10)), Row("halt", "zero", "idle", lacking=1)
    ]  # fmt: skip
    assert [row.verdict for row in table.rows] == ["ok", "MISSED"]
    assert table.missed
    _, first, second = lines(table.rows)
    assert first.split() == ["halt", "latched", "idle", "2", "2.00", "4.00", "4.00", "p99", "<=", "10", "ok"]
    assert second.split() == ["halt", "zero", "idle", "0", "-", "-", "-", "MISSED", "(1", "not", "seen)"]
