"""A real Tryton: an ERP with a warehouse, a company and a customer, and what a test needs to sell and buy in it."""

import asyncio
import base64
import contextlib
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from connectors.base import Instance, Secret
from connectors.payload import Node

HERE = Path(__file__).parent
BIN = HERE / ".venv" / "bin"
WHY_NOT = "" if BIN.joinpath("trytond").exists() else "its environment tests/peers/tryton/.venv was not made"
PASSWORD = "admin-of-a-test"  # of an ERP that lives as long as a test


def money(text: str) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": text}


@dataclass(slots=True)
class Erp:
    """Ids of what every sale and purchase needs are kept in `known`."""

    address: str
    http: aiohttp.ClientSession
    session: str = ""
    context: dict[str, Any] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)

    async def call(self, method: str, *params: Any) -> Node:
        headers = {"Authorization": f"Session {self.session}"} if self.session else {}
        given = list(params) if method.startswith("common.") else [*params, self.context]
        body = {"id": 1, "method": method, "params": given}
        async with self.http.post(f"{self.address}/rpc/", json=body, headers=headers) as answer:
            told = await answer.json()
            assert "error" not in told, str(told["error"])[:300]
            return Node(told["result"])

    async def model(self, name: str, *params: Any) -> Node:
        return await self.call(f"model.{name}", *params)

    async def create(self, model: str, /, **values: Any) -> int:
        return (await self.model(f"{model}.create", [values])).items()[0].integer()

    async def press(self, model: str, ids: Sequence[int], *buttons: str) -> None:
        for button in buttons:
            await self.model(f"{model}.{button}", list(ids))

    async def set_up(self) -> None:
        told = (await self.call("common.db.login", "admin", {"password": PASSWORD})).items()
        self.session = base64.b64encode(f"admin:{told[0].id()}:{told[1].text()}".encode()).decode()
        euro = {"name": "Euro", "code": "EUR", "symbol": "€", "rounding": money("0.01"), "digits": 2}
        currency = await self.create("currency.currency", **euro)
        germany = await self.create("country.country", name="Germany", code="DE", code3="DEU", code_numeric="276")
        party = await self.create("party.party", name="Shop", addresses=[])
        company = await self.create("company.company", party=party, currency=currency, timezone="Europe/Berlin")
        groups = await self.model("res.group.search", [], 0, None, None)
        rights = {"companies": [["add", [company]]], "company": company, "groups": [["add", groups.value]]}
        await self.model("res.user.write", [told[0].integer()], rights)
        self.context = (await self.model("res.user.get_preferences", True)).value
        address = {"street": "Lange Gasse 1", "city": "Berlin", "postal_code": "10117", "country": germany}
        contact = {"type": "email", "value": "ada@shop.example"}
        customer = await self.create(
            "party.party",
            name="Ada Example",
            code="ADA",
            addresses=[["create", [address]]],
            contact_mechanisms=[["create", [contact]]],
        )
        fields = ["addresses"]
        (row,) = (await self.model("party.party.read", [customer], fields)).items()
        (place,) = (
            await self.model(
                "stock.location.search_read",
                [["type", "=", "warehouse"]],
                0,
                1,
                None,
                ["storage_location", "input_location"],
            )
        ).items()
        (unit,) = (await self.model("product.uom.search", [["symbol", "=", "u"]], 0, 1, None)).items()
        self.known = {
            "currency": currency,
            "company": company,
            "party": customer,
            "address": next(iter(row["addresses"])).integer(),
            "warehouse": place["id"].integer(),
            "storage": place["storage_location"].integer(),
            "input": place["input_location"].integer(),
            "unit": unit.integer(),
        }

    async def add_product(self, sku: str, price: str, on_hand: int) -> None:
        unit = self.known["unit"]
        template = await self.create(
            "product.template",
            name=sku.title(),
            code=sku,
            type="goods",
            default_uom=unit,
            salable=True,
            sale_uom=unit,
            purchasable=True,
            purchase_uom=unit,
            list_price=money(price),
            products=[["create", [{}]]],
        )
        found = await self.model("product.product.search", [["template", "=", template]], 0, 1, None)
        self.products[sku] = found.items()[0].integer()
        await self.count(sku, on_hand)

    async def count(self, sku: str, quantity: int) -> None:
        lines = [["create", [{"product": self.products[sku], "quantity": float(quantity)}]]]
        made = await self.create("stock.inventory", location=self.known["storage"], lines=lines)
        await self.press("stock.inventory", [made], "confirm")

    async def sell(self, reference: str, quantities: dict[str, int]) -> int:
        """A sale that is being processed, its delivery waiting; its id."""
        made = await self.create("sale.sale", **self._trade(quantities), reference=reference, shipment_method="order",
                                 shipment_address=self.known["address"])  # fmt: skip
        await self.press("sale.sale", [made], "quote", "confirm", "process")
        return made

    async def buy(self, quantities: dict[str, int], year: int, month: int, day: int) -> int:
        due = {"__class__": "date", "year": year, "month": month, "day": day}
        made = await self.create("purchase.purchase", **self._trade(quantities), delivery_date=due)
        await self.press("purchase.purchase", [made], "quote", "confirm", "process")
        return made

    def _trade(self, quantities: dict[str, int]) -> dict[str, Any]:
        lines = [
            {"type": "line", "product": self.products[sku], "quantity": float(quantity), "unit": self.known["unit"]}
            | {"unit_price": money("11.90")}
            for sku, quantity in quantities.items()
        ]
        return {
            "party": self.known["party"],
            "invoice_party": self.known["party"],
            "invoice_address": self.known["address"],
            "currency": self.known["currency"],
            "company": self.known["company"],
            "warehouse": self.known["warehouse"],
            "invoice_method": "manual",
            "lines": [["create", lines]],
        }

    async def deliver(self, sale: int) -> None:
        (row,) = (await self.model("sale.sale.read", [sale], ["shipments"])).items()
        deliveries = [one.integer() for one in row["shipments"]]
        await self.press("stock.shipment.out", deliveries, "wait", "assign_try", "pick", "pack", "do")

    async def receive(self, purchase: int) -> None:
        """All of it arrives."""
        (row,) = (await self.model("purchase.purchase.read", [purchase], ["moves"])).items()
        moves = [one.integer() for one in row["moves"]]
        values = {"company": self.known["company"], "supplier": self.known["party"]}
        made = await self.create(
            "stock.shipment.in",
            **values,
            contact_address=self.known["address"],
            warehouse=self.known["warehouse"],
            warehouse_input=self.known["input"],
            warehouse_storage=self.known["storage"],
        )
        await self.model("stock.shipment.in.write", [made], {"incoming_moves": [["add", moves]]})
        await self.press("stock.shipment.in", [made], "receive", "do")

    def instance(self, password: str = PASSWORD) -> Instance:
        return Instance(
            name="erp",
            options={"url": self.address, "user": "admin", "channel": "web", "time_zone": "Europe/Berlin"},
            secrets={"password": (Secret(password),)},
            locations={"WH": "central"},
        )


@asynccontextmanager
async def running(folder: Path, seconds: float = 240.0) -> AsyncIterator[Erp]:
    """An ERP with a new SQLite database in `folder`."""
    port = _free_port()
    await asyncio.to_thread(_initialise, folder, port)
    process = await asyncio.create_subprocess_exec(
        BIN / "trytond", "-c", str(folder / "trytond.conf"), "-d", "erp", stderr=subprocess.DEVNULL
    )
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            async with asyncio.timeout(seconds):
                await _until_ready(process, port)
            erp = Erp(f"http://127.0.0.1:{port}/erp", http)
            await erp.set_up()
            yield erp
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _initialise(folder: Path, port: int) -> None:
    """SQLite wants the file to be there; the first run makes the tables, the second the modules."""
    folder.joinpath("erp.sqlite").touch()
    folder.joinpath("password").write_text(PASSWORD, "utf-8")
    folder.joinpath("trytond.conf").write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n", "utf-8"
    )
    environment = {**os.environ, "TRYTONPASSFILE": str(folder / "password")}
    for arguments in (
        ["--all", "--email", "admin@shop.example", "-p"],
        ["-u", "sale", "purchase", "stock", "--activate-dependencies"],
    ):
        command = [str(BIN / "trytond-admin"), "-c", str(folder / "trytond.conf"), "-d", "erp", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)  # ours
        assert done.returncode == 0, done.stderr[-2000:]


async def _until_ready(process: asyncio.subprocess.Process, port: int) -> None:
    while True:
        assert process.returncode is None, "Tryton ended while it started"
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
