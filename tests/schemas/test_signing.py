"""The key of an instance, on a disk that takes nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from schemas.signing import ReceiptKeyError, Signer


def test_a_key_that_is_there_signs_also_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Signer.load_or_create(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("schemas.signing.write_whole", full)
    assert Signer.load_or_create(tmp_path).public == made.public
    (tmp_path / "receipts.pub").unlink()
    with pytest.raises(ReceiptKeyError, match=r"receipts\.pub: No space left on device; free the disk"):
        Signer.load_or_create(tmp_path)
