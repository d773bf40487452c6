"""A second, naive implementation of the schema: graphql-core with plain Python over whole tables.

It knows nothing of the compiler, of SQL or of plans, so an expression that is wrong there is seen here.
"""

import datetime as dt
import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    get_named_type,
    graphql_sync,
    print_schema,
)

from domain.attention import Attention, Deadlines, flags_at
from domain.line import LineQuantities
from domain.reasons import IncidentOwner, IncidentReason
from domain.status import FulfillmentStatus, OrderLineStatus, OrderStatus, ReturnStatus, ShipmentStatus, next_statuses
from tests.resolvers.oracle_stock import STOCK
from tests.resolvers.world import Row, World

CURSORS = (("OrderEdge", "cursor"), ("TimelineEdge", "cursor"), ("PageInfo", "startCursor"), ("PageInfo", "endCursor"))
Resolver = Callable[[World, Any, Mapping[str, Any]], Any]


def without_cursors(schema: GraphQLSchema) -> GraphQLSchema:
    """What the oracle can answer: cursors are the engine's own business and are tested for what they do."""
    copy = build_schema(print_schema(schema))
    for type_name, field in CURSORS:
        type_: Any = copy.type_map[type_name]
        del type_.fields[field]
    return copy


def answer(schema: GraphQLSchema, world: World, text: str, variables: dict[str, Any]) -> ExecutionResult:
    def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        known = RESOLVERS.get(f"{info.parent_type.name}.{info.field_name}")
        return plain(known(world, source, arguments) if known else source[snake(info.field_name)])

    return graphql_sync(
        schema, text, variable_values=variables, field_resolver=resolve, type_resolver=lambda row, _, __: row["type"]
    )


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def amount(column: str) -> Resolver:
    def money(world: World, row: Row, _: Any) -> Row:
        currency = row["currency"] if "currency" in row else world.one("orders", id=row["order_id"])["currency"]
        return {"amount": row[column], "currency": currency}

    return money


def get(column: str) -> Resolver:
    return lambda _, row, __: row[column]


def one(table: str, key: str, column: str) -> Resolver:
    return lambda world, row, _: world.maybe(table, **{key: row[column]})


def many(table: str, key: str, *order: str) -> Resolver:
    return lambda world, row, _: sorted(world.all(table, **{key: row["id"]}), key=lambda r: tuple(r[o] for o in order))


def moves(kind: Any) -> Resolver:
    return lambda _, row, __: list(next_statuses(kind(row["status"])))


def passed(world: World, moment: dt.datetime | None) -> bool:
    return moment is not None and moment <= world.now


def quantities(line: Row) -> LineQuantities:
    return LineQuantities(**{status.value.lower(): line[status.value.lower()] for status in OrderLineStatus})


def headline(_: World, line: Row, __: Any) -> str:
    found = quantities(line).headline
    assert found is not None
    return found.value


def attention(world: World, order: Row, _: Any) -> list[str]:
    due = Deadlines(order["late_at"], order["at_risk_at"], order["stale_at"])
    return [flag.value for flag in flags_at(map(Attention, order["attention"]), due, world.now)]


def estimate(world: World, order: Row, _: Any) -> Any:
    over = {"DELIVERED", "RETURNED", "LOST", "CANCELLED"}
    parcels = [row for row in world.all("shipments", order_id=order["id"]) if row["status"] not in over]
    return max((row["estimated_delivery_at"] for row in parcels if row["estimated_delivery_at"]), default=None)


def present(*columns: str) -> Resolver:
    return lambda _, row, __: row if any(row[column] is not None for column in columns) else None


def promise(kind: str, *, line: bool) -> Resolver:
    def find(world: World, row: Row, _: Any) -> Row | None:
        order_id, line_id = (row["order_id"], row["id"]) if line else (row["id"], None)
        return world.maybe("promises", order_id=order_id, line_id=line_id, kind=kind)

    return find


def conflicts(world: World, claim: Row, _: Any) -> bool:
    winner = world.maybe("source_claims", order_id=claim["order_id"], field=claim["field"], wins=True)
    return winner is not None and winner["value"] != claim["value"]


def owner(_: World, event: Row, __: Any) -> str | None:
    if event["reason"] not in set(IncidentReason):
        return None
    return IncidentOwner(event["reason"].split("_")[0]).value


def holds(world: World, order: Row, given: Mapping[str, Any]) -> list[Row]:
    found = sorted(world.all("holds", order_id=order["id"]), key=lambda hold: (hold["placed_at"], hold["id"]))
    return [hold for hold in found if hold["released_at"] is None or not given["activeOnly"]]


def overdue(world: World, hold: Row, _: Any) -> bool:
    return hold["released_at"] is None and passed(world, hold["expected_release_at"])


def sources(world: World, order: Row, _: Any) -> list[Row]:
    claims = world.all("source_claims", order_id=order["id"])
    return sorted(claims, key=lambda claim: (claim["field"], not claim["wins"], claim["system"]))


def timeline(world: World, order: Row, given: Mapping[str, Any]) -> Row:
    rows = sorted(world.all("journal", order_id=order["id"]), key=lambda row: (row["occurred_at"], row["id"]))
    return page(rows, given)


def page(rows: list[Row], given: Mapping[str, Any]) -> Row:
    assert not given.get("after"), "the oracle knows no cursors"
    shown = rows[: given["first"]]
    return {
        "nodes": shown,
        "edges": [{"node": row} for row in shown],
        "total_count": len(rows),
        "page_info": {"has_next_page": len(rows) > len(shown), "has_previous_page": False},
    }


def orders(world: World, _: Any, given: Mapping[str, Any]) -> Row:
    column = "placed_at" if given["orderBy"].startswith("PLACED") else "updated_at"
    newest = given["orderBy"].endswith("NEWEST")
    wanted = {name: value for name, value in (given.get("filter") or {}).items() if value is not None}
    found = [row for row in world.tables["orders"] if all(FILTERS[n](world, row, v) for n, v in wanted.items())]
    return page(sorted(found, key=lambda row: (row[column], row["id"]), reverse=newest), given)


def email(row: Row) -> Any:
    return (row["customer_email"] or "").lower()


FILTERS: dict[str, Callable[[World, Row, Any], bool]] = {
    "status": lambda _, row, value: row["status"] in value,
    "attention": lambda world, row, value: bool(set(value) & set(attention(world, row, None))),
    "channel": lambda world, row, value: world.one("channels", id=row["channel_id"])["code"] in value,
    "placedFrom": lambda _, row, value: row["placed_at"] >= dt.datetime.fromisoformat(value),
    "placedUntil": lambda _, row, value: row["placed_at"] < dt.datetime.fromisoformat(value),
    "updatedFrom": lambda _, row, value: row["updated_at"] >= dt.datetime.fromisoformat(value),
    "customerId": lambda _, row, value: row["customer_id"] == value.strip(),
    "customerEmail": lambda _, row, value: email(row) == value.strip().lower(),
    "sku": lambda world, row, value: bool(world.all("order_lines", order_id=row["id"], sku=value.strip())),
    "trackingNumber": lambda world, row, value: bool(
        world.all("shipments", order_id=row["id"], tracking_number=value.strip())
    ),
    "location": lambda world, row, value: any(
        work["location_id"] and world.one("locations", id=work["location_id"])["code"] == value.strip()
        for work in world.all("fulfillments", order_id=row["id"])
    ),
    "search": lambda world, row, value: (
        row["number"] == value.strip()
        or email(row) == value.strip().lower()
        or bool(world.all("shipments", order_id=row["id"], tracking_number=value.strip()))
    ),
}


def order(world: World, _: Any, given: Mapping[str, Any]) -> Row | None:
    if given.get("id") is not None:
        return world.by_id("orders", given["id"])
    channel = world.maybe("channels", code=given["channel"])
    return world.maybe("orders", number=given["number"], channel_id=channel["id"]) if channel else None


def shipment(world: World, _: Any, given: Mapping[str, Any]) -> Row | None:
    if given.get("id") is not None:
        return world.by_id("shipments", given["id"])
    found = world.all("shipments", tracking_number=given["trackingNumber"])
    return max(found, key=lambda row: (row["created_at"], -row["id"].int), default=None)


def location(world: World, _: Any, given: Mapping[str, Any]) -> Row | None:
    by_id = given.get("id") is not None
    return world.by_id("locations", given["id"]) if by_id else world.maybe("locations", code=given["code"])


def node(world: World, _: Any, given: Mapping[str, Any]) -> Row | None:
    types = {"orders": "Order", "shipments": "Shipment", "items": "Item", "locations": "Location"}
    for table, name in types.items():
        if row := world.by_id(table, given["id"]):
            return {**row, "type": name}
    return None


def stored(row: Row, fetched_at: Any, **more: Any) -> Row:
    """What a live field says where nothing is connected."""
    found = {"source": row["source"], "fetched_at": fetched_at, "stale": True, "latency_ms": None}
    return {**found, "reason": "NOT_CONNECTED", **more}


def shipment_live(_: World, row: Row, __: Any) -> Row:
    unsaid = dict.fromkeys(("raw_code", "raw_text", "city", "country"))
    kept = {name: row[name] for name in ("status", "last_event_at", "estimated_delivery_at")}
    return stored(row, row["updated_at"], **unsaid, **kept)


def stock_live(_: World, row: Row, __: Any) -> Row:
    return stored(row, row["updated_at"], on_hand=row["on_hand"], counted_at=row["counted_at"])


def fulfillment_live(_: World, row: Row, __: Any) -> Row:
    return stored(row, row["updated_at"], service=None, earliest=None, latest=None)


def order_live(_: World, row: Row, __: Any) -> Row:
    kept = {"status": row["status"], "source_status": row["source_status"], "changed_at": row["updated_at"]}
    return stored(row, row["source_observed_at"] or row["updated_at"], **kept)


RESOLVERS: dict[str, Resolver] = {
    "Shipment.live": shipment_live,
    "StockLevel.live": stock_live,
    "Order.live": order_live,
    "Fulfillment.live": fulfillment_live,
    **STOCK,
    "Query.order": order,
    "Query.orders": orders,
    "Query.shipment": shipment,
    "Query.location": location,
    "Query.node": node,
    "Query.nodes": lambda world, _, given: [node(world, None, {"id": each}) for each in given["ids"]],
    "Order.channel": one("channels", "id", "channel_id"),
    "Order.nextStatuses": moves(OrderStatus),
    "Order.attention": attention,
    "Order.sourceStatus": present("source_status"),
    "SourceStatus.system": get("source"),
    "SourceStatus.value": get("source_status"),
    "SourceStatus.observedAt": get("source_observed_at"),
    "Order.payment": lambda _, row, __: row,
    "Payment.status": get("financial_status"),
    "Order.customer": present("customer_id", "customer_email", "customer_name"),
    "Order.shippingAddress": present("ship_line1", "ship_city", "ship_postal_code", "ship_country"),
    **{f"Customer.{name}": get(f"customer_{name}") for name in ("id", "name", "email", "phone")},
    **{f"Address.{name}": get(f"ship_{name}") for name in ("name", "line1", "line2", "city", "region", "country")},
    "Address.postalCode": get("ship_postal_code"),
    **{f"Payment.{name}": amount(f"{name}_amount") for name in ("authorized", "captured", "refunded")},
    **{f"Order.{name}Total": amount(f"{name}_amount") for name in ("shipping", "tax", "discount")},
    **{f"Order.{name}": amount(f"{name}_amount") for name in ("subtotal", "total")},
    **{f"OrderLine.{name}": amount(f"{name}_amount") for name in ("discount", "tax", "total")},
    "OrderLine.unitPrice": amount("unit_price_amount"),
    "Order.promise": lambda _, row, __: row,
    "OrderPromise.original": promise("ORIGINAL", line=False),
    "OrderPromise.current": promise("CURRENT", line=False),
    "OrderPromise.carrierEstimate": estimate,
    "OrderLine.originalPromise": promise("ORIGINAL", line=True),
    "OrderLine.currentPromise": promise("CURRENT", line=True),
    "PromiseDates.inputs": lambda _, row, __: json.loads(row["inputs"]),
    "Order.lines": many("order_lines", "order_id", "position"),
    "Order.fulfillments": many("fulfillments", "order_id", "created_at", "id"),
    "Order.shipments": many("shipments", "order_id", "created_at", "id"),
    "Order.holds": holds,
    "Order.requests": many("connector_commands", "order_id", "created_at", "id"),
    "Request.connector": get("instance"),
    "Order.returns": many("returns", "order_id", "requested_at", "id"),
    "Order.sources": sources,
    "Order.timeline": timeline,
    "TimelineEntry.id": get("event_id"),
    "TimelineEntry.data": lambda _, row, __: json.loads(row["data"]),
    "SourceClaim.conflicts": conflicts,
    "OrderLine.status": headline,
    "OrderLine.statusBreakdown": lambda _, line, __: [
        {"status": status.value, "quantity": units} for status, units in quantities(line).breakdown()
    ],
    "OrderLine.item": one("items", "id", "item_id"),
    "OrderLine.allocations": many("allocations", "line_id", "allocated_at", "id"),
    "Allocation.location": one("locations", "id", "location_id"),
    "Fulfillment.nextStatuses": moves(FulfillmentStatus),
    "Fulfillment.location": one("locations", "id", "location_id"),
    "Fulfillment.replaces": one("fulfillments", "id", "replaces_id"),
    "Fulfillment.lines": many("fulfillment_lines", "fulfillment_id", "line_id"),
    "Fulfillment.shipments": many("shipments", "fulfillment_id", "created_at", "id"),
    "FulfillmentLine.line": one("order_lines", "id", "line_id"),
    "Shipment.nextStatuses": moves(ShipmentStatus),
    "Shipment.stale": lambda world, row, _: passed(world, row["stale_at"]),
    "Shipment.carrier": one("carriers", "code", "carrier"),
    "Shipment.lines": many("shipment_lines", "shipment_id", "line_id"),
    "Shipment.order": one("orders", "id", "order_id"),
    "Shipment.events": lambda world, row, _: sorted(
        world.all("tracking_events", shipment_id=row["id"]), key=lambda e: (-e["occurred_at"].timestamp(), e["id"])
    ),
    "ShipmentLine.line": one("order_lines", "id", "line_id"),
    "TrackingEvent.reasonOwner": owner,
    "Hold.active": lambda _, hold, __: hold["released_at"] is None,
    "Hold.overdue": overdue,
    "Hold.line": one("order_lines", "id", "line_id"),
    "Return.nextStatuses": moves(ReturnStatus),
    "Return.lines": many("return_lines", "return_id", "line_id"),
    "ReturnLine.line": one("order_lines", "id", "line_id"),
    "Location.cutoffs": many("location_cutoffs", "location_id", "weekday"),
    "Location.closures": many("location_closures", "location_id", "day"),
}


def everything(type_: Any, depth: int, without: frozenset[str] = frozenset()) -> str:
    """A selection of every field of a type, `depth` objects deep; it does not walk back to where it came from."""
    named = get_named_type(type_)
    if not isinstance(named, GraphQLObjectType):
        return ""
    parts = []
    for name, field in named.fields.items():
        inner = get_named_type(field.type)
        if not isinstance(inner, GraphQLObjectType):
            parts.append(name)
        elif depth > 1 and inner.name not in without:
            parts.append(name + everything(inner, depth - 1, without | {named.name}))
    return "{" + " ".join(parts) + "}"
