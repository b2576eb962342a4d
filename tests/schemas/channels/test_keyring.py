from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.channels import Keyring, KeyringError

MAKE = """
import sys
from pathlib import Path
from schemas.channels import Keyring
keys = Keyring.load_or_create(Path(sys.argv[1]))
print(keys.server_secret.decode(), keys.client_secret.decode())
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "run" / "keys"


def test_keys_are_made_once_and_private(directory: Path) -> None:
    made = Keyring.load_or_create(directory)
    assert Keyring.load_or_create(directory) == made
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert [(p.name, stat.S_IMODE(p.stat().st_mode)) for p in directory.iterdir()] == [("curve.keys", 0o600)]


def test_processes_that_start_at_once_agree_on_the_keys(directory: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", MAKE, str(directory)], stdout=subprocess.PIPE, cwd=os.getcwd())
        for _ in range(4)
    ]
    answers = {process.communicate(timeout=60)[0] for process in started}
    assert [process.returncode for process in started] == [0] * 4
    assert len(answers) == 1
    assert [p.name for p in directory.iterdir()] == ["curve.keys"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(directory: Path, mode: int) -> None:
    Keyring.load_or_create(directory)
    path = directory / "curve.keys"
    path.chmod(mode)
    with pytest.raises(KeyringError) as caught:
        Keyring.load_or_create(directory)
    assert (caught.value.path, caught.value.mode, caught.value.mend) == (path, mode, f"chmod 600 {path}")


def test_a_directory_that_others_can_enter_is_refused(directory: Path) -> None:
    directory.mkdir(parents=True)
    directory.chmod(0o755)
    with pytest.raises(KeyringError) as caught:
        Keyring.load_or_create(directory)
    assert (caught.value.path, caught.value.mode) == (directory, 0o755)
    assert list(directory.iterdir()) == []


def test_a_file_that_is_no_keyring_is_refused_not_replaced(directory: Path) -> None:
    made = Keyring.load_or_create(directory)
    path = directory / "curve.keys"
    for content in (b"", b"nonsense", path.read_bytes().replace(made.client_secret, made.server_secret)):
        path.write_bytes(content)
        with pytest.raises(KeyringError, match="delete the file"):
            Keyring.load_or_create(directory)
        assert path.read_bytes() == content


def test_a_link_in_the_place_of_the_file_is_refused(directory: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    Keyring.load_or_create(elsewhere)
    directory.mkdir(parents=True, mode=0o700)
    (directory / "curve.keys").symlink_to(elsewhere / "curve.keys")
    with pytest.raises(KeyringError):
        Keyring.load_or_create(directory)


def test_secrets_are_not_shown() -> None:
    keys = Keyring.generate()
    assert keys.server_secret.decode() not in repr(keys)
    assert keys.client_secret.decode() not in repr(keys)
