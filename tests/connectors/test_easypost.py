"""EasyPost: trackers asked for in batches, unknown ones registered, webhooks believed only when signed."""

import dataclasses
import datetime as dt
import re

import orjson
import pytest

from connectors.base import Forged, Parcel, Secret, WebhookRequest
from connectors.easypost import create, mapping, webhooks
from connectors.errors import BadPayload, RateLimited
from connectors.payload import Node
from domain.status import ShipmentStatus
from tests.conftest import SHARED
from tests.connectors.answered import well
from tests.simulators.base import Fault, opener
from tests.simulators.easypost import SECRET, Server, delivery, instance, signed

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
RECORDED = SHARED / "vendor" / "easypost"
SECRETS = (Secret(SECRET),)


async def test_a_hundred_and_one_parcels_are_two_requests_and_come_in_their_order() -> None:
    async with Server().running() as server, opener() as http:
        numbers = [f"EZ{place:04}" for place in range(101)]
        for number in numbers:
            server.add(number)
            server.scan(number, "in_transit", "departed_facility", "2026-11-24T08:00:00Z", "Houston")
        parcels = [Parcel("usps", number) for number in reversed(numbers)]
        told = well(await create(instance(server.url), http).track([*parcels, parcels[0]]))
        assert [scans[0].tracking_number for scans in told] == [*reversed(numbers), numbers[-1]]
        assert {(scan.status, scan.city) for scans in told for scan in scans} == {
            (ShipmentStatus.IN_TRANSIT, "Houston")
        }
        assert [seen.path for seen in server.seen] == ["/trackers/batch", "/trackers/batch"]


async def test_an_unknown_parcel_is_registered_with_its_carrier_and_an_impossible_one_is_unknown() -> None:
    async with Server(unknown={"nonsense"}).running() as server, opener() as http:
        told = well(await create(instance(server.url), http).track([Parcel("dhl", "JD01"), Parcel("usps", "nonsense")]))
        assert [len(scans) for scans in told] == [1, 0]
        assert (told[0][0].carrier, told[0][0].status) == ("dhl", ShipmentStatus.UNKNOWN)
        assert [seen.json() for seen in server.seen[1:]] == [
            {"tracker": {"tracking_code": "JD01", "carrier": "DHLExpress"}},
            {"tracker": {"tracking_code": "nonsense"}},
        ]


async def test_nothing_is_registered_where_that_is_not_wanted() -> None:
    async with Server().running() as server, opener() as http:
        of = dataclasses.replace(instance(server.url), options={"url": server.url, "register": "false"})
        assert await create(of, http).track([Parcel("dhl", "JD01")]) == [()]
        assert server.trackers == {}


async def test_the_same_number_of_another_carrier_is_another_parcel() -> None:
    async with Server().running() as server, opener() as http:
        server.add("1", "USPS")
        server.unknown.add("1")
        told = well(await create(instance(server.url), http).track([Parcel("usps", "1"), Parcel("dhl", "1")]))
        assert [len(scans) for scans in told] == [1, 0]


async def test_a_refusal_while_registering_is_told_as_it_is() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        server.add("1")
        server.faults.extend([Fault.RATE_LIMITED])
        with pytest.raises(RateLimited) as raised:
            await connector.track([Parcel("usps", "1")])
        assert raised.value.retry_after == 1.0
        assert len(server.seen) == 1


@pytest.mark.skipif(not RECORDED.is_dir(), reason="needs ../shared/vendor/easypost")
@pytest.mark.parametrize("name", ["tracker_create", "tracker_retrieve", "tracker_delete"])
def test_what_the_vendors_own_library_has_recorded_is_understood(name: str) -> None:
    text = (RECORDED / f"{name}.yaml").read_text()
    bodies = [found.replace("''", "'") for found in re.findall(r"string: '((?:[^']|'')*)'", text)]
    trackers = [Node(orjson.loads(re.sub(r"\s*\n\s+", " ", body))) for body in bodies if '"Tracker"' in body]
    assert trackers
    for tracker in trackers:
        told = mapping.scans(tracker, instance("http://unused.example"))
        assert [(scan.carrier, scan.status, scan.city) for scan in told] == [
            ("usps", ShipmentStatus.LABEL_CREATED, None),
            ("usps", ShipmentStatus.LABEL_CREATED, "HOUSTON"),
        ]
        assert told[0].estimated_delivery_at is None
        assert told[1].estimated_delivery_at == tracker["est_delivery_date"].instant()


def test_a_genuine_delivery_is_named_by_its_event() -> None:
    request = delivery(SECRET, NOW)
    told = webhooks.verify(request, SECRETS)
    assert (told.id, told.topic, told.sent_at) == (orjson.loads(request.body)["id"], "tracker.updated", NOW)


def test_either_secret_holds_while_one_is_changed() -> None:
    assert webhooks.verify(delivery("old", NOW), (Secret("new"), Secret("old"))).topic == "tracker.updated"


def test_version_one_of_the_signature_alone_is_enough() -> None:
    request = delivery(SECRET, NOW)
    headers = {"x-hmac-signature": request.headers["x-hmac-signature"]}
    assert webhooks.verify(dataclasses.replace(request, headers=headers), SECRETS).sent_at is None


def forged(request: WebhookRequest, **changes: str | None) -> WebhookRequest:
    headers = {**request.headers, **{name.replace("_", "-"): value for name, value in changes.items()}}
    kept = {name: value for name, value in headers.items() if value is not None}
    return dataclasses.replace(request, headers=kept)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (delivery("wrong", NOW), "signature"),
        (forged(delivery(SECRET, NOW), x_hmac_signature_v2=None, x_hmac_signature=None), "no signature"),
        (forged(delivery(SECRET, NOW), x_hmac_signature_v2="hmac-sha256-hex=é"), "signature"),
        (forged(delivery(SECRET, NOW), x_path="/elsewhere"), "signature"),
        (forged(delivery(SECRET, NOW), x_timestamp=None), "when it was sent"),
        (forged(delivery(SECRET, NOW), x_timestamp="yesterday"), "when it was sent"),
        (dataclasses.replace(delivery(SECRET, NOW), received_at=NOW + dt.timedelta(minutes=6)), "too long ago"),
        (dataclasses.replace(delivery(SECRET, NOW), received_at=NOW - dt.timedelta(minutes=6)), "future"),
        (dataclasses.replace(delivery(SECRET, NOW), body=delivery(SECRET, NOW).body + b" "), "signature"),
        (dataclasses.replace(delivery(SECRET, NOW), body=delivery(SECRET, NOW).body[:-9]), "signature"),
    ],
)
def test_what_is_not_easyposts_is_forged(request_: WebhookRequest, message: str) -> None:
    with pytest.raises(Forged, match=message):
        webhooks.verify(request_, SECRETS)


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(Forged):
        webhooks.verify(delivery(SECRET, NOW), ())


async def test_events_of_no_concern_are_left_alone_and_a_tracker_event_without_tracker_is_bad() -> None:
    async with opener() as http:
        connector = create(instance("http://unused.example"), http)
        for event, topic in (({"id": "1", "description": "batch.created"}, "batch.created"),):
            headers, body = signed(event, SECRET, NOW)
            told = connector.verify(WebhookRequest(headers, body, NOW))
            assert told.topic == topic
            assert await connector.records_of(told, body) == ()
        headers, body = signed(
            {"id": "2", "description": "tracker.updated", "result": {"object": "Batch"}}, SECRET, NOW
        )
        with pytest.raises(BadPayload, match="tracker"):
            await connector.records_of(connector.verify(WebhookRequest(headers, body, NOW)), body)
