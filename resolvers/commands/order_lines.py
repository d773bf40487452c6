"""The lines of an order as its owner tells them: made, changed, put in order; those no longer named are cancelled."""

import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any

from db.commands import orders
from db.pool import Connection
from domain.errors import SourceConflict
from resolvers.commands import fields
from resolvers.commands.fields import BadField, Body
from resolvers.commands.reached import facts_of, removed
from resolvers.commands.references import line_of
from resolvers.commands.settling import untold

MOST_LINES = 500
# Parcels that came to nothing carry nothing.
NOTHING = ("CANCELLED", "LOST", "RETURNED")


def line_facts(body: Body) -> dict[str, dict[str, Any]] | None:
    """The facts on lines by reference (the source's line id, else the SKU); None when the item names none."""
    given = body.get("lines")
    if given is None:
        return None
    if not 1 <= len(given) <= MOST_LINES:
        raise BadField(f"An order has 1 to {MOST_LINES} lines, not {len(given)}.", "lines")
    refs = [fields.word(line, "lineId" if line.get("lineId") is not None else "sku") for line in given]
    fields.no_twice(refs, "lines (give each a lineId)")
    return {ref: _fact(line, position) for position, (ref, line) in enumerate(zip(refs, given, strict=True), 1)}


def _fact(line: Body, position: int) -> dict[str, Any]:
    quantity, cancelled = fields.positive(line, "quantity"), fields.count(line, "cancelled")
    fields.at_most("cancelled", cancelled, quantity, "quantity")
    amounts = {name: fields.count(line, name) for name in ("unitPrice", "discount", "tax")}
    return {
        "position": position,
        "sku": fields.word(line, "sku"),
        "title": fields.text(line, "title") or "",
        "quantity": quantity,
        "cancelled": cancelled,
        "requiresShipping": line["requiresShipping"],
        **amounts,
        "total": fields.count(line, "total", quantity * amounts["unitPrice"] - amounts["discount"]),
    }


class LineInParcels(SourceConflict):
    """A line's new quantity is less than its parcels carry."""

    path = ("lines",)


def check_parcels(state: Mapping[str, Any], quantities: Mapping[uuid.UUID, int]) -> None:
    """Raises LineInParcels; parcels that came to nothing do not count, and those a fact tells of are cut instead."""
    dead = {one["id"] for one in state["shipments"] if one["status"] in NOTHING}
    carried: Counter[uuid.UUID] = Counter()
    for parcel in untold(state):
        if parcel["shipment_id"] not in dead:
            carried[uuid.UUID(parcel["line_id"])] += parcel["quantity"]
    for line_id, quantity in quantities.items():
        if carried[line_id] > quantity:
            sku = next(line["sku"] for line in state["lines"] if line["id"] == str(line_id))
            raise LineInParcels(
                f"{quantity} of {sku} is less than the {carried[line_id]} that are in parcels. "
                "Correct the parcels first, or send the quantity that went out."
            )


async def write_lines(
    connection: Connection, order_id: uuid.UUID, state: Mapping[str, Any], source: str
) -> tuple[bool, dict[uuid.UUID, int]]:
    """Whether anything of the lines but their stages changed, and the quantities they have now."""
    told = [fact for fact in facts_of(state, "LINE") if fact["source"] == source]
    header = next((fact for fact in facts_of(state, "ORDER") if fact["source"] == source), None)
    if header is None:
        return False, {}
    told.sort(key=lambda fact: (removed(fact, header), fact["body"]["position"], fact["ref"]))
    changed = await _drop_strangers(connection, state, {fact["ref"] for fact in told})
    known = {fact["ref"]: line_of(state["lines"], fact["ref"]) for fact in told}
    ids = {line_id for line_id in known.values() if line_id}
    others = [line["position"] for line in state["lines"] if uuid.UUID(line["id"]) not in ids]
    places = {uuid.UUID(line["id"]): line["position"] for line in state["lines"]}
    first = max(others, default=0) + 1
    if any(places.get(line_id) != place for place, line_id in enumerate(known.values(), first) if line_id):
        await orders.free_positions(connection, order_id)
        changed = True
    quantities = {}
    for place, fact in enumerate(told, first):
        body, line_id = fact["body"], known[fact["ref"]]
        if line_id is None:
            line_id = await orders.insert_line(connection, order_id, place, body["sku"], fact["ref"], body["quantity"])
            changed = True
        quantities[line_id] = body["quantity"]
        amounts = [body[name] for name in ("unitPrice", "discount", "tax", "total")]
        details = [place, body["title"], body["requiresShipping"], *amounts, body["sku"]]
        changed |= await orders.write_line_details(connection, line_id, *details)
    return changed, quantities


async def _drop_strangers(connection: Connection, state: Mapping[str, Any], refs: set[str]) -> bool:
    """Lines that only a lesser source told are gone, unless somebody works on them."""
    told = {fact["ref"] for fact in facts_of(state, "LINE")}
    used = {entry["line_id"] for name in ("work", "parcels", "back") for entry in state[name]}
    strangers = [
        line
        for line in state["lines"]
        if line["source_line_id"] in told - refs and line["sku"] not in refs and line["id"] not in used
    ]
    for line in strangers:
        await orders.drop_line(connection, uuid.UUID(line["id"]))
    state["lines"][:] = [line for line in state["lines"] if line not in strangers]
    return bool(strangers)
