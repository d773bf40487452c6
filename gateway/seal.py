"""Secrets at rest: encrypted with a key of the settings, readable with the one before it too."""

import base64
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

CONTEXT = b"ordergraph webhook secrets"


class Seal:
    """`keys` are texts of the settings, the one to encrypt with first."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.boxes = MultiFernet([Fernet(derived(key)) for key in keys])

    def close(self, secret: bytes) -> bytes:
        return self.boxes.encrypt(secret)

    def open(self, sealed: bytes) -> bytes:
        """ValueError when none of the keys closed it."""
        try:
            return self.boxes.decrypt(sealed)
        except InvalidToken:
            raise ValueError("closed with a key that is not known here") from None


def derived(key: str) -> bytes:
    """A key for this purpose only: whoever learns it cannot sign tokens."""
    return base64.urlsafe_b64encode(hashlib.sha256(CONTEXT + key.encode()).digest())
