"""UPS: one token for all, parcels and lanes one by one, alerts in hundreds; only the shown credential is believed."""

import dataclasses
import datetime as dt
import re

import orjson
import pytest

from connectors.base import Forged, Lane, Parcel, Secret, WebhookRequest
from connectors.errors import BadPayload, Unauthorized
from connectors.ups import create, webhooks, words
from connectors.ups.words import status
from domain.status import ShipmentStatus
from tests.conftest import SHARED
from tests.connectors.answered import well
from tests.simulators.base import Fault, opener
from tests.simulators.ups import CREDENTIAL, LANE, Server, delivery, instance

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
OPENAPI = SHARED / "vendor" / "ups"


async def test_parcels_come_in_order_with_one_token_and_unknown_ones_empty() -> None:
    async with Server().running() as server, opener() as http:
        server.scan("1Z000001", "I", "DP", "005", NOW)
        server.scan("1Z000001", "I", "OT", "021", NOW + dt.timedelta(hours=2))
        server.days["1Z000001"] = [{"type": "SDD", "date": "20261125"}]
        numbers = ["1Z000002", "1Z000001", "9400000001"]
        told = well(await create(instance(server.url), http).track([Parcel("ups", number) for number in numbers]))
        assert [[scan.status for scan in scans] for scans in told] == [
            [],
            [ShipmentStatus.IN_TRANSIT, ShipmentStatus.OUT_FOR_DELIVERY],
            [],
        ]
        assert [scan.occurred_at for scan in told[1]] == [NOW, NOW + dt.timedelta(hours=2)]
        assert told[1][1].estimated_delivery_at == dt.datetime(2026, 11, 26, 4, 59, 59, tzinfo=dt.UTC)
        assert [seen.path for seen in server.seen].count("/security/v1/oauth/token") == 1


async def test_a_parcel_that_has_arrived_has_no_estimate() -> None:
    async with Server().running() as server, opener() as http:
        server.scan("1Z000001", "D", "FS", "011", NOW)
        server.days["1Z000001"] = [{"type": "SDD", "date": "20261125"}, {"type": "DEL", "date": "20261125"}]
        ((scan,),) = well(await create(instance(server.url), http).track([Parcel("ups", "1Z000001")]))
        assert (scan.status, scan.estimated_delivery_at) == (ShipmentStatus.DELIVERED, None)


async def test_a_token_that_ups_forgot_is_renewed_and_wrong_credentials_are_told() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        await connector.track([Parcel("ups", "1Z000001")])
        server.tokens.clear()
        await connector.track([Parcel("ups", "1Z000001")])
        assert server.tokens == {"token-2"}
        secrets = {**instance(server.url).secrets, "client_secret": (Secret("wrong"),)}
        other = create(dataclasses.replace(instance(server.url), secrets=secrets), http)
        with pytest.raises(Unauthorized) as raised:
            await other.track([Parcel("ups", "1Z000001")])
        assert "wrong" not in str(raised.value)


async def test_what_is_no_number_never_becomes_a_path() -> None:
    async with Server().running() as server, opener() as http:
        with pytest.raises(BadPayload, match="7 to 34"):
            await create(instance(server.url), http).track([Parcel("ups", "../../oauth")])
        assert server.seen == []


async def test_alerts_are_asked_for_in_hundreds_and_refused_numbers_are_told() -> None:
    async with Server().running() as server, opener() as http:
        numbers = [f"1Z{place:06}" for place in range(150)]
        parcels = [Parcel("ups", number) for number in [*numbers, "nonsense", numbers[0]]]
        told = await create(instance(server.url), http).watch(parcels)
        assert [until is None for until in told] == [False] * 150 + [True, False]
        assert server.alerts == set(numbers)
        sizes = [len(seen.json()["trackingNumberList"]) for seen in server.seen if seen.path.endswith("package")]
        assert sizes == [100, 51]


async def test_only_refused_numbers_are_no_error_but_any_other_refusal_is() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        assert await connector.watch([Parcel("ups", "nonsense")]) == [None]
        server.faults.append(Fault.BROKEN)
        with pytest.raises(Exception, match="fault of its own"):
            await connector.watch([Parcel("ups", "1Z000001")])


async def test_times_in_transit_per_service_and_none_where_ups_does_not_go() -> None:
    async with Server().running() as server, opener() as http:
        ground = dataclasses.replace(LANE, service="GND", weight_grams=40)
        lanes = [LANE, ground, Lane("DE", "10703", "AQ", "1", dt.date(2026, 11, 25))]
        told = await create(instance(server.url), http).estimate(lanes)
        assert [[(one.service, one.latest.isoformat()) for one in services] for services in told] == [
            [("1DA", "2026-11-26T15:30:00+00:00"), ("GND", "2026-11-30T04:00:00+00:00")],
            [("GND", "2026-11-30T04:00:00+00:00")],
            [],
        ]
        asked = [seen.json() for seen in server.seen if seen.path.endswith("transittimes")]
        assert sorted(one.get("weight", "") for one in asked) == ["", "", "0.1"]


def test_a_genuine_alert_is_known_by_its_content() -> None:
    first, again = delivery(CREDENTIAL, NOW), delivery(CREDENTIAL, NOW)
    secrets = (Secret("new"), Secret(CREDENTIAL))
    assert webhooks.verify(first, secrets) == webhooks.verify(again, secrets)
    assert webhooks.verify(delivery(CREDENTIAL, NOW + dt.timedelta(hours=1)), secrets) != webhooks.verify(
        first, secrets
    )


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer ", "Bearer wrong", "wrong", f"Bearer {CREDENTIAL}x", "Bearer é"]
)
def test_without_the_credential_it_is_forged(shown: str) -> None:
    request = dataclasses.replace(delivery(CREDENTIAL, NOW), headers={"authorization": shown})
    with pytest.raises(Forged):
        webhooks.verify(request, (Secret(CREDENTIAL),))
    with pytest.raises(Forged):
        webhooks.verify(request, ())


def test_a_cut_alert_is_bad() -> None:
    request = delivery(CREDENTIAL, NOW)
    for body in (request.body[:-5], b"[]", b'{"trackingNumber": "1Z"}'):
        with pytest.raises(BadPayload):
            webhooks.verify(WebhookRequest(request.headers, body, NOW), (Secret(CREDENTIAL),))


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        ("I", "021", ShipmentStatus.OUT_FOR_DELIVERY),
        ("D", "021", ShipmentStatus.OUT_FOR_DELIVERY),
        ("X", "064", ShipmentStatus.EXCEPTION),
        ("X", None, ShipmentStatus.EXCEPTION),
        ("X", "soon", ShipmentStatus.EXCEPTION),
        ("I", "998", ShipmentStatus.IN_TRANSIT),
        ("U", "154", ShipmentStatus.UNKNOWN),
        ("?", "²", ShipmentStatus.UNKNOWN),
    ],
)
def test_the_code_says_more_than_the_type(kind: str, code: str | None, expected: ShipmentStatus) -> None:
    assert status(kind, code) is expected


def test_an_alert_of_type_d_has_arrived_only_with_a_day_of_arrival() -> None:
    alerted = words.alerted
    assert alerted("D", None, arrived=False) is ShipmentStatus.OUT_FOR_DELIVERY
    assert alerted("D", "998", arrived=False) is ShipmentStatus.OUT_FOR_DELIVERY
    assert alerted("D", "998", arrived=True) is ShipmentStatus.DELIVERED
    assert alerted("D", "011", arrived=False) is ShipmentStatus.DELIVERED
    assert alerted("I", None, arrived=False) is ShipmentStatus.IN_TRANSIT


@pytest.mark.skipif(not OPENAPI.is_dir(), reason="needs ../shared/vendor/ups")
async def test_only_names_of_the_vendors_own_documents_are_used() -> None:
    names = set(re.findall(r"^ +(\w+):", "\n".join(path.read_text() for path in OPENAPI.glob("*.yaml")), re.MULTILINE))
    answers: list[object] = []
    async with Server().running() as server, opener() as http:
        answers.append(server.scan("1Z000001", "I", "DP", "005", NOW))
        answers.extend(server.activities["1Z000001"])
        connector = create(instance(server.url), http)
        await connector.track([Parcel("ups", "1Z000001")])
        await connector.watch([Parcel("ups", "1Z000001")])
        await connector.estimate([LANE])
        answers.extend(orjson.loads(seen.body) for seen in server.seen if seen.body.startswith(b"{"))
    used = {name for answer in answers for name in keys(answer)}
    assert len(used) > 30
    assert used - names == set()


def keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in keys(inner)}
    return {name for inner in value for name in keys(inner)} if isinstance(value, list) else set()
