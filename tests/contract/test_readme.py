"""What the README tells people to type exists and answers."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from engine.risk.gate import default_gate
from engine.risk.rules.base import Limit
from schemas.settings.risk import Risk

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.S)
LINES = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]
INLINE = [found for found in re.findall(r"`((?:sovereign|make) [^`]*)`", README) if "/" not in found]


@pytest.mark.parametrize("line", sorted({line for line in [*LINES, *INLINE] if line.startswith("sovereign ")}))
def test_a_command_of_the_readme_exists_with_its_options(line: str) -> None:
    words = shlex.split(line)[1:]
    options = [word for word in words if word.startswith("--")]
    command = [word for word in words if re.fullmatch(r"[a-z]+", word)]
    names = command[:2] if command[0] in {"config", "blackbox", "keys"} else command[:1]
    done = subprocess.run(
        [sys.executable, "-m", "sovereign_tui", *names, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    for option in options:
        assert option == "--help" or option in plain, f"{line}: {option} is not an option of {' '.join(names)}"


@pytest.mark.parametrize("line", sorted({line for line in [*LINES, *INLINE] if line.startswith("make ")}))
def test_a_make_target_of_the_readme_exists(line: str) -> None:
    target = line.split()[1]
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_readme_names_each_rule_of_the_gate_with_its_code() -> None:
    named: dict[str, str] = {}
    for names, code in re.findall(r"([a-z_, ]+) \(`([A-Z_]+)`\)", README):
        named |= dict.fromkeys(filter(None, re.split(r"[, ]+", names)), code)
    rules = [rule for rule in default_gate(Risk(), brain_timeout_s=3).rules if isinstance(rule, Limit)]
    assert {rule.name: named.get(rule.name) for rule in rules} == {rule.name: rule.code.value for rule in rules}
    assert f"passes {len(rules)} rules" in README


def test_every_file_that_the_readme_links_to_is_there() -> None:
    linked = re.findall(r"\]\((?!https?:)([^)]+)\)", README)
    assert linked
    for name in linked:
        assert (ROOT / name).exists(), name


def test_the_readme_starts_with_a_picture_that_the_program_exported() -> None:
    picture = README[README.index("(") + 1 : README.index(")")]
    svg = (ROOT / picture).read_text()
    assert README.startswith("![")
    assert "BTC-USDT-SWAP" in svg
    assert "ACTIVE" in svg


def test_the_repository_names_no_registry_and_no_path_of_a_machine() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    host = re.compile(r"files\.pythonhosted|(?<!\w)pypi" + r"\.org|registry\.npmjs|deb\.debian")
    for name in files:
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            assert not host.search(content.decode()), name
