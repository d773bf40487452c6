"""`upsertOrders`: an order as its source knows it now, whole; created when it is not known."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from db.commands import facts, journal, orders, transactions
from db.pool import Connection
from domain.order import Amounts, roll_up_finance
from domain.precedence import Claim, winner
from events.inbox import Applied, Event, Outcome, Waits
from resolvers.commands import command, fields
from resolvers.commands.fields import BadField, Body
from resolvers.commands.order_lines import check_parcels, line_facts, write_lines
from resolvers.commands.reached import owner
from resolvers.commands.references import named
from resolvers.commands.settling import STATUS, settle


@dataclass(frozen=True, slots=True)
class UpsertOrders(command.OrderCommand):
    """The newest word of the best source makes the order; other sources leave claims, and conflicts show."""

    opens = True

    async def apply(self, connection: Connection, event: Event) -> Applied:
        body = event.body
        lines = line_facts(body)
        channel = await orders.channel(connection, fields.word(body["order"], "channel"))
        if channel is None:
            raise BadField("order.channel is the code of no channel.", "order", "channel")
        header = header_of(event, channel[1]) if lines is not None else {}
        order_id, new = await self._order(connection, event, channel[0], header)
        before = await orders.state(connection, order_id)
        said = command.said(event)
        told = lines is not None and await facts.say(connection, order_id, "ORDER", "", said, order_fact(body))
        heard = await facts.say(connection, order_id, "CLAIM", "", said, {})
        for ref, line in (lines or {}).items():
            await facts.say(connection, order_id, "LINE", ref, said, line)
        if body["createItems"] and lines:
            await orders.make_items(connection, [(line["sku"], line["title"]) for line in lines.values()])
        state = await orders.state(connection, order_id)
        source = owner(state, self.precedence)
        named = {"sources"} if heard and await self._claims(connection, order_id, event, state) else set()
        promised: dict[str, Any] = {}
        if source == event.source:
            promised = await self._promise(connection, order_id, event, state)
            if told:
                named |= await orders.write_header(connection, order_id, header)
        named |= set(promised)
        rewritten, quantities = await write_lines(connection, order_id, state, source)
        check_parcels(state, quantities)
        settled = await settle(
            connection,
            None if new else before,
            order_id,
            self._entry(
                event, order_id, named | ({"lines"} if rewritten else set()), promised, new=new, newest=told or heard
            ),
            command.origin(event),
            precedence=self.precedence,
            quantities=quantities,
            changed=new or bool(named) or rewritten or not (told or heard),
        )
        outcome = Outcome.APPLIED if settled else Outcome.UNCHANGED
        return Applied(outcome if told or heard else Outcome.STALE, {"order": order_id})

    async def _order(
        self, connection: Connection, event: Event, channel_id: uuid.UUID, header: Mapping[str, Any]
    ) -> tuple[uuid.UUID, bool]:
        name = await named(connection, event.body)
        assert name is not None, "the input requires it"
        found = await orders.lock(connection, *name)
        if found is not None:
            return found, False
        if not header:
            raise Waits("The order is not known yet, and this names no lines.")
        placed_at, currency = header["placed_at"], header["currency"]
        made = await orders.insert(connection, channel_id, name[1], event.source, currency, placed_at)
        if made is None:
            raise transactions.Again
        return made, True

    async def _claims(
        self, connection: Connection, order_id: uuid.UUID, event: Event, state: Mapping[str, Any]
    ) -> bool:
        """Keep what this source says of the status; whether that is news."""
        value, raw = event.body.get("status"), fields.text(event.body, "sourceStatus")
        had = {claim["system"]: claim for claim in state["claims"] if claim["field"] == STATUS}
        said = [claimed(claim) for system, claim in had.items() if system != event.source]
        if value is None and raw is None:
            await orders.unclaim(connection, order_id, STATUS, event.source)
        else:
            await orders.claim(connection, order_id, STATUS, event.source, value, raw, event.occurred_at)
            said.append(Claim(event.source, value, event.occurred_at))
        best = winner(said, self.precedence.of_status)
        if best is not None:
            await orders.let_win(connection, order_id, STATUS, best.system)
        known = event.source in had
        return known != (value is not None or raw is not None) or (known and had[event.source]["value"] != value)

    async def _promise(
        self, connection: Connection, order_id: uuid.UUID, event: Event, state: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Keep what was promised; how its last day moved, empty when nothing changed."""
        given = event.body.get("promise")
        if given is None:
            return {}
        days = [fields.day(given, name) for name in ("shipBy", "earliest", "latest")]
        said = command.said(event)
        words = (*days, given["timeZone"], event.source)
        before = after = last_day(state)
        changed = False
        if await facts.say(connection, order_id, "PROMISED", "", said, {}):
            changed = await orders.promise(connection, order_id, "CURRENT", *words)
            after = given["latest"]
        # As sold: the oldest word there is, so neither a newer one nor a late one changes it.
        if await facts.say_first(connection, order_id, "PROMISE", "", said):
            changed |= await orders.promise(connection, order_id, "ORIGINAL", *words)
        return {"promise": {"from": before, "to": after}} if changed else {}

    def _entry(
        self,
        event: Event,
        order_id: uuid.UUID,
        named: set[str],
        promised: Mapping[str, Any],
        *,
        new: bool,
        newest: bool,
    ) -> journal.Entry:
        if not newest:
            return command.stale_entry(event.kind, order_id)
        body = event.body
        data = {"channel": body["order"]["channel"], **promised}
        if body.get("status") or body.get("sourceStatus"):
            data["said"] = body.get("status") or body["sourceStatus"][:80]
        return journal.Entry("ORDER_PLACED" if new else "ORDER_UPDATED", "ORDER", order_id, sorted(named), data)


def last_day(state: Mapping[str, Any]) -> str | None:
    """The last day of our latest commitment to the whole order."""
    for promise in state["promises"]:
        if promise["kind"] == "CURRENT" and promise["line_id"] is None:
            day: str = promise["latest"]
            return day
    return None


def claimed(row: Mapping[str, Any]) -> Claim:
    told_at = fields.instant(row, "observed_at")
    assert told_at is not None, "the column is not null"
    return Claim(row["system"], row["value"], told_at)


def order_fact(body: Body) -> dict[str, Any]:
    return {"cancelled": body.get("cancelledAt") is not None}


def currency_of(body: Body, default: str) -> str:
    currency: str = body.get("currency") or default
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
        raise BadField("currency is no ISO 4217 code: three capital letters, such as EUR.", "currency")
    return currency


def header_of(event: Event, currency: str) -> dict[str, Any]:
    """The columns of `db.commands.orders.HEADER`, all of them: what a source leaves out, it does not know."""
    body = event.body
    customer, address, payment = (body.get(name) or {} for name in ("customer", "shippingAddress", "payment"))
    amounts = {
        f"{column}_amount": fields.count(body, name)
        for column, name in (
            ("subtotal", "subtotal"),
            ("shipping", "shippingTotal"),
            ("tax", "taxTotal"),
            ("discount", "discountTotal"),
            ("total", "total"),
        )
    }
    return (
        amounts
        | _payment(payment, amounts["total_amount"])
        | {f"customer_{name}": fields.text(customer, name) for name in ("id", "email", "name", "phone")}
        | _address(address)
        | _times(body)
        | {
            "source": event.source,
            "source_status": fields.text(body, "sourceStatus"),
            "source_observed_at": event.occurred_at,
            "ship_complete": body["shipComplete"],
            "currency": currency_of(body, currency),
            "cancel_reason": body.get("cancelReason"),
            "cancelled_by": fields.text(body, "cancelledBy"),
        }
    )


def _payment(payment: Body, total: int) -> dict[str, Any]:
    given = {name: fields.count(payment, name) for name in ("authorized", "captured", "refunded", "voided")}
    expired = bool(payment.get("authorizationExpired"))
    status = roll_up_finance(Amounts(total, **given), authorization_expired=expired)
    stored = {f"{name}_amount": given[name] for name in ("authorized", "captured", "refunded")}
    return stored | {"financial_status": status.value}


def _address(address: Body) -> dict[str, Any]:
    columns: Sequence[tuple[str, str]] = (
        ("name", "name"),
        ("line1", "line1"),
        ("line2", "line2"),
        ("city", "city"),
        ("region", "region"),
        ("postal_code", "postalCode"),
    )
    found: dict[str, Any] = {f"ship_{column}": fields.text(address, name) for column, name in columns}
    return found | {"ship_country": fields.country(address, "country")}


def _times(body: Body) -> dict[str, Any]:
    placed_at = fields.instant(body, "placedAt")
    if placed_at is None:
        raise BadField("placedAt is missing: an order that is told with its lines was placed at some time.", "placedAt")
    return {
        "placed_at": placed_at,
        "accepted_at": fields.instant(body, "acceptedAt"),
        "closed_at": fields.instant(body, "closedAt"),
        "cancelled_at": fields.instant(body, "cancelledAt"),
    }
