"""Signatures of Standard Webhooks 1, symmetric (`v1`): https://github.com/standard-webhooks/standard-webhooks."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

MARK: Final = "whsec_"
SECRET_BYTES: Final = 32


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """As its owner pastes it into a library."""
    return MARK + base64.b64encode(secret).decode()


def sign(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    content = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(secret, content, "sha256")).decode()


def headers(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """`timestamp` is of the attempt, in seconds since 1970. While a secret is replaced, both sign."""
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, message_id, timestamp, body) for secret in secrets),
    }
