"""Receipts that can be shown to others: signed with the key of this instance.

What is signed is the receipt's JSON object without `signature`, its keys sorted, no space between; Ed25519, both in
hexadecimal. `key` is the public key: compare it with `<keys>/receipts.pub` of the instance.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.messages import Receipt
from schemas.receipts import fields_of
from schemas.whole_file import write_whole

_SECRET: Final = "receipts.key"
_PUBLIC: Final = "receipts.pub"
_SIZE: Final = 32


class ReceiptKeyError(Exception):
    """The key cannot be used; the message names the file and the mend."""


class Signer:
    """The key of one instance."""

    def __init__(self, secret: Ed25519PrivateKey) -> None:
        self._secret = secret
        self.public = secret.public_key().public_bytes_raw().hex()

    @classmethod
    def load_or_create(cls, directory: Path) -> Signer:
        """The key in `directory` (0700), made on first use. Raises: ReceiptKeyError."""
        path = directory / _SECRET
        try:
            if not path.exists():
                _make(path)
            content = path.read_bytes()
        except OSError as error:
            raise ReceiptKeyError(f"{path}: {error.strerror}; make it readable, or delete it for a new one") from None
        if len(content) != _SIZE:
            raise ReceiptKeyError(f"{path}: {len(content)} bytes, not {_SIZE}; delete it for a new one")
        signer = cls(Ed25519PrivateKey.from_private_bytes(content))
        try:
            if public_key(directory) != signer.public:  # a full disk takes no new one, and none is needed
                write_whole(directory / _PUBLIC, f"{signer.public}\n".encode(), mode=0o644)
        except OSError as error:
            raise ReceiptKeyError(f"{directory / _PUBLIC}: {error.strerror}; free the disk") from None
        return signer

    def sign(self, receipt: Receipt) -> Receipt:
        """The receipt with `key` and `signature`."""
        receipt = msgspec.structs.replace(receipt, key=self.public, signature="")
        return msgspec.structs.replace(receipt, signature=self._secret.sign(_signed(fields_of(receipt))).hex())


def _make(path: Path) -> None:
    """A new key. Of two processes that make one at once the first wins."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    write_whole(scratch, Ed25519PrivateKey.generate().private_bytes_raw(), durable=True)
    try:
        os.link(scratch, path)
    except FileExistsError:
        pass  # the other one's key is the key
    finally:
        scratch.unlink(missing_ok=True)


def verify(fields: dict[str, Any], public: str) -> str:
    """Why a receipt is not that of the instance with this public key (hexadecimal); "" when it is."""
    signature, key = fields.get("signature"), fields.get("key")
    if not signature or not isinstance(signature, str):
        return "not signed"
    if key != public:
        return f"signed with another key ({str(key)[:16]})"
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), _signed(fields))
    except (ValueError, InvalidSignature):
        return "it does not match: the receipt was changed, or is damaged"
    return ""


def public_key(directory: Path) -> str:
    """The instance's public key, hexadecimal; "" when there is none."""
    try:
        return (directory / _PUBLIC).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _signed(fields: dict[str, Any]) -> bytes:
    bare = {name: value for name, value in fields.items() if name != "signature"}
    return json.dumps(bare, sort_keys=True, separators=(",", ":")).encode()
