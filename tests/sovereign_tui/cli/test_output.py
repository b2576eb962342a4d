"""Where the output of a command goes: a full disk, a reader that has gone, a narrow pipe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sovereign_tui.cli.support import Shell

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="has no full device")
@pytest.mark.parametrize("command", ["status", "status --json", "blackbox verify", "blackbox ls", "config show"])
def test_a_full_disk_is_one_line_and_a_failure(sovereign: Shell, command: str) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "sovereign_tui", *command.split()], env=sovereign.environment(),
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No space left on device" in done.stderr
    assert "internal error" not in done.stderr


def test_what_was_not_checked_to_its_end_is_not_said_to_be_whole(sovereign: Shell) -> None:
    segment = sovereign.home.blackbox / "brain" / "01795270973189090417-18783-000000.bbx"
    segment.parent.mkdir(parents=True)
    segment.write_bytes(b"none")
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "sovereign_tui", "blackbox", "verify"], env=sovereign.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as verifying:  # fmt: skip
        assert verifying.stdout is not None
        assert verifying.stderr is not None
        verifying.stdout.close()
        said = verifying.stderr.read()
    assert (verifying.returncode, said) == (1, "sovereign: whoever read this has gone; not all files were checked\n")
