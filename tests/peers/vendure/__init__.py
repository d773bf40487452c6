"""A real Vendure shop: its Admin and Shop API, with what a test needs to place and ship an order."""

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from connectors.base import Instance, Secret
from connectors.payload import Node

HERE = Path(__file__).parent
NODE = shutil.which("node")
WHY_NOT = (
    "no Node here"
    if NODE is None
    else ""
    if HERE.joinpath("node_modules", "@vendure", "core").exists()
    else "npm ci was not run in tests/peers/vendure"
)
PASSWORD = "superadmin-of-a-test"  # of a shop that lives as long as a test
SECRET = "dmVuZHVyZS13ZWJob29rLXNlY3JldA=="  # the same


@dataclass(slots=True)
class Shop:
    """`session` of an administrator; each buyer has a session of its own."""

    address: str
    http: aiohttp.ClientSession
    token: str = ""
    api_key: str = ""
    variants: dict[str, str] = field(default_factory=dict)

    async def ask(self, api: str, document: str, variables: Mapping[str, Any], token: str) -> tuple[Node, str]:
        """Data, and the session's token; fails on any error, also those that Vendure gives as results."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": document, "variables": dict(variables)}
        async with self.http.post(f"{self.address}/{api}", json=body, headers=headers) as answer:
            told = await answer.json()
            assert "errors" not in told, told["errors"]
            for value in told["data"].values():
                assert not (isinstance(value, dict) and "errorCode" in value), value
            return Node(told["data"]), answer.headers.get("vendure-auth-token", token)

    async def admin(self, document: str, **variables: Any) -> Node:
        return (await self.ask("admin-api", document, variables, self.token))[0]

    async def log_in(self) -> None:
        document = """mutation($password: String!) {
          login(username: "superadmin", password: $password) { ... on ErrorResult { errorCode } } }"""
        _, self.token = await self.ask("admin-api", document, {"password": PASSWORD}, "")
        roles = await self.admin('{ roles(options: {filter: {code: {eq: "__super_admin_role__"}}}) { items { id } } }')
        made = await self.admin(
            """mutation($roles: [ID!]!) { createApiKey(input: {
              roleIds: $roles, translations: [{languageCode: en, name: "ordergraph"}]}) { apiKey } }""",
            roles=[role["id"].id() for role in roles["roles"]["items"]],
        )
        self.api_key = made["createApiKey"]["apiKey"].text()

    async def add_variant(self, sku: str, price: int, on_hand: int) -> None:
        product = await self.admin(
            """mutation($name: String!) { createProduct(input: {
              enabled: true,
              translations: [{languageCode: en, name: $name, slug: $name, description: ""}]}) { id } }""",
            name=sku.lower(),
        )
        made = await self.admin(
            """mutation($product: ID!, $sku: String!, $price: Money!, $stock: Int!) {
              createProductVariants(input: [{productId: $product, sku: $sku, price: $price, stockOnHand: $stock,
                trackInventory: TRUE, translations: [{languageCode: en, name: $sku}]}]) { id } }""",
            product=product["createProduct"]["id"].id(),
            sku=sku,
            price=price,
            stock=on_hand,
        )
        self.variants[sku] = made["createProductVariants"].items()[0]["id"].id()

    async def place_order(self, quantities: Mapping[str, int]) -> str:
        """Buys as a guest, paid at once; the code of the order."""
        token = ""
        for sku, quantity in quantities.items():
            document = """mutation($id: ID!, $n: Int!) { addItemToOrder(productVariantId: $id, quantity: $n) {
              ... on ErrorResult { errorCode } } }"""
            _, token = await self.ask("shop-api", document, {"id": self.variants[sku], "n": quantity}, token)
        for document in (
            """mutation { setCustomerForOrder(input: {
              firstName: "Ada", lastName: "Example", emailAddress: "ada@shop.example"}) {
              ... on ErrorResult { errorCode } } }""",
            """mutation { setOrderShippingAddress(input: {fullName: "Ada Example", streetLine1: "Lange Gasse 1",
              city: "Berlin", postalCode: "10117", countryCode: "DE"}) { ... on ErrorResult { errorCode } } }""",
            """mutation { setOrderShippingMethod(shippingMethodId: [1]) { ... on ErrorResult { errorCode } } }""",
            """mutation { transitionOrderToState(state: "ArrangingPayment") { ... on ErrorResult { errorCode } } }""",
        ):
            await self.ask("shop-api", document, {}, token)
        paid = """mutation { addPaymentToOrder(input: {method: "dummy", metadata: {}}) {
          ... on Order { code state } ... on ErrorResult { errorCode } } }"""
        told, _ = await self.ask("shop-api", paid, {}, token)
        assert told["addPaymentToOrder"]["state"].text() == "PaymentSettled"
        return told["addPaymentToOrder"]["code"].text()

    async def order(self, code: str) -> Node:
        document = """query($code: String!) { orders(options: {filter: {code: {eq: $code}}}) {
          items { id lines { id quantity } } } }"""
        return (await self.admin(document, code=code))["orders"]["items"].items()[0]

    async def fulfill(self, code: str, tracking: str, quantity: int | None = None) -> str:
        """Makes a fulfillment of all units, or of `quantity` of the first line, and ships it; its id."""
        lines = list((await self.order(code))["lines"])
        wanted = [
            {"orderLineId": line["id"].id(), "quantity": quantity or line["quantity"].integer()}
            for line in (lines if quantity is None else lines[:1])
        ]
        handler = {
            "code": "manual-fulfillment",
            "arguments": [{"name": "method", "value": "DHL"}, {"name": "trackingCode", "value": tracking}],
        }
        made = await self.admin(
            """mutation($input: FulfillOrderInput!) { addFulfillmentToOrder(input: $input) {
              ... on Fulfillment { id } ... on ErrorResult { errorCode } } }""",
            input={"lines": wanted, "handler": handler},
        )
        ident = made["addFulfillmentToOrder"]["id"].id()
        await self.move(ident, "Shipped")
        return ident

    async def move(self, fulfillment: str, state: str) -> None:
        await self.admin(
            """mutation($id: ID!, $state: String!) { transitionFulfillmentToState(id: $id, state: $state) {
              ... on Fulfillment { state } ... on ErrorResult { errorCode message } } }""",
            id=fulfillment,
            state=state,
        )

    async def cancel(self, code: str, lines: Sequence[Mapping[str, Any]] | None = None) -> None:
        await self.admin(
            """mutation($input: CancelOrderInput!) { cancelOrder(input: $input) {
              ... on Order { state } ... on ErrorResult { errorCode message } } }""",
            input={"orderId": (await self.order(code))["id"].id(), "lines": lines, "cancelShipping": True},
        )

    def instance(self, name: str = "shop") -> Instance:
        return Instance(
            name=name,
            options={"url": f"{self.address}/admin-api", "channel": "web", "channel_token": ""},
            secrets={"api_key": (Secret(self.api_key),), "webhook_secret": (Secret(SECRET),)},
            locations={"1": "shop"},
            carriers={"DHL": "dhl"},
        )


@asynccontextmanager
async def running(database: str, webhook: str = "", seconds: float = 180.0) -> AsyncIterator[Shop]:
    """A shop with its data in the empty database `database`; it tells the address `webhook` of changes."""
    assert NODE is not None
    port = _free_port()
    environment = {
        **os.environ,
        "VENDURE_PORT": str(port),
        "VENDURE_DATABASE": database,
        "VENDURE_PASSWORD": PASSWORD,
        "VENDURE_WEBHOOK": webhook,
        "VENDURE_WEBHOOK_SECRET": SECRET,
        "VENDURE_EMPTY": "1",
        "VENDURE_DISABLE_TELEMETRY": "true",
    }
    process = await asyncio.create_subprocess_exec(
        NODE, "server.mjs", cwd=HERE, env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(seconds):
            await _until_ready(process)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            shop = Shop(f"http://127.0.0.1:{port}", http)
            await shop.log_in()
            yield shop
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _until_ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    said = []
    async for line in process.stdout:
        if line.strip() == b"ready":
            return
        said.append(line.decode())
    raise AssertionError("Vendure ended while it started:\n" + "".join(said[-20:]))


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
