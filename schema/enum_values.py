"""What every word of every enum means, for clients: by the name of the enum and of the value in GraphQL."""

from collections.abc import Mapping

from graphql import GraphQLEnumType, GraphQLSchema

from schema.enum_values_of_work import WORK

PLACES_AND_STOCK: Mapping[str, Mapping[str, str]] = {
    "Accuracy": {
        "LIVE": "Counted within the last five minutes.",
        "CACHED": "Counted within the last day.",
        "STALE": "Counted more than a day ago: ask the system that counts before relying on it.",
    },
    "BackorderPolicy": {
        "DENY": "Sold only from stock.",
        "CONTINUE": "Also sold ahead of incoming supply, up to the item's limit and horizon.",
    },
    "ChannelKind": {
        "STOREFRONT": "A web shop or app of one's own.",
        "MARKETPLACE": "Somebody else's shop that sells for us.",
        "POS": "A till in a store.",
        "B2B": "Orders of business customers.",
    },
    "LiveReason": {
        "NOT_CONNECTED": "No configured connector answers for it.",
        "NOT_KNOWN_THERE": "The system answered and does not know it.",
        "TOO_MANY": "The operation asks one system for more than 100 at once.",
        "UNAUTHORIZED": "The system refuses our credentials.",
        "RATE_LIMITED": "The system allows no more requests for now.",
        "UNREACHABLE": "The system gave no answer, or has a fault.",
        "BAD_PAYLOAD": "The system's answer is not understood.",
        "DEADLINE": "It did not answer in the time given.",
        "BREAKER_OPEN": "It keeps failing and is left alone for a while.",
        "BUSY": "Too many calls to it run and wait already.",
        "FAILED": "Something else; the log of the gateway says what.",
    },
    "LocationKind": {
        "WAREHOUSE": "A warehouse of one's own.",
        "STORE": "A store that also ships, or hands over to customers who collect.",
        "THIRD_PARTY_LOGISTICS": "A warehouse that somebody else runs for us.",
        "SUPPLIER": "A supplier who ships to the customer; its acknowledgement takes days of its own.",
    },
    "RevokedKind": {
        "TOKEN": "One token, by its id.",
        "ACTOR": "All tokens of an actor that were issued until then.",
    },
    "UnavailableReason": {
        "DAMAGED": "Broken or soiled.",
        "QUALITY_CONTROL": "Being checked.",
        "SET_ASIDE": "Kept for something other than an order.",
    },
    "Disposition": {
        "RESTOCKED": "Back on the shelf and for sale.",
        "NOT_RESTOCKED": "Kept, but not for sale.",
        "PROCESSING_REQUIRED": "To be looked at before anybody can say.",
        "MISSING": "Announced but not in the parcel.",
        "DAMAGED": "Arrived damaged.",
    },
    "PromiseBasis": {
        "ON_HAND": "Units on the shelf.",
        "INCOMING": "Units on their way to the location.",
        "PREORDER": "Units that ship on the day of the item's release.",
        "CARRIER_EDD": "The carrier's own estimate of a parcel on its way.",
    },
    "Confidence": {
        "HIGH": "Stock is there, or the carrier says so.",
        "MEDIUM": "One thing is not ours to decide: supply on its way, a supplier's word, or unknown holidays.",
        "LOW": "Several such things, or a release day that may move.",
    },
    "PromiseStep": {
        "ORDERED": "The order came in.",
        "HOLD_RELEASED": "What blocked the order ended, and only then work could start.",
        "SUPPLY_EXPECTED": "The units arrive and are put on the shelf.",
        "FULFILLMENT_DELAY": "The time during which an order can still be changed, before it is passed on.",
        "CUTOFF_MISSED": "It came after the location's cut-off, so work starts on the next open day.",
        "CLOSED_DAY": "A day on which the location or the carrier does not work.",
        "HOLIDAY": "A public holiday.",
        "SUPPLIER_LEAD": "Days until the supplier starts to work.",
        "HANDLING": "Picking and packing, in open days of the location.",
        "PREORDER_RELEASE": "The item may not ship before its release.",
        "TRANSIT": "The carrier's days on the way.",
        "BUFFER": "Days in reserve, from how late parcels on this way have been.",
        "PICKUP": "The customer collects, so nothing is carried.",
        "CARRIER_ESTIMATE": "The day the carrier expects.",
        "HOLIDAYS_UNKNOWN": "The holidays of a place are not known, so the days may be too early.",
    },
}

ORDERS: Mapping[str, Mapping[str, str]] = {
    "OrderStatus": {
        "PENDING": "Not accepted yet, usually because it is not paid.",
        "ON_HOLD": "All open units are held.",
        "CONFIRMED": "Accepted; nobody works on it yet.",
        "IN_PROGRESS": "Some units are being picked or packed; none has left.",
        "PARTIALLY_SHIPPED": "Some units have left, others will follow.",
        "SHIPPED": "Everything that was not cancelled has left.",
        "PARTIALLY_DELIVERED": "Some units have arrived, others are on their way or will follow.",
        "DELIVERED": "Everything that was not cancelled has arrived.",
        "COMPLETED": "Delivered, and nothing more is expected: the return window and the accounts are closed.",
        "CANCELLED": "Every unit is cancelled. Final.",
        "UNKNOWN": "The source says something we have no word for; `sourceStatus` has it.",
    },
    "OrderLineStatus": {
        "CREATED": "Ordered; no stock is set aside yet.",
        "PREORDERED": "Waits for the item's release.",
        "BACKORDERED": "Sold ahead of supply that has not arrived.",
        "ALLOCATED": "Stock of a location is set aside for it.",
        "ON_HOLD": "Held: goes back to the stage it was held from, or is cancelled.",
        "RELEASED": "A location works on it.",
        "PACKED": "Packed; ready to be handed over or collected.",
        "SHIPPED": "In the carrier's hands.",
        "DELIVERED": "With the customer.",
        "RETURN_REQUESTED": "The customer wants to send it back.",
        "RETURNED": "Came back. Final.",
        "LOST": "Lost on the way or after delivery; to be found, replaced or refunded.",
        "CANCELLED": "Will not be delivered. Final.",
    },
    "FinancialStatus": {
        "PENDING": "Nothing is paid or promised yet.",
        "AUTHORIZED": "The payment provider has promised the money; it is not collected yet.",
        "EXPIRED": "That promise ended before the money was collected.",
        "VOIDED": "That promise was given back.",
        "PARTIALLY_PAID": "Part of the total is paid.",
        "PAID": "The total is paid.",
        "OVERCHARGED": "More than the total is paid.",
        "PARTIALLY_REFUNDED": "Part of what was paid is given back.",
        "REFUNDED": "Everything that was paid is given back.",
    },
    "ReturnRollup": {
        "NO_RETURN": "Nothing comes back.",
        "RETURN_REQUESTED": "A return is asked for and not decided.",
        "IN_PROGRESS": "A return is allowed and on its way or being received.",
        "INSPECTION_COMPLETE": "What came back has been looked at; it is not settled.",
        "RETURNED": "All returns are settled.",
        "RETURN_FAILED": "All returns were declined, cancelled or never came.",
    },
    "Attention": {
        "PARTIAL_HOLD": "Some of the units are held, others go on.",
        "BACKORDER": "Units wait for supply.",
        "PREORDER_WAITING": "Units wait for a release.",
        "OVERSOLD": "A location has fewer units than are set aside there, some of them for this order.",
        "SPLIT_PENDING": "Some units have left and others will follow in another parcel.",
        "LATE_RISK": "The promise may break: not handed over by its day, or the carrier expects to be late.",
        "LATE": "The last promised day is over and not everything has arrived.",
        "STALE_TRACKING": "A parcel has had no scan for longer than its carrier usually needs.",
        "DELIVERY_EXCEPTION": "A parcel is lost, coming back, or cannot be delivered.",
        "RETURN_OPEN": "A return is not settled.",
        "SOURCE_CONFLICT": "Two systems say different things; `sources` has both.",
        "STALE_DATA": "A system that knows the order has not been heard of for too long.",
        "HANDOVER_BEFORE_ORDER": "The first scan is older than the order: a clock or a number is wrong.",
    },
    "HoldReason": {
        "AWAITING_PAYMENT": "The payment is not there yet.",
        "HIGH_RISK_OF_FRAUD": "Looks like fraud; somebody has to decide.",
        "INCORRECT_ADDRESS": "The address cannot be delivered to as it stands.",
        "INVENTORY_OUT_OF_STOCK": "The stock that was counted on is not there.",
        "UNKNOWN_DELIVERY_DATE": "Nobody can say when it could be delivered.",
        "AWAITING_RETURN_ITEMS": "An exchange waits for the goods that come back.",
        "POST_PURCHASE_EDIT": "The customer may still add to the order.",
        "CUSTOMER_REQUEST": "The customer asked to wait.",
        "MARGIN_RULE": "It would be sold below the margin that is allowed.",
        "COMPLIANCE": "Export, age or dangerous goods rules have to be checked.",
        "SUPPLIER_CONFIRMATION": "The supplier has not confirmed yet.",
        "OTHER": "Something else; the note may say what.",
    },
    "HoldOwner": {
        "MERCHANT": "The shop.",
        "NODE": "The location that works on the order.",
        "SUPPLIER": "The supplier.",
        "CARRIER": "The carrier.",
        "CUSTOMER": "The customer.",
        "PAYMENT": "The payment provider.",
    },
    "CancelReason": {
        "CUSTOMER": "The customer changed their mind.",
        "INVENTORY": "There is no stock and none will come in time.",
        "FRAUD": "It was fraud, or looked too much like it.",
        "PAYMENT_DECLINED": "The payment was refused.",
        "STAFF": "Somebody of the shop made a mistake or decided so.",
        "MARKETPLACE": "The marketplace cancelled it.",
        "SYSTEM": "A rule cancelled it, for example after a deadline.",
        "SELLER_REJECTED": "The seller refused the order.",
        "UNDELIVERABLE_ADDRESS": "Nobody delivers to the address.",
        "NODE_REJECTED": "No location would work on it.",
        "PREORDER_LAPSED": "The release did not come in time.",
        "OTHER": "Something else.",
    },
    "OrderSort": {
        "PLACED_NEWEST": "Ordered last comes first.",
        "PLACED_OLDEST": "Ordered first comes first.",
        "UPDATED_NEWEST": "Changed last comes first.",
        "UPDATED_OLDEST": "Changed longest ago comes first.",
    },
}

MEANINGS: Mapping[str, Mapping[str, str]] = {**PLACES_AND_STOCK, **ORDERS, **WORK}


def describe(schema: GraphQLSchema) -> None:
    """Give every value its description. Plain names, so that an enum may be declared wherever it belongs."""
    for name, meanings in MEANINGS.items():
        kind = schema.type_map.get(name)
        if isinstance(kind, GraphQLEnumType):
            for value, meaning in meanings.items():
                kind.values[value].description = meaning
