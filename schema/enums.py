"""The domain's words as GraphQL enums. Unknown words of outside systems become UNKNOWN and keep their raw form."""

import enum

import strawberry

from domain.attention import Attention
from domain.live import LiveReason
from domain.promise import Basis, Confidence, Step
from domain.reasons import (
    BackorderPolicy,
    CancelReason,
    ChannelKind,
    Disposition,
    HoldOwner,
    HoldReason,
    IncidentOwner,
    LocationKind,
    NodeRejectionReason,
    ReturnReason,
    ReturnResolution,
    UnavailableReason,
)
from domain.status import (
    FinancialStatus,
    FulfillmentStatus,
    OrderLineStatus,
    OrderStatus,
    ReturnRollup,
    ReturnStatus,
    ShipmentStatus,
)
from domain.stock import Accuracy

DESCRIPTIONS: dict[type[enum.Enum], tuple[str, str]] = {
    LiveReason: ("LiveReason", "Why a live value is the stored one."),
    OrderStatus: ("OrderStatus", "Where an order stands, rolled up from the quantities of its lines."),
    OrderLineStatus: ("OrderLineStatus", "The stage in which units of a line are; every unit is in exactly one."),
    FulfillmentStatus: ("FulfillmentStatus", "Where a work order at one location stands."),
    ShipmentStatus: ("ShipmentStatus", "Where a parcel is, by the carrier's own time."),
    ReturnStatus: ("ReturnStatus", "Where one return stands."),
    ReturnRollup: ("ReturnRollup", "All returns of an order in one word."),
    FinancialStatus: ("FinancialStatus", "What has been paid and given back."),
    Attention: ("Attention", "What somebody should look at, independent of the status."),
    HoldReason: ("HoldReason", "Why work is held."),
    HoldOwner: ("HoldOwner", "Who must act before a hold can end."),
    CancelReason: ("CancelReason", "Why an order was cancelled."),
    NodeRejectionReason: ("NodeRejectionReason", "Why a location refused a work order."),
    IncidentOwner: ("IncidentOwner", "Who can put a problem with a parcel right."),
    ReturnReason: ("ReturnReason", "Why goods come back."),
    ReturnResolution: ("ReturnResolution", "How a return ended."),
    Disposition: ("Disposition", "What became of a returned unit."),
    UnavailableReason: ("UnavailableReason", "Why units on hand are not for sale."),
    LocationKind: ("LocationKind", "What kind of place stock is at."),
    ChannelKind: ("ChannelKind", "What kind of place orders come from."),
    BackorderPolicy: ("BackorderPolicy", "Whether an item is sold beyond what is there."),
    Accuracy: ("Accuracy", "How fresh the counts behind a figure are."),
    Basis: ("PromiseBasis", "Where the units of a promise come from."),
    Confidence: ("Confidence", "How sure a promise is."),
    Step: ("PromiseStep", "A step on the way to a promised day."),
}

for kind, (name, description) in DESCRIPTIONS.items():
    strawberry.enum(kind, name=name, description=description)


@strawberry.enum(description="The order of a list of orders.")
class OrderSort(enum.StrEnum):
    PLACED_NEWEST = "PLACED_NEWEST"
    PLACED_OLDEST = "PLACED_OLDEST"
    UPDATED_NEWEST = "UPDATED_NEWEST"
    UPDATED_OLDEST = "UPDATED_OLDEST"
