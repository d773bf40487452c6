"""An order in the making: its lines by stage, its journal, and the words that follow from them."""

import dataclasses
import datetime
import functools
import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import db.tables
from db.sample import catalogue, places
from db.sample.book import Row
from db.sample.people import Person
from db.sample.shop import Shop
from domain.line import LineQuantities
from domain.order import RollUpLine, roll_up
from domain.status import OrderLineStatus, OrderStatus, check_move

if TYPE_CHECKING:
    from db.sample.consignments import Consignment
    from db.sample.holds import Hold
    from db.sample.promises import Promises
    from db.sample.returns import Return

TAX_PERCENT: Final = {"DE": 19, "AT": 20, "CH": 8, "NL": 21, "BE": 21, "FR": 20, "IT": 22, "ES": 21, "GB": 20, "IE": 23,
                      "DK": 25, "SE": 25, "PL": 23, "US": 8, "CA": 12}  # fmt: skip
FREE_SHIPPING_FROM: Final = 10000
# Units that nobody has begun to work on, or that can still be taken back from a node.
OPEN_STAGES: Final = (
    OrderLineStatus.CREATED,
    OrderLineStatus.PREORDERED,
    OrderLineStatus.BACKORDERED,
    OrderLineStatus.ALLOCATED,
    OrderLineStatus.RELEASED,
)


@dataclasses.dataclass(frozen=True, slots=True)
class By:
    """Who did something, and the system we know it from."""

    actor: str = "system"
    source: str = "ordergraph"
    source_event_id: str | None = None


SYSTEM: Final = By()
MARIA: Final = By("operator:maria")
JONAS: Final = By("operator:jonas")


@dataclasses.dataclass(frozen=True, slots=True)
class Basket:
    """What somebody orders; `person` None is an unknown customer of a store."""

    channel: places.Channel
    number: str
    person: Person | None
    items: tuple[tuple[str, int], ...]
    ship_complete: bool = False
    pickup: str | None = None
    # The shop's own discount on every line.
    discount_percent: int = 0


@dataclasses.dataclass(slots=True, eq=False)
class Line:
    row: Row
    product: catalogue.Product
    quantities: LineQuantities

    @property
    def id(self) -> uuid.UUID:
        line_id: uuid.UUID = self.row["id"]
        return line_id

    def units(self, *stages: OrderLineStatus) -> int:
        return self.quantities.among(stages)

    def move(
        self, quantity: int, source: OrderLineStatus, target: OrderLineStatus, held_from: OrderLineStatus | None = None
    ) -> None:
        self.quantities = self.quantities.move(quantity, source, target, held_from=held_from)


class Order:
    """One order; every change goes through `record`, which keeps status, version and journal in step."""

    def __init__(self, shop: Shop, basket: Basket) -> None:
        self.shop = shop
        self.basket = basket
        self.id = shop.book.id("order", basket.channel.code, basket.number)
        self.row = self._row()
        self.lines = [self._line(position, *item) for position, item in enumerate(basket.items, 1)]
        self._price()
        self.promises: Promises
        self.consignments: list[Consignment] = []
        self.holds: list[Hold] = []
        self.returns: list[Return] = []
        self.claims: list[Row] = []
        # Types of what happened to it.
        self.told: list[str] = []
        # A connected system that has gone quiet, so that what we know of the order may be out of date.
        self.silent = False
        shop.orders.append(self)

    @property
    def status(self) -> OrderStatus:
        status: OrderStatus = self.row["status"]
        return status

    @property
    def channel_actor(self) -> By:
        source = self.basket.channel.source
        return SYSTEM if source == "ordergraph" else By(f"connector:{source}", source)

    @property
    def customer(self) -> By:
        person = self.basket.person
        return By(f"customer:{person.id}") if person and person.id else self.channel_actor

    @property
    def country(self) -> str | None:
        return self.basket.person.place.country if self.basket.person else None

    def roll_up_lines(self) -> tuple[RollUpLine, ...]:
        return tuple(RollUpLine(line.quantities, not line.product.digital) for line in self.lines)

    def record(
        self,
        type_: str,
        *changed: str,
        by: By = SYSTEM,
        entity: tuple[str, uuid.UUID] | None = None,
        data: Mapping[str, Any] | None = None,
        occurred_at: datetime.datetime | None = None,
    ) -> None:
        """Journal what has just been done, with the new status if it follows from it."""
        words = dict(data or {})
        fields = set(changed)
        before, after = self.row["status"], self.rolled_up()
        if after is not before:
            check_move(before, after, where=f"sample order {self.basket.number}")
            self.row["status"] = after
            words["status"] = {"from": before, "to": after}
            fields.add("status")
        self.row["version"] += 1
        self.row["updated_at"] = self.shop.clock
        kind, entity_id = entity or ("ORDER", self.id)
        self._journal(type_, kind, entity_id, sorted(fields), words, by, occurred_at or self.shop.clock)

    def place(self, by: By) -> None:
        """The first entry; `record` writes all others."""
        self.row["status"] = self.rolled_up()
        self.row["version"] = 1
        words: dict[str, Any] = {"status": {"from": None, "to": self.status}, "channel": self.basket.channel.code}
        whole = self.promises.whole("ORIGINAL")
        words |= {"latest": {"from": None, "to": str(whole.promise.latest)}} if whole else {}
        self._journal("ORDER_PLACED", "ORDER", self.id, ["lines", "status"], words, by, self.row["placed_at"])

    def _journal(
        self,
        type_: str,
        entity: str,
        entity_id: uuid.UUID,
        changed: list[str],
        data: Mapping[str, Any],
        by: By,
        occurred_at: datetime.datetime,
    ) -> None:
        self.told.append(type_)
        row = {
            "event_id": self.shop.book.id("event", self.id, self.row["version"]),
            "entity": entity,
            "entity_id": entity_id,
            "order_id": self.id,
            "version": self.row["version"],
            "type": type_,
            "changed": changed,
            "data": json.dumps(data),
            "source": by.source,
            "source_event_id": by.source_event_id,
            "actor": by.actor,
            "occurred_at": occurred_at,
            "recorded_at": self.shop.clock,
        }
        self.shop.book.add(db.tables.journal, row)

    def rolled_up(self) -> OrderStatus:
        accepted, closed = self.row["accepted_at"] is not None, self.row["closed_at"] is not None
        return _roll_up(self.roll_up_lines(), accepted, closed)

    def _row(self) -> Row:
        channel, person, at = self.basket.channel, self.basket.person, self.shop.clock
        row: Row = dict.fromkeys(column.name for column in db.tables.orders.columns)
        row |= {
            "id": self.id,
            "channel_id": self.shop.book.id("channel", channel.code),
            "number": self.basket.number,
            "financial_status": "PENDING",
            "return_status": "NO_RETURN",
            "source": channel.source,
            "ship_complete": self.basket.ship_complete,
            "currency": channel.currency,
            **dict.fromkeys(("authorized_amount", "captured_amount", "refunded_amount"), 0),
            "placed_at": at,
            "created_at": at,
            "updated_at": at,
        }
        return row if person is None else row | _addressed(person, ship=self.basket.pickup is None)

    def _line(self, position: int, sku: str, quantity: int) -> Line:
        product = catalogue.BY_SKU[sku]
        row: Row = {
            "id": self.shop.book.id("line", self.id, position),
            "order_id": self.id,
            "position": position,
            "item_id": self.shop.book.id("item", sku),
            "sku": sku,
            "title": product.title,
            "source_line_id": None
            if self.basket.channel.source == "ordergraph"
            else f"{self.basket.number}-{position}",
            "requires_shipping": not product.digital,
            "quantity": quantity,
            "unit_price_amount": product.price,
        }
        return Line(row, product, LineQuantities(created=quantity))

    def _price(self) -> None:
        percent = TAX_PERCENT[self.country or "DE"]
        for line in self.lines:
            gross = line.row["quantity"] * line.row["unit_price_amount"]
            discount = gross * self.basket.discount_percent // 100
            tax = round((gross - discount) * percent / 100)
            line.row |= {"discount_amount": discount, "tax_amount": tax, "total_amount": gross - discount + tax}
        subtotal = sum(line.row["quantity"] * line.row["unit_price_amount"] for line in self.lines)
        carried = self.country is not None and any(not line.product.digital for line in self.lines)
        shipping = 490 if carried and self.basket.pickup is None and subtotal < FREE_SHIPPING_FROM else 0
        sums = {name: sum(line.row[name] for line in self.lines) for name in ("discount_amount", "tax_amount")}
        total = subtotal - sums["discount_amount"] + sums["tax_amount"] + shipping
        self.row |= sums | {"subtotal_amount": subtotal, "shipping_amount": shipping, "total_amount": total}


@functools.lru_cache(maxsize=4096)
def _roll_up(lines: tuple[RollUpLine, ...], accepted: bool, closed: bool) -> OrderStatus:
    """Asked at every entry of the journal, and mostly of lines that look like others."""
    return roll_up(lines, accepted=accepted, closed=closed)


def _addressed(person: Person, *, ship: bool) -> Row:
    customer: Row = {
        "customer_id": person.id or None,
        "customer_email": person.email,
        "customer_name": person.name,
        "customer_phone": person.phone,
    }
    place = person.place
    return customer if not ship else customer | {
        "ship_name": person.name,
        "ship_line1": person.street,
        "ship_city": place.city,
        "ship_region": place.region,
        "ship_postal_code": place.postal_code,
        "ship_country": place.country,
    }  # fmt: skip


def write(order: Order) -> None:
    """The order and its lines; what hangs from it is written by its own modules."""
    order.shop.book.add(db.tables.orders, order.row)
    for line in order.lines:
        stages = {stage.value.lower(): line.quantities.get(stage) for stage in OrderLineStatus}
        order.shop.book.add(db.tables.order_lines, line.row | stages)
