"""The catalogue: nothing in it without a test, nothing in it that --help does not say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.exchange.faults.catalogue import CATALOGUE, COMMON, help_text
from engine.exchange.faults.switchboard import PARAMETERS, Fault


def test_every_fault_has_a_test_of_its_name() -> None:
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    tests = re.findall(r"^def test_(\w+)\(", sources, re.M)
    assert {name for name in CATALOGUE if not any(test.startswith(f"{name}_") for test in tests)} == set()


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_fault_gets_the_defaults_of_the_catalogue_and_is_shown_as_it_can_be_armed_again(name: str) -> None:
    fault = Fault(name=name)
    parameters = CATALOGUE[name].parameters
    assert {field: getattr(fault, field) for field in parameters} == {f: p.default for f, p in parameters.items()}
    assert Fault(**fault.view()) == fault
    line = next(line for line in help_text().splitlines() if line.startswith(f"  {name}: "))
    assert all(f"{field}=" in line for field in parameters)


def test_the_parameters_of_a_fault_are_those_of_the_catalogue() -> None:
    assert {field for entry in CATALOGUE.values() for field in entry.parameters} == set(PARAMETERS)
    assert not set(PARAMETERS) & set(COMMON)
