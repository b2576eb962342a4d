"""The scenarios of the fault table, as tests."""

from __future__ import annotations

import pytest

from engine.exchange.faults.catalogue import CATALOGUE
from tests.engine.execution.faults_scenarios import SCENARIOS
from tests.engine.execution.faults_table import SEEDS, strike_all


def test_every_fault_of_the_catalogue_has_a_scenario() -> None:
    assert set(SCENARIOS) == set(CATALOGUE)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_a_fault_loses_nothing_and_doubles_nothing(name: str) -> None:
    outcome = strike_all(name)
    assert outcome.problems == []
    assert outcome.injected >= len(SEEDS)
