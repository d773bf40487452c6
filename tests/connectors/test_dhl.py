"""DHL: a request per parcel, few at once; unknown numbers are unknown, not errors."""

import dataclasses

import pytest

from connectors.base import Parcel, Secret
from connectors.dhl import create
from connectors.errors import Unauthorized
from domain.status import ShipmentStatus
from tests.connectors.answered import well
from tests.simulators.base import opener
from tests.simulators.dhl import Server, instance


async def test_parcels_come_in_their_order_and_one_that_dhl_does_not_know_is_empty() -> None:
    async with Server().running() as server, opener() as http:
        server.scan("1", "pre-transit", "Announced", "2026-11-23T18:00:00")
        server.scan("1", "transit", "On its way", "2026-11-24T02:00:00", "Leipzig")
        server.scan("3", "delivered", "At the door", "2026-11-24T09:00:00")
        told = well(await create(instance(server.url), http).track([Parcel("dhl", number) for number in "123"]))
        assert [[(scan.tracking_number, scan.status) for scan in scans] for scans in told] == [
            [("1", ShipmentStatus.LABEL_CREATED), ("1", ShipmentStatus.IN_TRANSIT)],
            [],
            [("3", ShipmentStatus.DELIVERED)],
        ]
        assert sorted(seen.query["trackingNumber"] for seen in server.seen) == ["1", "2", "3"]
        assert all("service" not in seen.query for seen in server.seen)


async def test_the_division_is_asked_for_where_it_is_set() -> None:
    async with Server().running() as server, opener() as http:
        of = instance(server.url)
        of = dataclasses.replace(of, options={**of.options, "service": "express"})
        await create(of, http).track([Parcel("dhl", "1")])
        assert [seen.query["service"] for seen in server.seen] == ["express"]


async def test_a_wrong_key_is_unauthorized_and_asked_with_once() -> None:
    async with Server().running() as server, opener() as http:
        of = dataclasses.replace(instance(server.url), secrets={"api_key": (Secret("wrong"),)})
        with pytest.raises(Unauthorized, match="Renew") as raised:
            await create(of, http).track([Parcel("dhl", "1")])
        assert "wrong" not in str(raised.value)
        assert len(server.seen) == 1
