"""Cursors: a position in the event log that any process understands and nobody can forge.

The text is base64url of `epoch.position.scope` and a digest. Another epoch or scope than expected means that the
position says nothing here: the client is told to reset.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

from domain.errors import BadInput

DIGEST_BYTES = 12


@dataclass(frozen=True, slots=True)
class Cursor:
    """`epoch` changes when the log lost its tail; `scope` names whose view the position was read in."""

    epoch: str
    position: int
    scope: str


class Signer:
    """Writes and reads cursors with the gateway's secret."""

    def __init__(self, secret: bytes) -> None:
        self.key = hashlib.sha256(b"ordergraph cursor" + secret).digest()
        # Between two changes every answer to the same kind of caller carries the same cursor.
        self.text = lru_cache(maxsize=4096)(self.write)

    def write(self, cursor: Cursor) -> str:
        content = f"{cursor.epoch}.{cursor.position}.{cursor.scope}".encode()
        return base64.urlsafe_b64encode(self.digest(content) + content).decode().rstrip("=")

    def digest(self, content: bytes) -> bytes:
        return hmac.digest(self.key, content, "sha256")[:DIGEST_BYTES]

    def read(self, text: str) -> Cursor:
        """Raises BadInput for what this gateway did not write."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            digest, content = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
            if hmac.compare_digest(digest, self.digest(content)):
                epoch, position, scope = content.decode().split(".", 2)
                return Cursor(epoch, int(position), scope)
        except (ValueError, binascii.Error):
            pass
        raise BadInput("This cursor was not written by this gateway. Query again and use the cursor it returns.")
