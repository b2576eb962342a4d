from __future__ import annotations

import subprocess
import sys

from schemas.generate import differences


def test_the_committed_modules_match_their_schemas() -> None:
    assert differences() == []


def test_the_check_says_so_by_its_exit_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "schemas.generate", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
