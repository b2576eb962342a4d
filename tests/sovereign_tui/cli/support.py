"""Running `sovereign` as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from schemas.settings import Home
from sovereign_tui.ops import client
from tests.sovereign_tui.ops.support import environment

_ANSWER_S: Final = 5.0
ROOT: Final = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Run:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    """One user's shell: a home, free ports, variables."""

    def __init__(self, home: Home, **more: str) -> None:
        self.home = home
        self.variables = environment(home) | more

    def __call__(self, *arguments: str, timeout_s: float = 100, stdin: str = "", **more: str) -> Run:
        """`sovereign ...`; no traceback may ever reach a user."""
        done = self.python("-m", "sovereign_tui", *arguments, timeout_s=timeout_s, stdin=stdin, **more)
        assert "Traceback" not in done.err + done.out
        return done

    def status(self) -> dict[str, Any]:
        """What `sovereign status --json` says, without the half second that its process takes. Raises: OpsError."""
        return client.request_blocking(self.home, {"cmd": "status"}, _ANSWER_S)

    def environment(self, **more: str) -> dict[str, str]:
        """What the commands find around them."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("SOVEREIGN_")}
        return env | self.variables | more | {"PYTHONPATH": str(ROOT)}

    def python(self, *arguments: str, timeout_s: float = 100, stdin: str = "", **more: str) -> Run:
        """The interpreter that the commands run in."""
        env, argv = self.environment(**more), [sys.executable, "-P", *arguments]
        done = subprocess.run(
            argv, env=env, capture_output=True, text=True, timeout=timeout_s, input=stdin, check=False
        )
        return Run(done.returncode, done.stdout, done.stderr)
