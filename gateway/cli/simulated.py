"""Two outside systems for the demo: a storefront and a carrier, simulated on loopback, connected as real ones are.

They are the simulators of the tests, so they are there only where the demo runs from a checkout.
"""

import asyncio
import contextlib
import datetime as dt
import importlib
import importlib.util
import itertools
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from gateway.settings import Settings

log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 6.0
FILE: Final = """# Made by `ordergraph demo` at each start; docs/connectors.md says what it means.
[carrier-net]
connector = "easypost"
private = true
options = {{url = "{carrier}", register = "false"}}
carriers = {{DHLExpress = "dhl"}}
secrets = {{api_key = "file:{folder}/carrier.key", webhook_secret = "file:{folder}/carrier.secret"}}

[webshop]
connector = "shopify"
private = true
options = {{url = "{shop}/admin/api/2026-10"}}
channels = {{web = "web"}}
locations = {{"1" = "HAM-1"}}
carriers = {{"DHL Express" = "dhl"}}
secrets = {{access_token = "file:{folder}/shop.key", webhook_secret = "file:{folder}/shop.secret"}}
"""
QUESTION: Final = """What do the outside systems say right now? (support)

{
  orders(first: 3, filter: {customerId: "7000001"}) {
    nodes {
      number status live(maxAge: 0) { status stale reason source latencyMs }
      shipments { trackingNumber status live(maxAge: 0) { status fetchedAt stale reason source latencyMs } }
    }
  }
}"""
# In the question above; nobody in the samples.
CUSTOMER: Final = 7_000_001
SKUS: Final = ("BOTTLE-1L", "LAMP-400", "ROPE-60")
SCANS: Final = (
    ("in_transit", "departed_facility"),
    ("out_for_delivery", "out_for_delivery"),
    ("delivered", "arrived_at_destination"),
)


def there() -> bool:
    """Whether this is a checkout, with the tests' simulators in it."""
    return importlib.util.find_spec("tests") is not None and importlib.util.find_spec("tests.simulators") is not None


class Simulated:
    """Both systems, from `start` to the end of the loop; after `open` things happen in them."""

    def __init__(self, settings: "Settings") -> None:
        self.folder = settings.data_dir.absolute() / "demo"
        self.file = self.folder / "connectors.toml"
        self.easypost: Any = importlib.import_module("tests.simulators.easypost")
        self.shopify: Any = importlib.import_module("tests.simulators.shopify")
        self.carrier = self.easypost.Server()
        # By the second of the start, so that a later demo over the same data has other orders.
        first = int(dt.datetime.now(dt.UTC).timestamp()) % 10_000_000
        self.shop = self.shopify.Server(numbers=itertools.count(first), now=dt.datetime.now(dt.UTC))
        self.dice = random.Random()  # noqa: S311  # picks what happens in a demo
        self.listening = asyncio.Event()
        self.gateway = ""
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Both listen, and the connectors' file leads to them."""
        self.task = asyncio.create_task(self._run())
        await self.listening.wait()
        self._write()

    def open(self, url: str) -> None:
        """The gateway answers at `url`, so there is somebody to tell."""
        self.gateway = url

    def _write(self) -> None:
        secrets = {
            "carrier.key": self.easypost.KEY,
            "carrier.secret": self.easypost.SECRET,
            "shop.key": self.shopify.TOKEN,
            "shop.secret": self.shopify.SECRET,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, secret in secrets.items():
            Path(self.folder, name).write_text(secret, "utf-8")
        text = FILE.format(carrier=self.carrier.url, shop=self.shop.url, folder=self.folder.as_posix())
        self.file.write_text(text, "utf-8")

    async def _run(self) -> None:
        async with self.carrier.running(), self.shop.running():
            self.listening.set()
            for sku in SKUS:
                self.shop.count(sku, 1, 40)
            parcels: dict[str, int] = {}
            for turn in itertools.count():
                if not self.gateway:
                    await asyncio.sleep(0.1)
                    continue
                with contextlib.suppress(OSError):
                    await (self._sell(parcels) if turn % 4 == 0 or not parcels else self._scan(parcels))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _sell(self, parcels: dict[str, int]) -> None:
        """An order at the storefront, shipped a moment later; the carrier knows its label."""
        self.shop.now = dt.datetime.now(dt.UTC)
        order = self.shop.add({self.dice.choice(SKUS): 1})
        order["customer"]["id"] = f"gid://shopify/Customer/{CUSTOMER}"
        await self._told()
        await asyncio.sleep(PAUSE_SECONDS / 2)
        self.shop.now = dt.datetime.now(dt.UTC)
        number, tracking = int(order["name"].removeprefix("#")), f"JD{next(self.shop.numbers):010d}"
        self.carrier.add(tracking, "DHLExpress", _now())
        self.carrier.scan(tracking, "pre_transit", "label_created", _now())
        self.shop.ship(number, tracking)
        await self._told()
        parcels[tracking] = 0

    async def _told(self) -> None:
        statuses = await self.shop.deliver(f"{self.gateway}/webhooks/webshop")
        if refused := [status for status in statuses if status != 200]:
            log.warning("the storefront was not listened to", status=refused[0])

    async def _scan(self, parcels: dict[str, int]) -> None:
        """A parcel goes on. Every other time the carrier tells nobody: only a live field knows."""
        tracking = self.dice.choice(list(parcels))
        event = self.carrier.scan(tracking, *SCANS[parcels[tracking]], _now(), "Berlin")
        parcels[tracking] += 1
        if parcels[tracking] == len(SCANS):
            del parcels[tracking]
        if self.dice.random() < 0.5 and tracking in parcels:
            return
        status = await self.carrier.send(event, f"{self.gateway}/webhooks/carrier-net")
        if status != 200:
            log.warning("the carrier was not listened to", status=status)


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
