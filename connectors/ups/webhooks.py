"""UPS signs nothing: it shows the credential that was set for its alerts, and that is all there is to check.

Alerts have no id and no time of sending, so the same body twice is the same delivery.
"""

import hashlib
import hmac
from collections.abc import Sequence

from connectors.base import Delivery, Forged, Secret, WebhookRequest
from connectors.payload import parsed


def verify(request: WebhookRequest, secrets: Sequence[Secret]) -> Delivery:
    """Raises Forged, or BadPayload for a body that is no alert."""
    shown = request.headers.get("authorization", "")
    scheme, _, credential = shown.partition(" ")
    given = credential.strip() if scheme.lower() in ("bearer", "basic") else shown
    known = [hmac.compare_digest(given.encode(), secret.reveal().encode()) for secret in secrets]
    if not given or not any(known):
        raise Forged("It does not show the credential that UPS was given.")
    told = parsed(request.body, "alert")
    return Delivery(id=hashlib.sha256(request.body).hexdigest(), topic=told["activityStatus"]["type"].text())
