"""Reads Tryton a page at a time by rising id, which no change moves; sets stock by an inventory."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.base import Instance, Page, Pushed, StockTarget
from connectors.errors import ConnectorError
from connectors.http import Http
from connectors.payload import Node
from connectors.tryton import fields, mapping
from connectors.tryton.rpc import Rpc, moment
from domain.records import OrderRef, Record

LIMIT: Final = 100
BY_ID: Final = [["id", "ASC"]]
SOLD: Final = ["state", "not in", ["draft", "quotation"]]


class Tryton:
    def __init__(self, instance: Instance, http: Http) -> None:
        self.instance = instance
        self._rpc = Rpc(instance, http)

    async def pull_orders(self, since: dt.datetime | None, cursor: str | None) -> Page:
        wanted = [SOLD, *_changed(since, "write_date", "shipments.write_date"), *_behind(cursor)]
        total = await self._count("sale.sale", wanted) if _all(since, cursor) else None
        told = await self._read_sales(wanted)
        sales = told["sales"]
        return Page.of(mapping.sales(told, self.instance), _cursor(sales), len(sales.items()), total)

    async def look_up_orders(self, orders: Sequence[OrderRef]) -> Sequence[Sequence[Record] | ConnectorError]:
        ours = self.instance.option("channel", "web")
        numbers = sorted({order.number for order in orders if order.channel == ours})
        found: dict[str, list[Record]] = {}
        unread: dict[str, ConnectorError] = {}
        for start in range(0, len(numbers), LIMIT):
            some = numbers[start : start + LIMIT]
            told = await self._read_sales([SOLD, ["OR", ["reference", "in", some], ["number", "in", some]]])
            read = mapping.sales(told, self.instance)
            unread |= {one.reference: one.error for one in read.unread}
            for record in read.records:
                found.setdefault(record.order.number, []).append(record)
        return [
            unread.get(order.number) or found.get(order.number, []) if order.channel == ours else [] for order in orders
        ]

    async def _read_sales(self, wanted: list[Any]) -> Node:
        """The sales with all they point to, in four requests."""
        sales = await self._search("sale.sale", wanted, fields.SALE)
        deliveries = await self._rows("stock.shipment.out", _ids(sales, "shipments"), fields.DELIVERY)
        told = {
            "sales": sales.value,
            "lines": (await self._rows("sale.line", _ids(sales, "lines"), fields.SALE_LINE)).value,
            "deliveries": deliveries.value,
            "moves": (await self._rows("stock.move", _ids(deliveries, "outgoing_moves"), fields.MOVE)).value,
        }
        return Node(told)

    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
        """Warehouse by warehouse; with `since` only the products that moved."""
        place, _, behind = (cursor or "0|").partition("|")
        warehouses = (await self._warehouses()).items()
        if int(place) >= len(warehouses):
            return Page(())
        warehouse = warehouses[int(place)]
        wanted: list[Any] = [["type", "=", "goods"], *_behind(behind or None)]
        if since is not None:
            wanted.append(["id", "in", await self._moved(since)])
        total = len(warehouses) * await self._count("product.product", wanted) if _all(since, cursor) else None
        products = await self._quantities(wanted, warehouse)
        told = {
            "products": products.value,
            "free": (await self._quantities(wanted, warehouse, stock_assign=True)).value,
            "warehouse": warehouse.value,
            "read_at": dt.datetime.now(dt.UTC).isoformat(),
        }
        read = mapping.stock(Node(told), self.instance)
        last, following = _cursor(products), int(place) + 1
        there = f"{following}|" if following < len(warehouses) else None
        return Page.of(read, f"{place}|{last}" if last else there, len(products.items()), total)

    async def _warehouses(self) -> Node:
        return await self._search("stock.location", [["type", "=", "warehouse"]], ("code", "storage_location"))

    async def _moved(self, since: dt.datetime) -> list[int]:
        moves = await self._rpc.call(
            "model.stock.move.search_read",
            _changed(since, "write_date", "create_date"),
            0,
            None,
            None,
            ["product"],
        )
        return sorted({move["product"].integer() for move in moves.items()})

    async def _quantities(self, wanted: list[Any], warehouse: Node, **context: Any) -> Node:
        here = {"locations": [warehouse["storage_location"].integer()], "with_childs": True, **context}
        return await self._search("product.product", wanted, ("code", "name", "quantity"), context=here)

    async def pull_supply(self, since: dt.datetime | None, cursor: str | None) -> Page:
        wanted = [
            ["type", "=", "line"],
            ["purchase.state", "in", ["confirmed", "processing", "done", "cancelled"]],
            *_changed(since, "write_date", "moves.write_date", "moves.create_date"),
            *_behind(cursor),
        ]
        total = await self._count("purchase.line", wanted) if _all(since, cursor) else None
        lines = await self._search("purchase.line", wanted, fields.PURCHASE_LINE)
        moves = await self._rows("stock.move", _ids(lines, "moves"), fields.MOVE)
        told = Node({"lines": lines.value, "moves": moves.value})
        return Page.of(mapping.supply(told, self.instance), _cursor(lines), len(lines.items()), total)

    async def push_stock(self, targets: Sequence[StockTarget]) -> Sequence[Pushed]:
        """An inventory per warehouse; what lies there already as it should is left alone, so twice is once."""
        warehouses = {self._code(one): one for one in (await self._warehouses()).items()}
        done: dict[int, Pushed] = {}
        for code in dict.fromkeys(target.location for target in targets):
            places = [place for place, target in enumerate(targets) if target.location == code]
            if code not in warehouses:
                done |= dict.fromkeys(places, Pushed("UNKNOWN_LOCATION"))
                continue
            refused = await self._take_stock(warehouses[code], [targets[place] for place in places])
            done |= {place: Pushed(refused.get(targets[place].sku)) for place in places}
        return [done[place] for place in range(len(targets))]

    def _code(self, warehouse: Node) -> str:
        return self.instance.location(warehouse["code"].maybe_text() or warehouse["id"].id())

    async def _take_stock(self, warehouse: Node, targets: Sequence[StockTarget]) -> Mapping[str, str]:
        """Available is what lies there less what is assigned to deliveries, so that comes on top."""
        wanted = [["code", "in", sorted({target.sku for target in targets})]]
        there = {one["code"].text(): one for one in (await self._quantities(wanted, warehouse)).items()}
        free = await self._quantities(wanted, warehouse, stock_assign=True)
        assigned = {one["code"].text(): there[one["code"].text()]["quantity"].integer() - one["quantity"].integer()
                    for one in free.items()}  # fmt: skip
        lines = [
            {"product": there[target.sku]["id"].integer(), "quantity": float(target.available + assigned[target.sku])}
            for target in targets
            if target.sku in there
            and there[target.sku]["quantity"].integer() != target.available + assigned[target.sku]
        ]
        if lines:
            values = {"location": warehouse["storage_location"].integer(), "lines": [["create", lines]]}
            made = await self._rpc.call("model.stock.inventory.create", [values])
            await self._rpc.call("model.stock.inventory.confirm", made.value)
        return {target.sku: "UNKNOWN_SKU" for target in targets if target.sku not in there}

    async def _search(
        self, model: str, wanted: list[Any], names: Sequence[str], context: Mapping[str, Any] | None = None
    ) -> Node:
        return await self._rpc.call(f"model.{model}.search_read", wanted, 0, LIMIT, BY_ID, list(names), context=context)

    async def _count(self, model: str, wanted: list[Any]) -> int:
        return (await self._rpc.call(f"model.{model}.search_count", wanted)).integer()

    async def _rows(self, model: str, ids: list[int], names: Sequence[str]) -> Node:
        return await self._rpc.call(f"model.{model}.read", ids, list(names)) if ids else Node([])


def _all(since: dt.datetime | None, cursor: str | None) -> bool:
    """At the first page of everything there is, how many that are is worth a request."""
    return since is None and cursor is None


def _changed(since: dt.datetime | None, *names: str) -> list[Any]:
    return [] if since is None else [["OR", *([name, ">=", moment(since)] for name in names)]]


def _behind(cursor: str | None) -> list[Any]:
    return [["id", ">", int(cursor)]] if cursor else []


def _cursor(rows: Node) -> str | None:
    found = rows.items()
    return found[-1]["id"].id() if len(found) == LIMIT else None


def _ids(rows: Node, name: str) -> list[int]:
    return sorted({one.integer() for row in rows.items() for one in row[name]})
