"""What the connectors' file leads to: refused before anything runs, called within bounds, shown as numbers."""

import asyncio
from pathlib import Path

import prometheus_client
import pytest

import db.deliveries
import db.pool
import db.pulls
from connectors.base import Capability
from connectors.errors import ConnectorError
from connectors.manifest import BadManifest
from gateway import connectors
from gateway.connector_numbers import ConnectorNumbers
from gateway.connectors import Connectors, configured

FILE = """
[carriers]
connector = "easypost"
private = {private}
options = {{url = "{url}"}}
secrets = {{api_key = "file:{key}"}}
"""


def file(tmp_path: Path, url: str, *, private: bool = True) -> Path:
    key, path = tmp_path / "key", tmp_path / "connectors.toml"
    key.write_text("key")
    path.write_text(FILE.format(url=url, key=key, private=str(private).lower()))
    return path


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://10.1.2.3/v2", "http://[::1]/", "http://localhost"])
def test_an_address_in_our_own_network_must_be_meant(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadManifest, match=r"^\[carriers\] leads into our own network\. Set private = true"):
        configured(file(tmp_path, url, private=False))
    assert set(configured(file(tmp_path, url))) == {"carriers"}


async def test_a_call_has_a_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors, "CALL_SECONDS", 0.05)
    called = Connectors(configured(file(tmp_path, "http://127.0.0.1:9")))
    async with called.opened():
        with pytest.raises(ConnectorError, match="carriers did not"):
            await called.call("carriers", Capability.TRACKING, lambda _: asyncio.sleep(30))


async def test_numbers_are_those_of_the_store(pool: db.pool.Pool) -> None:
    claimed = await db.pulls.claim(pool, "shop", "orders_pull", "SYNC")
    assert claimed is not None
    await claimed[0].fail("CONNECTOR_UNREACHABLE: gone", anew=False)
    for id_ in ("d1", "d2"):
        await db.deliveries.keep(pool, "shop", id_, "order", None, b"{}")
    await db.deliveries.failed(pool, "shop", "d1", "why", dead=True)
    numbers = ConnectorNumbers(pool)
    registry = prometheus_client.CollectorRegistry()
    registry.register(numbers)
    pull = {"instance": "shop", "capability": "orders_pull", "mode": "SYNC"}
    assert registry.get_sample_value("ordergraph_connector_pull_failing", pull) is None
    await numbers.look()
    assert registry.get_sample_value("ordergraph_connector_pull_failing", pull) == 1
    assert registry.get_sample_value("ordergraph_connector_pull_age_seconds", pull) is None
    assert registry.get_sample_value("ordergraph_connector_missed_records", pull) == 0
    assert registry.get_sample_value("ordergraph_connector_deliveries_waiting", {"instance": "shop"}) == 1
    assert registry.get_sample_value("ordergraph_connector_deliveries_dead", {"instance": "shop"}) == 1
