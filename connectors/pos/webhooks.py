"""What a till sends: signed after Standard Webhooks, complete in itself. Nothing is asked back."""

from collections.abc import Sequence

from connectors.base import Delivery, Instance, WebhookRequest
from connectors.payload import parsed
from connectors.pos import mapping
from connectors.signatures import standard_webhook
from domain.records import Record


class Pos:
    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    def verify(self, request: WebhookRequest) -> Delivery:
        ident, sent_at = standard_webhook(request, self.instance.secrets.get("webhook_secret", ()))
        return Delivery(ident, parsed(request.body, "webhook")["type"].text(), sent_at)

    async def records_of(self, delivery: Delivery, body: bytes) -> Sequence[Record]:
        return mapping.records(parsed(body, "webhook"), self.instance)
