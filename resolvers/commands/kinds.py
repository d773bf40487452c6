"""The kinds of events that come in, by the name under which the inbox keeps them."""

from collections.abc import Mapping, Sequence
from typing import Final

from events.inbox import Kind
from resolvers.commands.record_fulfillment_events import RecordFulfillmentEvents
from resolvers.commands.record_incoming_supply import RecordIncomingSupply
from resolvers.commands.record_return_events import RecordReturnEvents
from resolvers.commands.record_tracking_events import RecordTrackingEvents
from resolvers.commands.stock_levels import AdjustStock, SetStockLevels
from resolvers.commands.upsert_orders import UpsertOrders

ORDER: Final = "ORDER"
TRACKING: Final = "TRACKING"
FULFILLMENT: Final = "FULFILLMENT"
RETURN: Final = "RETURN"
STOCK_LEVEL: Final = "STOCK_LEVEL"
STOCK_ADJUSTMENT: Final = "STOCK_ADJUSTMENT"
SUPPLY: Final = "SUPPLY"


def kinds(precedence: Sequence[str] = ()) -> Mapping[str, Kind]:
    """`precedence` ranks sources that disagree about an order, best first."""
    return {
        ORDER: UpsertOrders(precedence),
        TRACKING: RecordTrackingEvents(precedence),
        FULFILLMENT: RecordFulfillmentEvents(precedence),
        RETURN: RecordReturnEvents(precedence),
        STOCK_LEVEL: SetStockLevels(),
        STOCK_ADJUSTMENT: AdjustStock(),
        SUPPLY: RecordIncomingSupply(),
    }
