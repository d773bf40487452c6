"""Objects of a small shop, in the shape of Shopify's Admin API 2026-10; connections are plain lists."""

from collections.abc import Mapping
from typing import Any


def money(minor: int) -> dict[str, Any]:
    return {"shopMoney": {"amount": f"{minor / 100:.2f}"}}


def gid(kind: str, number: int | str) -> str:
    return f"gid://shopify/{kind}/{number}"


def line(number: int, sku: str, quantity: int, price: int) -> dict[str, Any]:
    return {
        "id": gid("LineItem", number),
        "__typename": "LineItem",
        "sku": sku,
        "title": sku.title(),
        "quantity": quantity,
        "currentQuantity": quantity,
        "unfulfilledQuantity": quantity,
        "requiresShipping": True,
        "originalUnitPriceSet": money(price),
        "originalTotalSet": money(price * quantity),
        "discountAllocations": [],
        "taxLines": [{"priceSet": money(price * quantity // 10)}],
    }


def order(number: int, at: str, lines: list[dict[str, Any]], total: int, source: str) -> dict[str, Any]:
    return {
        "id": gid("Order", number),
        "__typename": "Order",
        "name": f"#{number}",
        "sourceName": source,
        "updatedAt": at,
        "createdAt": at,
        "processedAt": at,
        "closedAt": None,
        "cancelledAt": None,
        "cancelReason": None,
        "currencyCode": "EUR",
        "displayFulfillmentStatus": "UNFULFILLED",
        "displayFinancialStatus": "PAID",
        "risk": {"recommendation": "NONE"},
        "currentSubtotalPriceSet": money(total),
        "currentShippingPriceSet": money(0),
        "currentTotalTaxSet": money(total // 10),
        "currentTotalDiscountsSet": money(0),
        "currentTotalPriceSet": money(total),
        "totalReceivedSet": money(total),
        "totalCapturableSet": money(0),
        "totalRefundedSet": money(0),
        "customer": {
            "id": gid("Customer", 7),
            "displayName": "Ada Example",
            "defaultEmailAddress": {"emailAddress": "ada@example.com"},
            "defaultPhoneNumber": None,
        },
        "shippingAddress": {
            "name": "Ada Example",
            "address1": "1 Long Lane",
            "address2": None,
            "city": "Berlin",
            "provinceCode": None,
            "zip": "10115",
            "countryCodeV2": "DE",
        },
        "lineItems": lines,
        "fulfillmentOrders": [],
        "returns": [],
    }


def work(number: int, at: str, lines: list[dict[str, Any]], location: int, method: str) -> dict[str, Any]:
    return {
        "id": gid("FulfillmentOrder", number),
        "__typename": "FulfillmentOrder",
        "status": "OPEN",
        "requestStatus": "UNSUBMITTED",
        "updatedAt": at,
        "fulfillAt": at,
        "fulfillBy": None,
        "assignedLocation": {"location": {"id": gid("Location", location)}},
        "deliveryMethod": {"methodType": method},
        "lineItems": [
            {
                "id": gid("FulfillmentOrderLineItem", f"{number}{place}"),
                "__typename": "FulfillmentOrderLineItem",
                "totalQuantity": one["quantity"],
                "remainingQuantity": one["quantity"],
                "lineItem": {"id": one["id"]},
            }
            for place, one in enumerate(lines)
        ],
        "merchantRequests": [],
        "fulfillments": [],
    }


def fulfillment(number: int, at: str, tracking: str, company: str, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": gid("Fulfillment", number),
        "__typename": "Fulfillment",
        "status": "SUCCESS",
        "createdAt": at,
        "updatedAt": at,
        "deliveredAt": None,
        "estimatedDeliveryAt": None,
        "trackingInfo": [{"company": company, "number": tracking, "url": None}],
        "fulfillmentLineItems": [
            {"id": gid("FulfillmentLineItem", f"{number}{place}"), "quantity": count, "lineItem": {"id": ident}}
            for place, (ident, count) in enumerate(counts.items())
        ],
        "events": [],
    }


def event(number: int, at: str, status: str, city: str | None) -> dict[str, Any]:
    return {
        "id": gid("FulfillmentEvent", number),
        "status": status,
        "happenedAt": at,
        "message": None,
        "city": city,
        "province": None,
        "country": None,
        "estimatedDeliveryAt": None,
    }


def returned(number: int, sent: Mapping[str, Any]) -> dict[str, Any]:
    """A return of all that was sent of one line, of which one unit is back."""
    back = {"type": "RESTOCKED", "quantity": 1, "createdAt": "2026-11-23T08:00:00Z"}
    lines = [{"fulfillmentLineItem": {"id": sent["id"]}, "dispositions": [back]}]
    return {
        "id": gid("Return", number),
        "__typename": "Return",
        "name": f"#{number}-R1",
        "status": "OPEN",
        "createdAt": "2026-11-21T08:00:00Z",
        "requestApprovedAt": "2026-11-21T09:00:00Z",
        "closedAt": None,
        "returnLineItems": [
            {
                "id": gid("ReturnLineItem", number),
                "__typename": "ReturnLineItem",
                "quantity": sent["quantity"],
                "processedQuantity": 1,
                "returnReasonDefinition": {"handle": "size-too-small"},
                "fulfillmentLineItem": sent,
            }
        ],
        "reverseFulfillmentOrders": [{"lineItems": lines}],
    }
