"""Whether a delivery is EasyPost's. Version 2 of the signature covers time, method and path; version 1 the body only.

Both are HMAC-SHA256 in hex with the secret in Unicode form NFKD, written `hmac-sha256-hex=…`. Where version 2 is sent
it alone counts. Who takes it away to escape the time window still repeats an event, whose id gives it away.
"""

import datetime as dt
import hashlib
import hmac
import unicodedata
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Final

from connectors.base import Delivery, Forged, Secret, WebhookRequest
from connectors.payload import parsed

WINDOW: Final = dt.timedelta(minutes=5)


def verify(request: WebhookRequest, secrets: Sequence[Secret]) -> Delivery:
    """Raises Forged, or BadPayload for a genuine body that is no event."""
    second = request.headers.get("x-hmac-signature-v2")
    sent_at = _timestamp(request) if second is not None else None
    signature = second if second is not None else request.headers.get("x-hmac-signature")
    if signature is None:
        raise Forged("It has no signature. Is a secret set for the webhook at EasyPost?")
    signed = _signed(request) if second is not None else request.body
    if not any([_is(signature, secret, signed) for secret in secrets]):  # noqa: C419  # each is looked at, for even time
        raise Forged("Its signature is not EasyPost's.")
    told = parsed(request.body, "event")
    return Delivery(id=told["id"].text(), topic=told["description"].text(), sent_at=sent_at)


def _timestamp(request: WebhookRequest) -> dt.datetime:
    try:
        sent_at = parsedate_to_datetime(request.headers.get("x-timestamp", ""))
    except ValueError:
        raise Forged("It does not say when it was sent.") from None
    if sent_at.tzinfo is None:
        sent_at = sent_at.replace(tzinfo=dt.UTC)
    if abs(request.received_at - sent_at) > WINDOW:
        raise Forged("It was sent too long ago, or is of the future. Is the clock of this machine right?")
    return sent_at


def _signed(request: WebhookRequest) -> bytes:
    headers = request.headers
    return f"{headers['x-timestamp']}POST{headers.get('x-path', '')}".encode() + request.body


def _is(signature: str, secret: Secret, signed: bytes) -> bool:
    key = unicodedata.normalize("NFKD", secret.reveal()).encode()
    expected = "hmac-sha256-hex=" + hmac.new(key, signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature.encode(), expected.encode())
