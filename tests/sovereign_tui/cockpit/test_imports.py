from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("package", "never"),
    [
        ("sovereign_tui.cockpit", ["engine", "brain", "ccxt"]),
        ("sovereign_tui.replay", ["engine", "brain", "ccxt", "textual", "rich", "zmq"]),
    ],
)
def test_no_module_of_it_loads_what_is_not_of_a_screen(package: str, never: list[str]) -> None:
    code = (
        "import importlib, pkgutil, sys\n"
        f"root = importlib.import_module({package!r})\n"
        "found = [each.name for each in pkgutil.walk_packages(root.__path__, root.__name__ + '.')]\n"
        "[importlib.import_module(name) for name in found]\n"
        f"print(len(found) > 5, sorted({{name.split('.')[0] for name in sys.modules}} & set({never!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("True []\n", "")
