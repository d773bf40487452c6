"""Shopify's deliveries: genuine by their HMAC; each points to what is then read as it is now.

Shopify does not promise order, so what a delivery says of an order may be older than what we know; what is read is not.
"""

from typing import Final

from connectors.base import Delivery, Forged, Instance, WebhookRequest
from connectors.payload import Node, parsed
from connectors.signatures import hmac_base64

# Topics by where their body has the id of the order.
ORDER_IN: Final = {
    "orders": ("id",),
    "fulfillments": ("order_id",),
    "fulfillment_events": ("order_id",),
    "refunds": ("order_id",),
}


# The same of topics about fulfillment orders; the others of the family have a `fulfillment_order`.
WORK_IN: Final = {
    "fulfillment_orders/moved": "original_fulfillment_order",
    "fulfillment_orders/fulfillment_request_submitted": "submitted_fulfillment_order",
}
# These name no order. What they tell of also changes the order, which has topics of its own.
NAMELESS: Final = frozenset({"fulfillment_orders/merged", "orders/risk_assessment_changed"})


def verified(request: WebhookRequest, instance: Instance) -> Delivery:
    """The headers are not signed, and retries come for hours: so no age is refused, and the id stops replays."""
    hmac_base64(request, "x-shopify-hmac-sha256", instance.secrets.get("webhook_secret", ()))
    ident = request.headers.get("x-shopify-webhook-id", "")
    if not ident:
        raise Forged("It has no id.")
    parsed(request.body, "webhook")
    sent_at = Node(request.headers.get("x-shopify-triggered-at"), "x-shopify-triggered-at").maybe_instant()
    return Delivery(ident, request.headers.get("x-shopify-topic", "").lower(), sent_at)


def order_in(topic: str, body: Node) -> str | None:
    """The id of the order that a delivery is about, if its body has it."""
    family = topic.partition("/")[0]
    if topic in NAMELESS:
        return None
    if family == "orders" and topic == "orders/edited":
        return gid("Order", body["order_edit"]["order_id"])
    if family == "returns":
        return returned_order(body)
    if family not in ORDER_IN:
        return None
    found = body
    for name in ORDER_IN[family]:
        found = found[name]
    return gid("Order", found)


def returned_order(body: Node) -> str:
    order = body["order"] if body["order"] else body["return"]["order"]
    return order["admin_graphql_api_id"].text() if order["admin_graphql_api_id"] else gid("Order", order["id"])


def gid(kind: str, ident: Node) -> str:
    """Of a number, or as it is."""
    text = ident.id()
    if text.startswith(f"gid://shopify/{kind}/"):
        return text
    if not (text.isascii() and text.isdecimal()):
        raise ident.wrong(f"the number of a {kind}")
    return f"gid://shopify/{kind}/{text}"


def work_in(topic: str, body: Node) -> str | None:
    """The fulfillment order that a delivery of the family fulfillment_orders or fulfillment_holds is about."""
    return None if topic in NAMELESS else gid("FulfillmentOrder", body[WORK_IN.get(topic, "fulfillment_order")]["id"])
