"""How each kind of event that comes in is applied."""

from collections.abc import Mapping

from domain.precedence import Precedence
from events.inbox import Kind
from events.kinds import FULFILLMENT, ORDER, RETURN, STOCK_ADJUSTMENT, STOCK_LEVEL, SUPPLY, TRACKING
from resolvers.commands.record_fulfillment_events import RecordFulfillmentEvents
from resolvers.commands.record_incoming_supply import RecordIncomingSupply
from resolvers.commands.record_return_events import RecordReturnEvents
from resolvers.commands.record_tracking_events import RecordTrackingEvents
from resolvers.commands.stock_levels import AdjustStock, SetStockLevels
from resolvers.commands.upsert_orders import UpsertOrders


def kinds(precedence: Precedence) -> Mapping[str, Kind]:
    return {
        ORDER: UpsertOrders(precedence),
        TRACKING: RecordTrackingEvents(precedence),
        FULFILLMENT: RecordFulfillmentEvents(precedence),
        RETURN: RecordReturnEvents(precedence),
        STOCK_LEVEL: SetStockLevels(precedence),
        STOCK_ADJUSTMENT: AdjustStock(precedence),
        SUPPLY: RecordIncomingSupply(),
    }
