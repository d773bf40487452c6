"""Whether a delivery is genuine, by Standard Webhooks; other ways of signing are in connectors/signatures.py."""

from connectors.base import Delivery, Instance, WebhookRequest
from connectors.payload import parsed
from connectors.signatures import standard_webhook


def verified(request: WebhookRequest, instance: Instance) -> Delivery:
    """Raises Forged, or BadPayload for a genuine body that is no event."""
    ident, sent_at = standard_webhook(request, instance.secrets.get("webhook_secret", ()))
    return Delivery(ident, parsed(request.body, "webhook")["type"].text(), sent_at)
