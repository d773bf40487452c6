"""A parcel in the making: its label, its scans in the carrier's own words, and what they mean for the order."""

import datetime
from typing import Any, Final

import db.tables
from db.sample import feeds, payments, places
from db.sample.book import Row
from db.sample.consignments import Consignment
from db.sample.orders import By, Order
from domain.attention import Progress
from domain.reasons import IncidentReason
from domain.shipment import ShipmentState, TrackingEvent, resolve, stale_at
from domain.status import OrderLineStatus, OrderStatus, ShipmentStatus

_ENDS: Final = {
    ShipmentStatus.DELIVERED: OrderLineStatus.DELIVERED,
    ShipmentStatus.LOST: OrderLineStatus.LOST,
    ShipmentStatus.RETURNED: OrderLineStatus.RETURNED,
}


class Parcel:
    """Carries one consignment. Scans may be told late, and of any time; `domain.shipment` says what they amount to."""

    def __init__(self, consignment: Consignment) -> None:
        assert consignment.transit, "what is not collected is carried"
        self.consignment = consignment
        self.transit = consignment.transit
        self.id = consignment.order.shop.book.id("shipment", consignment.id)
        self.carrier = places.CARRIERS[self.transit.carrier]
        self.by = By(f"connector:{self.carrier.code}", self.carrier.code)
        self.state = ShipmentState()
        self._facts: list[TrackingEvent] = []
        self.events: list[Row] = []
        # When the carrier last said when it will deliver.
        self._estimate_at: datetime.datetime | None = None
        consignment.parcel = self
        self.row = self._row()
        self.version = 1
        consignment.told.append("SHIPMENT_CREATED")
        entity = ("SHIPMENT", self.id)
        self.order.record("SHIPMENT_CREATED", "shipments", by=consignment.by, entity=entity, data=self._named())
        self.scan(ShipmentStatus.LABEL_CREATED, city=None)

    @property
    def order(self) -> Order:
        return self.consignment.order

    @property
    def time_zone(self) -> str:
        """Of the recipient."""
        person = self.order.basket.person
        assert person, "a parcel has an address"
        return person.place.time_zone

    @property
    def progress(self) -> Progress:
        done = self.state.done and self.state.status is not ShipmentStatus.LOST
        return Progress(
            done, self.state.first_scan_at, self.state.estimated_delivery_at, self._estimate_at, self.row["stale_at"]
        )

    def scan(
        self,
        status: ShipmentStatus,
        *,
        city: tuple[str, str] | None,
        at: datetime.datetime | None = None,
        reason: IncidentReason | None = None,
        estimate: datetime.datetime | None = None,
    ) -> None:
        """The carrier says so; `at` when it happened, if that was long before it was told; `city` with its country."""
        before = self.state.status
        at = at or self.order.shop.clock - datetime.timedelta(seconds=self.order.shop.chance.randint(20, 300))
        self._facts.append(TrackingEvent(at, status, reason, estimate))
        self.state = resolve(self._facts)
        event = self._event(status, at, reason, estimate, city)
        self.events.append(event)
        self._update(at if estimate else None)
        handed_over = self.consignment.stage is OrderLineStatus.PACKED and self.state.first_scan_at is not None
        if handed_over:
            # The carrier's first physical scan is what counts as shipped, not the label.
            self.row["shipped_at"] = self.state.first_scan_at
            self.consignment.advance(OrderLineStatus.SHIPPED)
        self._tell(event, before, handed_over=handed_over)
        if handed_over:
            self.consignment.leave()
            payments.capture(self.order)
        if status in _ENDS and self.state.status is status:
            self._end(_ENDS[status])

    def _end(self, stage: OrderLineStatus) -> None:
        self.consignment.advance(stage)
        delivered = stage is OrderLineStatus.DELIVERED and self.order.rolled_up() is OrderStatus.DELIVERED
        self.consignment.tell("ORDER_DELIVERED" if delivered else f"LINES_{stage}", "lines", by=self.by)

    def _tell(self, event: Row, before: ShipmentStatus, *, handed_over: bool) -> None:
        self.version += 1
        by = By(self.by.actor, self.by.source, event["source_event_id"])
        words: dict[str, Any] = {"code": event["raw_code"]}
        words |= {"reason": event["reason"]} if event["reason"] else {}
        if self.state.status is not before:
            words["shipmentStatus"] = {"from": before, "to": self.state.status}
        changed = ("shipments", "lines") if handed_over else ("shipments",)
        at = event["occurred_at"]
        self.order.record("SHIPMENT_SCANNED", *changed, by=by, entity=("SHIPMENT", self.id), data=words, occurred_at=at)

    def _update(self, estimate_at: datetime.datetime | None) -> None:
        state, clock = self.state, self.order.shop.clock
        self._estimate_at = estimate_at or self._estimate_at
        names = ("status", "first_scan_at", "last_event_at", "delivered_at", "estimated_delivery_at")
        self.row |= {name: getattr(state, name) for name in names}
        self.row["flags"] = ["DELAYED"] if state.delayed and state.status is not ShipmentStatus.DELAYED else []
        self.row["updated_at"] = clock
        calendar = self.carrier.calendar(self.time_zone)
        self.row["stale_at"] = stale_at(state, calendar, self.time_zone, stale_after_days=self.carrier.stale_after_days)

    def _named(self) -> dict[str, object]:
        return {"carrier": self.carrier.code, "location": self.consignment.site.facts.code}

    def _event(
        self,
        status: ShipmentStatus,
        at: datetime.datetime,
        reason: IncidentReason | None,
        estimate: datetime.datetime | None,
        city: tuple[str, str] | None,
    ) -> Row:
        code, text = feeds.RAW[self.carrier.code][status]
        number = len(self.events) + 1
        return {
            "id": self.order.shop.book.id("tracking", self.id, number),
            "shipment_id": self.id,
            "source": self.carrier.code,
            "source_event_id": f"{self.row['tracking_number']}-{number}",
            "status": status,
            "raw_code": code,
            "raw_text": text,
            "reason": reason,
            "city": city[0] if city else None,
            "region": None,
            "country": city[1] if city else None,
            "occurred_at": at,
            "recorded_at": self.order.shop.clock,
            "estimated_delivery_at": estimate,
        }

    def _row(self) -> Row:
        work = self.consignment.work
        assert work, "a parcel comes from a fulfillment"
        number = f"{feeds.PREFIXES[self.carrier.code]}{self.id.int % 10**10:010d}"
        clock = self.order.shop.clock
        return {
            "id": self.id,
            "order_id": self.order.id,
            "fulfillment_id": work["id"],
            "carrier": self.carrier.code,
            "service": self.transit.service,
            "tracking_number": number,
            "tracking_url": self.carrier.tracking_url.format(tracking_number=number),
            "status": ShipmentStatus.UNKNOWN,
            "source": self.carrier.code,
            "shipped_at": None,
            "created_at": clock,
            "updated_at": clock,
        }


def write(order: Order) -> None:
    book = order.shop.book
    for consignment in order.consignments:
        parcel = consignment.parcel
        if parcel is None:
            continue
        book.add(db.tables.shipments, parcel.row | {"version": parcel.version})
        for line, units in consignment.pieces.items():
            row = {"shipment_id": parcel.id, "line_id": line.id, "order_id": order.id, "quantity": units}
            book.add(db.tables.shipment_lines, row)
        for event in parcel.events:
            book.add(db.tables.tracking_events, event)
