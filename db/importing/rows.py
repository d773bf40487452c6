"""A draft and what follows from it as rows of the store's tables. Ids of what is there already are kept."""

import dataclasses
import datetime
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence

import orjson

from db.importing import story
from db.importing.derived import Derived, Parcel
from db.importing.drafts import LineDraft, OrderDraft
from db.importing.targets import PLAIN_ORDER_COLUMNS
from db.tables.orders import STAGES
from domain.line import IN_WORK, SHIPPED_OR_LATER
from domain.promise import Basis, Confidence
from domain.status import FulfillmentStatus, OrderLineStatus

Row = Mapping[str, object]


_NOTHING: Row = {**dict.fromkeys(PLAIN_ORDER_COLUMNS), "ship_complete": False}


@dataclasses.dataclass(frozen=True)
class Stored:
    """What the store has of an order that is to change: its ids by what makes each one itself."""

    order_id: uuid.UUID
    version: int
    lines: dict[int, uuid.UUID] = dataclasses.field(default_factory=dict)
    fulfillments: dict[uuid.UUID, uuid.UUID] = dataclasses.field(default_factory=dict)
    shipments: dict[uuid.UUID | None, uuid.UUID] = dataclasses.field(default_factory=dict)
    events: dict[tuple[uuid.UUID, str], uuid.UUID] = dataclasses.field(default_factory=dict)
    promises: dict[str, uuid.UUID] = dataclasses.field(default_factory=dict)
    journal: set[tuple[str, uuid.UUID | None, datetime.datetime]] = dataclasses.field(default_factory=set)


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for all orders of an import. `actor` signs the journal, `now` is when it was learned."""

    channel_id: uuid.UUID
    source: str
    actor: str
    time_zone: str
    now: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What the lines refer to, by the words of the source."""

    items: Mapping[str, uuid.UUID]
    locations: Mapping[str, uuid.UUID]


class Sheets:
    """Rows by table, gathered over a batch."""

    def __init__(self, setting: Setting, found: Found) -> None:
        self.rows: dict[str, list[Row]] = defaultdict(list)
        self._setting = setting
        self._found = found
        self._inputs = orjson.dumps({"statedBy": setting.source}).decode()

    def add(self, draft: OrderDraft, derived: Derived, stored: Stored | None) -> tuple[uuid.UUID, int]:
        """Write down all rows of an order; its id and its new version."""
        known = stored or Stored(uuid.uuid4(), 0)
        lines = {line.position: known.lines.get(line.position) or uuid.uuid4() for line in draft.lines}
        for line in draft.lines:
            self.rows["order_lines"].append(self._line(known.order_id, lines[line.position], line))
        work = self._fulfillments(known, draft, lines)
        parcels = [self._shipment(known, draft, parcel, work, lines) for parcel in derived.parcels]
        version = self._journal(known, draft, derived, parcels)
        self._promise(known, draft)
        self._claims(known.order_id, draft, derived)
        self.rows["orders"].append(self._order(known.order_id, version, draft, derived))
        return known.order_id, version

    def _order(self, order_id: uuid.UUID, version: int, draft: OrderDraft, derived: Derived) -> Row:
        return {
            "id": order_id,
            "channel_id": self._setting.channel_id,
            "number": draft.number,
            "version": version,
            "status": derived.status,
            "financial_status": draft.financial_status,
            "attention": list(derived.attention),
            "late_at": derived.due.late_at,
            "at_risk_at": derived.due.at_risk_at,
            "stale_at": derived.due.stale_at,
            "source": self._setting.source,
            "source_status": draft.source_status,
            "source_observed_at": self._setting.now,
            "currency": draft.currency,
            "placed_at": draft.placed_at,
            "updated_at": self._setting.now,
            **{f"{name}_amount": value for name, value in draft.amounts.items()},
            **_NOTHING,
            **draft.plain,
            # Whoever rolls the order up again takes it as accepted by this date.
            "accepted_at": draft.accepted_at,
        }

    def _line(self, order_id: uuid.UUID, line_id: uuid.UUID, line: LineDraft) -> Row:
        return {
            "id": line_id,
            "order_id": order_id,
            "position": line.position,
            "item_id": self._found.items.get(line.sku),
            "sku": line.sku,
            "title": line.title,
            "source_line_id": line.source_line_id,
            "requires_shipping": line.requires_shipping,
            "quantity": line.quantity,
            **dict.fromkeys(STAGES, 0),
            line.stage.value.lower(): line.quantity,
            "unit_price_amount": line.unit_price,
            "discount_amount": line.discount,
            "tax_amount": line.tax,
            "total_amount": line.total,
        }

    def _fulfillments(self, known: Stored, draft: OrderDraft, lines: Mapping[int, uuid.UUID]) -> dict[str, uuid.UUID]:
        """A work order for each location the lines name."""
        made = {}
        for code in sorted({line.location for line in draft.lines if line.location is not None}):
            location = self._found.locations[code]
            fulfillment = made[code] = known.fulfillments.get(location) or uuid.uuid4()
            own = [line for line in draft.lines if line.location == code]
            self.rows["fulfillments"].append(
                {
                    "id": fulfillment,
                    "order_id": known.order_id,
                    "location_id": location,
                    "status": _work_status(own),
                    "source": self._setting.source,
                    "updated_at": self._setting.now,
                }
            )
            self._contain("fulfillment_lines", {"fulfillment_id": fulfillment}, known, own, lines)
        return made

    def _shipment(
        self,
        known: Stored,
        draft: OrderDraft,
        parcel: Parcel,
        work: Mapping[str, uuid.UUID],
        lines: Mapping[int, uuid.UUID],
    ) -> uuid.UUID:
        fulfillment = work.get(parcel.location) if parcel.location is not None else None
        shipment = known.shipments.get(fulfillment) or uuid.uuid4()
        told, state = draft.handover, parcel.state
        self.rows["shipments"].append(
            {
                "id": shipment,
                "order_id": known.order_id,
                "fulfillment_id": fulfillment,
                "carrier": told.carrier,
                "service": told.service,
                "tracking_number": told.tracking_number,
                "tracking_url": told.tracking_url,
                "status": parcel.status,
                "source": self._setting.source,
                "shipped_at": told.handed_over_at,
                "first_scan_at": state.first_scan_at,
                "last_event_at": state.last_event_at,
                "delivered_at": state.delivered_at,
                "updated_at": self._setting.now,
            }
        )
        self._contain("shipment_lines", {"shipment_id": shipment}, known, parcel.lines, lines)
        for event in parcel.events:
            self.rows["tracking_events"].append(
                {
                    "id": known.events.get((shipment, event.status.value)) or uuid.uuid4(),
                    "shipment_id": shipment,
                    "source": self._setting.source,
                    # The file has one date for each, so a corrected date corrects the event.
                    "source_event_id": event.status.value,
                    "status": event.status,
                    "occurred_at": event.occurred_at,
                }
            )
        return shipment

    def _contain(
        self, table: str, owner: Row, known: Stored, own: Sequence[LineDraft], lines: Mapping[int, uuid.UUID]
    ) -> None:
        for line in own:
            self.rows[table].append(
                {**owner, "line_id": lines[line.position], "order_id": known.order_id, "quantity": line.quantity}
            )

    def _promise(self, known: Stored, draft: OrderDraft) -> None:
        """Two rows: the one as sold is written once, the other says what the source says now."""
        if draft.promise is None:
            return
        earliest, latest = draft.promise
        for kind in ("ORIGINAL", "CURRENT"):
            stored = known.promises.get(kind)
            if kind == "ORIGINAL" and stored is not None:
                continue
            self.rows["promises"].append(
                {
                    "id": stored or uuid.uuid4(),
                    "order_id": known.order_id,
                    "kind": kind,
                    "earliest": earliest,
                    "latest": latest,
                    "time_zone": self._setting.time_zone,
                    # Of what the seller counted on the file says nothing; this is the least that a promise means.
                    "basis": Basis.ON_HAND,
                    "confidence": Confidence.MEDIUM,
                    "inputs": self._inputs,
                    "computed_at": draft.placed_at,
                }
            )

    def _claims(self, order_id: uuid.UUID, draft: OrderDraft, derived: Derived) -> None:
        """Both sides of a source that contradicts itself; its status is what we show."""
        if derived.by_dates is None:
            return
        source = self._setting.source
        sides = ((source, derived.status, draft.source_status), (f"{source}:dates", derived.by_dates, None))
        for system, status, word in sides:
            self.rows["source_claims"].append(
                {
                    "order_id": order_id,
                    "field": "status",
                    "system": system,
                    "value": status,
                    "raw_value": word,
                    "wins": system == source,
                    "observed_at": self._setting.now,
                }
            )

    def _journal(self, known: Stored, draft: OrderDraft, derived: Derived, parcels: Sequence[uuid.UUID]) -> int:
        """Entries not told before, each a version of the order; the last version."""
        entries = story.entries(draft, derived, parcels, self._setting.now)
        version = known.version
        for entry in entries:
            if entry.identity in known.journal:
                continue
            version += 1
            self.rows["journal"].append(
                {
                    "entity": "ORDER" if entry.shipment is None else "SHIPMENT",
                    "entity_id": entry.shipment or known.order_id,
                    "order_id": known.order_id,
                    "version": version,
                    "type": entry.type,
                    "changed": list(entry.changed),
                    "data": orjson.dumps(entry.data).decode(),
                    "source": self._setting.source,
                    "actor": self._setting.actor,
                    "occurred_at": entry.occurred_at,
                }
            )
        return version


def _work_status(lines: Sequence[LineDraft]) -> FulfillmentStatus:
    stages = {line.stage for line in lines} - {OrderLineStatus.CANCELLED}
    if not stages:
        return FulfillmentStatus.CANCELLED
    if stages <= SHIPPED_OR_LATER:
        return FulfillmentStatus.COMPLETED
    return FulfillmentStatus.IN_PROGRESS if stages & (IN_WORK | SHIPPED_OR_LATER) else FulfillmentStatus.OPEN
