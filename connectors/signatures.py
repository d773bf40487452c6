"""How vendors sign webhooks, where more than one does it this way. Compared in constant time, with every secret."""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from connectors.base import Forged, Secret, WebhookRequest

WINDOW: Final = dt.timedelta(minutes=5)


def standard_webhook(request: WebhookRequest, secrets: Sequence[Secret]) -> tuple[str, dt.datetime]:
    """Id and time of sending of a delivery signed after Standard Webhooks 1.0; raises Forged.

    A secret is base64, with `whsec_` before it or not.
    """
    ident, stamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    if not ident or not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12):
        raise Forged("It has no id or no time of sending.")
    sent_at = dt.datetime.fromtimestamp(int(stamp), dt.UTC)
    if abs(request.received_at - sent_at) > WINDOW:
        raise Forged("It was sent too long ago, or is of the future. Is the clock of this machine right?")
    signed = f"{ident}.{stamp}.".encode() + request.body
    given = [word.removeprefix("v1,") for word in request.headers.get("webhook-signature", "").split()]
    known = [
        hmac.compare_digest(one.encode(), base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)))
        for secret in secrets
        for one in given[:8]
    ]
    if not any(known):
        raise Forged("Its signature is wrong.")
    return ident, sent_at


def hmac_base64(request: WebhookRequest, header: str, secrets: Sequence[Secret]) -> None:
    """Raises Forged unless `header` is the base64 HMAC-SHA256 of the body with one of the secrets, taken as text."""
    given = request.headers.get(header, "")
    expected = [base64.b64encode(hmac.digest(one.reveal().encode(), request.body, hashlib.sha256)) for one in secrets]
    known = [hmac.compare_digest(given.encode(), one) for one in expected]
    if not given or not any(known):
        raise Forged("Its signature is wrong, or missing.")


def _key(secret: Secret) -> bytes:
    text = secret.reveal().removeprefix("whsec_")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()
