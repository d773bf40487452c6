"""What the connectors' file leads to: refused before anything runs, called within bounds, shown as numbers."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import prometheus_client
import pytest

import db.deliveries
import db.pool
import db.pulls
from connectors.base import Capability, Parcel
from connectors.errors import ConnectorError, Unreachable
from connectors.manifest import BadManifest, OwnCounts
from gateway import connectors
from gateway.connector_numbers import ConnectorNumbers
from gateway.connectors import Connectors, configured
from tests.connectors.test_dropship import sftp_server
from tests.simulators.easypost import KEY, Server

FILE = """
[carriers]
connector = "easypost"
private = {private}
options = {{url = "{url}"}}
secrets = {{api_key = "file:{key}"}}
"""


def track(connector: Any) -> Awaitable[Any]:
    found: Awaitable[Any] = connector.track([Parcel("usps", "EZ1000000001")])
    return found


def file(tmp_path: Path, url: str, *, private: bool = True) -> Path:
    key, path = tmp_path / "key", tmp_path / "connectors.toml"
    key.write_text(KEY)
    path.write_text(FILE.format(url=url, key=key, private=str(private).lower()))
    return path


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://10.1.2.3/v2", "http://[::1]/", "http://localhost"])
def test_an_address_in_our_own_network_must_be_meant(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadManifest, match=r"^\[carriers\] leads into our own network\. Set private = true"):
        configured(file(tmp_path, url, private=False))
    assert set(configured(file(tmp_path, url))) == {"carriers"}


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "0.0.0.0"])
def test_metadata_services_and_the_like_are_nobodys_even_where_private_is_meant(tmp_path: Path, host: str) -> None:
    for private in (True, False):
        with pytest.raises(BadManifest, match=r"^\[carriers\] names an address that no connector may call"):
            configured(file(tmp_path, f"http://{host}/v2", private=private))


async def test_a_name_that_leads_into_our_network_is_not_connected_to(tmp_path: Path) -> None:
    """A number is a name, which the resolver of the machine turns into 127.0.0.1."""
    async with Server().running() as server:
        server.add("EZ1000000001")
        address = server.url.replace("127.0.0.1", "0x7f.0.0.1")
        for private, asked in ((False, 0), (True, 1)):
            called = Connectors(configured(file(tmp_path, address, private=private)))
            async with called.opened():
                work = called.runtime.call("carriers", Capability.TRACKING, None, track, deadline=5.0, idempotent=False)
                if private:
                    assert len(await work) == 1
                else:
                    with pytest.raises(Unreachable, match=r"0x7f\.0\.0\.1 cannot be reached"):
                        await work
            assert len(server.seen) == asked


SUPPLIER = """
[acme]
connector = "dropship"
private = {private}
options = {{url = "sftp://acme@0x7f.0.0.1:{port}/drop", channel = "web", location = "HAM", host_key = "{key}"}}
secrets = {{password = "file:{password}"}}
"""


@pytest.mark.parametrize("private", [False, True])
async def test_an_sftp_server_in_our_network_is_not_connected_to_unless_that_is_meant(
    tmp_path: Path, private: bool
) -> None:
    path, password = tmp_path / "suppliers.toml", tmp_path / "password"
    password.write_text("right")
    async with sftp_server(tmp_path) as (port, key):
        path.write_text(SUPPLIER.format(private=str(private).lower(), port=port, key=key, password=password))
        called = Connectors(configured(path))
        async with called.opened():
            work = called.call("acme", Capability.ORDERS_PULL, lambda one: one.pull_orders(None, None))
            if private:
                assert (await work).records == []
            else:
                with pytest.raises(Unreachable, match=r"0x7f\.0\.0\.1 leads to no address that may be called"):
                    await work


async def test_connections_held_by_slow_systems_leave_room_for_the_others(tmp_path: Path) -> None:
    called = Connectors(configured(file(tmp_path, "http://127.0.0.1:9")))
    async with called.opened(), Server(latency=30.0).running() as slow, Server().running() as quick:
        quick.add("EZ1000000001")
        connector: Any = called.runtime.guards["carriers"].connector
        held = [asyncio.create_task(connector._http.session.get(slow.url)) for _ in range(150)]
        await slow.until_open(150)
        async with asyncio.timeout(10.0):
            answer = await connector._http.session.post(f"{quick.url}/trackers/batch", json={})
        assert answer.status == 401
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)


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


SHOPS = """
[shop]
connector = "shopify"
private = true
options = {{url = "http://127.0.0.1:9/"}}
locations = {{"1" = "HAM", "2" = "PAR"{more}}}
push = {push}
secrets = {{access_token = "file:{key}", webhook_secret = "file:{key}"}}
"""


def shops(tmp_path: Path, push: str, more: str = "", others: str = "") -> Path:
    key, path = tmp_path / "key", tmp_path / "shops.toml"
    key.write_text(KEY)
    path.write_text(SHOPS.format(push=push, more=more, key=key) + others.format(key=key))
    return path


def test_what_a_system_is_told_is_said_in_its_table(tmp_path: Path) -> None:
    assert connectors.told(configured(shops(tmp_path, '["HAM"]'))) == {"shop": ("HAM",)}
    assert connectors.told(configured(shops(tmp_path, "[]"))) == {}


@pytest.mark.parametrize(
    ("push", "more", "why"),
    [
        ('["OSL"]', "", r"^\[shop\] pushes to OSL, which is none of its locations\.$"),
        ('["HAM"]', ', "3" = "HAM"', r"^\[shop\] pushes to HAM, which 2 of its locations are; one may be\.$"),
    ],
)
def test_a_push_that_leads_nowhere_is_refused(tmp_path: Path, push: str, more: str, why: str) -> None:
    with pytest.raises(BadManifest, match=why):
        configured(shops(tmp_path, push, more))


def test_who_cannot_be_told_is_refused(tmp_path: Path) -> None:
    path = file(tmp_path, "http://127.0.0.1:9")
    path.write_text(path.read_text() + 'locations = {"1" = "HAM"}\npush = ["HAM"]\n')
    with pytest.raises(BadManifest, match=r"^\[carriers\] sets push, but easypost cannot be told of stock\.$"):
        configured(path)


def test_a_system_is_not_told_its_own_counts_under_another_name(tmp_path: Path) -> None:
    again = SHOPS.replace("[shop]", "[counts]").replace("{more}", "")
    with pytest.raises(OwnCounts, match=r"^\[shop\] would be told its own counts of HAM: \[counts\] is the same") as no:
        configured(shops(tmp_path, '["HAM"]', others=again.replace("{push}", '["PAR"]')))
    assert no.value.code == "CONNECTOR_OWN_COUNTS"
    both = again.replace("{push}", '["HAM"]')
    assert set(connectors.told(configured(shops(tmp_path, '["HAM"]', others=both)))) == {"shop", "counts"}
