"""Suppliers: orders left as files, once and whole; answers from all files together; bad ones put aside; and by REST."""

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import FulfillmentAnswer, Instance, RequestedLine, Secret
from connectors.dropship import create, x12
from connectors.dropship.drop import Folder, opened
from connectors.dropship.files import PAGE, FileSupplier
from connectors.dropship.mapping import order_of, purchase_order
from connectors.dropship.rest import RestSupplier
from connectors.errors import BadPayload, Unauthorized, Unreachable
from connectors.http import Http
from domain.records import FulfillmentRecord, OrderRef, Record, StockRecord
from domain.status import FulfillmentStatus
from tests.contract.abilities import never
from tests.simulators import dropship
from tests.simulators.base import opener
from tests.simulators.dropship import NOW, REQUEST, Server, instance

PURCHASE = purchase_order(REQUEST.key, "1001")


def supplier(root: Path) -> tuple[FileSupplier, dropship.FileSupplier]:
    """Our side and theirs."""
    connector = FileSupplier(instance(root.as_uri()), Folder(root), clock=lambda: NOW.timestamp() + 60)
    return connector, dropship.FileSupplier(root)


async def only(connector: FileSupplier) -> FulfillmentRecord:
    (record,) = (await connector.pull_orders(None, None)).records
    assert isinstance(record, FulfillmentRecord)
    return record


async def test_an_order_is_left_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    connector, theirs = supplier(tmp_path)
    requested = FulfillmentAnswer(PURCHASE, FulfillmentStatus.REQUESTED)
    assert await connector.request_fulfillment(REQUEST) == requested
    assert theirs.orders() == {PURCHASE: {"MUG-BLUE": 2, "PLATE": 1}}
    assert await connector.request_fulfillment(REQUEST) == requested
    assert theirs.orders() == {}
    (sent,) = x12.parsed((tmp_path / "sent" / f"{PURCHASE}.x12").read_bytes())
    # Separators in a name cannot break the file.
    assert x12.element(sent.first("N1"), 2) == "Ada   Example"


async def test_a_slow_supplier_acknowledges_ships_in_parts_and_is_done(tmp_path: Path) -> None:
    connector, theirs = supplier(tmp_path)
    await connector.request_fulfillment(REQUEST)
    assert (await connector.pull_orders(None, None)).records == []
    theirs.acknowledge(PURCHASE, {"MUG-BLUE": "IA", "PLATE": "IB"})
    record = await only(connector)
    assert (record.order, record.location, record.status) == (
        OrderRef("web", "1001"),
        "acme",
        FulfillmentStatus.ACCEPTED,
    )
    theirs.ship(PURCHASE, "1Z01", {"MUG-BLUE": 1})
    record = await only(connector)
    assert record.status is FulfillmentStatus.IN_PROGRESS
    assert [(line.line, line.quantity) for line in record.lines] == [("MUG-BLUE", 2), ("PLATE", 1)]
    theirs.ship(PURCHASE, "1Z02", {"MUG-BLUE": 1, "PLATE": 1}, carrier="FDEG")
    record = await only(connector)
    assert record.status is FulfillmentStatus.COMPLETED
    assert [
        (parcel.carrier, parcel.tracking_number, [(line.line, line.quantity) for line in parcel.lines or ()])
        for parcel in record.shipments
    ] == [("ups", "1Z01", [("MUG-BLUE", 1)]), ("fdeg", "1Z02", [("MUG-BLUE", 1), ("PLATE", 1)])]
    assert record.occurred_at == NOW + dt.timedelta(seconds=3)
    assert await connector.look_up_fulfillments([PURCHASE, "none.abcdef"]) == [[record], []]
    assert (await connector.cancel_fulfillment(PURCHASE, "k")).refused == "NOT_BY_X12"


def counted(record: FulfillmentRecord) -> list[tuple[str, int, int | None]]:
    return [(line.line, line.quantity, line.shipped) for line in record.lines]


async def test_a_line_that_will_not_come_is_no_work_and_never_sent(tmp_path: Path) -> None:
    connector, theirs = supplier(tmp_path)
    await connector.request_fulfillment(REQUEST)
    theirs.acknowledge(PURCHASE, {"MUG-BLUE": "IA", "PLATE": "IR"})
    record = await only(connector)
    assert (record.status, counted(record)) == (FulfillmentStatus.ACCEPTED, [("MUG-BLUE", 2, 0)])
    theirs.ship(PURCHASE, "1Z01", {"MUG-BLUE": 2})
    record = await only(connector)
    assert (record.status, counted(record)) == (FulfillmentStatus.COMPLETED, [("MUG-BLUE", 2, 2)])


@pytest.mark.parametrize(
    ("words", "coming"),
    [
        ([("IA", "2")], 2),
        ([("IQ", "1")], 1),
        ([("IQ", "1"), ("IB", "1")], 2),
        ([("IA", "1"), ("IR", "1")], 1),
        ([("IA", "1"), ("R2", "1.0")], 1),
        ([("IB", "2")], 2),
    ],
)
async def test_a_supplier_may_take_a_part_of_a_line(tmp_path: Path, words: list[tuple[str, str]], coming: int) -> None:
    connector, theirs = supplier(tmp_path)
    await connector.request_fulfillment(REQUEST)
    acks = [("ACK", word, units, "EA") for word, units in words]
    lines = [("PO1", "1", "2", "EA", "", "", "SK", "MUG-BLUE"), *acks]
    theirs.leave_set("855", "PR", [("BAK", "00", "AC", PURCHASE, "20261125"), *lines, ("CTT", "1")])
    record = await only(connector)
    assert (record.status, counted(record)) == (
        FulfillmentStatus.ACCEPTED,
        [("MUG-BLUE", coming, 0), ("PLATE", 1, 0)],
    )


async def test_a_notice_that_is_sent_again_tells_of_the_same_parcels(tmp_path: Path) -> None:
    connector, theirs = supplier(tmp_path)
    await connector.request_fulfillment(REQUEST)
    for _ in range(2):
        theirs.ship(PURCHASE, "1Z01", {"MUG-BLUE": 1})
    record = await only(connector)
    assert record.status is FulfillmentStatus.IN_PROGRESS
    assert [one.tracking_number for one in record.shipments] == ["1Z01"]
    assert counted(record) == [("MUG-BLUE", 2, 1), ("PLATE", 1, 0)]


async def test_a_notice_may_replace_or_take_back_the_one_of_its_number(tmp_path: Path) -> None:
    connector, theirs = supplier(tmp_path)
    await connector.request_fulfillment(REQUEST)
    theirs.ship(PURCHASE, "1Z01", {"MUG-BLUE": 1}, number="S1")
    theirs.ship(PURCHASE, "1Z02", {"MUG-BLUE": 2}, number="S1", purpose="05")
    record = await only(connector)
    assert [one.tracking_number for one in record.shipments] == ["1Z02"]
    theirs.ship(PURCHASE, "1Z02", {"MUG-BLUE": 2}, number="S1", purpose="01")
    record = await only(connector)
    assert (record.status, record.shipments) == (FulfillmentStatus.REQUESTED, ())
    assert counted(record) == [("MUG-BLUE", 2, 0), ("PLATE", 1, 0)]


async def test_a_parcel_without_a_number_is_not_the_one_before(tmp_path: Path) -> None:
    """Its number is that of the shipment; where that has none the file is put aside."""
    connector, theirs = supplier(tmp_path)
    await connector.request_fulfillment(REQUEST)

    def notice(*above: tuple[str, ...]) -> list[tuple[str, ...]]:
        mug, plate = [("LIN", "", "SK", sku) for sku in ("MUG-BLUE", "PLATE")]
        return [
            ("BSN", "00", "S1", "20261125", "0900"),
            *(("HL", "1", "", "S"), *above),
            *(("HL", "2", "1", "O"), ("PRF", PURCHASE)),
            *(("HL", "3", "2", "P"), ("MAN", "CP", "1Z01"), ("HL", "4", "3", "I"), mug, ("SN1", "", "2.0", "EA")),
            *(("HL", "5", "2", "P"), ("HL", "6", "5", "I"), plate, ("SN1", "", "1", "EA")),
            ("CTT", "6"),
        ]

    name = theirs.leave_set("856", "SH", notice())
    assert (await connector.pull_orders(None, None)).records == []
    assert "in no parcel" in (tmp_path / "refused" / f"{name}.reason.txt").read_text()
    theirs.leave_set("856", "SH", notice(("REF", "CN", "1Z00")))
    parcels = [
        (one.tracking_number, [line.line for line in one.lines or ()]) for one in (await only(connector)).shipments
    ]
    assert parcels == [("1Z01", ["MUG-BLUE"]), ("1Z00", ["PLATE"])]


@pytest.mark.parametrize("units", ["1.5", "-1", "many", "NaN"])
async def test_a_file_with_a_wrong_quantity_is_put_aside(tmp_path: Path, units: str) -> None:
    connector, theirs = supplier(tmp_path)
    await connector.request_fulfillment(REQUEST)
    name = theirs.ship(PURCHASE, "1Z01", {"MUG-BLUE": units})
    assert (await connector.pull_orders(None, None)).records == []
    assert (tmp_path / "refused" / name).exists()


async def test_two_lines_of_one_sku_are_both_asked_for(tmp_path: Path) -> None:
    connector, theirs = supplier(tmp_path)
    lines = (RequestedLine("1", "MUG-BLUE", 2), RequestedLine("2", "MUG-BLUE", 3))
    await connector.request_fulfillment(dataclasses.replace(REQUEST, lines=lines))
    theirs.acknowledge(PURCHASE, {"MUG-BLUE": "IA"})
    assert counted(await only(connector)) == [("MUG-BLUE", 5, 0)]


@pytest.mark.parametrize("missing", ["name", "line1", "city", "country"])
async def test_an_order_without_an_address_is_refused_and_nothing_is_left(tmp_path: Path, missing: str) -> None:
    connector, theirs = supplier(tmp_path)
    recipient = {name: part for name, part in REQUEST.recipient.items() if name != missing}
    answer = await connector.request_fulfillment(dataclasses.replace(REQUEST, recipient=recipient))
    assert answer == FulfillmentAnswer(None, FulfillmentStatus.REJECTED, "NO_ADDRESS")
    assert theirs.orders() == {}


async def test_an_order_that_is_refused_is_rejected(tmp_path: Path) -> None:
    connector, theirs = supplier(tmp_path)
    await connector.request_fulfillment(REQUEST)
    theirs.acknowledge(PURCHASE, {"MUG-BLUE": "IR", "PLATE": "ID"})
    assert (await only(connector)).status is FulfillmentStatus.REJECTED
    assert await connector.request_fulfillment(REQUEST) == FulfillmentAnswer(PURCHASE, FulfillmentStatus.REJECTED)


async def test_bad_files_are_put_aside_with_their_reason_and_the_good_ones_are_read(tmp_path: Path) -> None:
    connector, theirs = supplier(tmp_path)
    await connector.request_fulfillment(REQUEST)
    good = theirs.acknowledge(PURCHASE, {"MUG-BLUE": "IA"})
    whole = (tmp_path / "in" / good).read_bytes()
    old = [
        theirs.leave("nonsense.txt", b"Dear Sir or Madam, IEA"),
        theirs.leave("counts.x12", whole.replace(b"SE*6", b"SE*7")),
        theirs.leave("latin.x12", whole + "Müller".encode("latin-1")),
        theirs.acknowledge("1002.abcdef", {"MUG-BLUE": "IA"}),
        theirs.leave("tracking.x12", whole.replace(b"*855*", b"*856*").replace(b"BAK*00*AD*", b"PRF*")),
    ]
    assert (await only(connector)).status is FulfillmentStatus.ACCEPTED
    refused = sorted(path.name for path in (tmp_path / "refused").iterdir())
    assert [name for name in refused if not name.endswith(".reason.txt")] == sorted(old[:4])
    assert "SE02" not in (tmp_path / "refused" / "counts.x12.reason.txt").read_text()
    assert "counts" in (tmp_path / "refused" / "counts.x12.reason.txt").read_text()
    assert "no purchase order" in (tmp_path / "refused" / f"{old[3]}.reason.txt").read_text()


async def test_a_file_that_grows_is_left_alone_until_it_is_whole_or_old(tmp_path: Path) -> None:
    connector, theirs = supplier(tmp_path)
    await connector.request_fulfillment(REQUEST)
    name = theirs.acknowledge(PURCHASE, {"MUG-BLUE": "IA"})
    whole = (tmp_path / "in" / name).read_bytes()
    theirs.leave(name, whole[:-40])
    assert (await connector.pull_orders(None, None)).records == []
    theirs.leave(name, whole)
    assert (await only(connector)).status is FulfillmentStatus.ACCEPTED
    theirs.leave("cut.x12", whole[:-40])
    late = FileSupplier(connector.instance, Folder(tmp_path), clock=lambda: NOW.timestamp() + 3600)
    await late.pull_orders(None, None)
    assert (tmp_path / "refused" / "cut.x12").read_bytes() == whole[:-40]


async def test_stock_is_what_each_file_says_at_its_time(tmp_path: Path) -> None:
    connector, theirs = supplier(tmp_path)
    theirs.advise({"MUG-BLUE": 12, "PLATE": 0})
    theirs.advise({"MUG-BLUE": 11})
    told = [
        (one.sku, one.on_hand, one.occurred_at)
        for one in (await connector.pull_stock(None, None)).records
        if isinstance(one, StockRecord)
    ]
    first, second = NOW + dt.timedelta(seconds=1), NOW + dt.timedelta(seconds=2)
    assert told == [("MUG-BLUE", 12, first), ("PLATE", 0, first), ("MUG-BLUE", 11, second)]
    assert [one.occurred_at for one in (await connector.pull_stock(second, None)).records] == [second]


async def test_many_files_are_pages_that_a_new_connector_goes_on_with(tmp_path: Path) -> None:
    _, theirs = supplier(tmp_path)
    for place in range(2 * PAGE + 1):
        theirs.advise({f"SKU-{place}": place})
    seen: list[str] = []
    cursor = None
    while True:
        page = await supplier(tmp_path)[0].pull_stock(None, cursor)
        seen.extend(one.sku for one in page.records if isinstance(one, StockRecord))
        if (cursor := page.cursor) is None:
            break
    assert seen == [f"SKU-{place}" for place in range(2 * PAGE + 1)]


@given(st.text(), st.lists(st.tuples(st.text(min_size=1, max_size=40), st.integers(1, 10**6)), min_size=1, max_size=5))
def test_what_is_written_is_read_back_without_its_separators(name: str, lines: list[tuple[str, int]]) -> None:
    segments = [("N1", "ST", name), *(("PO1", "1", str(n), "EA", "", "", "SK", sku) for sku, n in lines)]
    (read,) = x12.parsed(x12.written("850", "PO", segments, "US", "THEM", 7, NOW))
    clean = str.maketrans("*~:>^\n\r", "       ")
    assert (x12.optional(read.first("N1"), 2) or "") == name.translate(clean).strip()
    found = [(one[7], int(one[2])) for one in read.segments if one[0] == "PO1"]
    assert found == [(sku.translate(clean), n) for sku, n in lines]


def test_purchase_orders_lead_back_and_too_long_or_foreign_ones_are_refused() -> None:
    assert order_of(PURCHASE, instance("file:///x")) == OrderRef("web", "1001")
    assert purchase_order("other", "1001") != PURCHASE
    for wrong in ("1001", "1001.abc", ".abcdef"):
        with pytest.raises(BadPayload):
            order_of(wrong, instance("file:///x"))
    with pytest.raises(BadPayload, match="15"):
        purchase_order("key", "1" * 16)


@pytest.mark.parametrize("purchase", ["../../etc/passwd", ".hidden", "a/b"])
async def test_no_answer_leads_out_of_the_folder_or_holds_up_the_others(tmp_path: Path, purchase: str) -> None:
    connector, theirs = supplier(tmp_path / "drop")
    await connector.request_fulfillment(REQUEST)
    name = theirs.ship(purchase, "1Z", {"MUG": 1})
    theirs.acknowledge(PURCHASE, {"MUG-BLUE": "IA"})
    assert (await only(connector)).status is FulfillmentStatus.ACCEPTED
    assert (tmp_path / "drop" / "refused" / name).exists()
    with pytest.raises(BadPayload):
        await connector.request_fulfillment(dataclasses.replace(REQUEST, order=OrderRef("web", purchase)))


@asynccontextmanager
async def sftp_server(root: Path) -> AsyncIterator[tuple[int, str]]:
    """A real SFTP server on loopback, its port and public key."""
    key = asyncssh.generate_private_key("ssh-ed25519")

    class Users(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("acme", "right")

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Users,
        server_host_keys=[key],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=bytes(root)),
    )
    try:
        yield server.get_port(), key.export_public_key().decode().strip()
    finally:
        server.close()
        await server.wait_closed()


def by_sftp(port: int, host_key: str, password: str = "right") -> Instance:  # of the test's server
    of = instance(f"sftp://acme@127.0.0.1:{port}/drop")
    return dataclasses.replace(
        of, options={**of.options, "host_key": host_key}, secrets={"password": (Secret(password),)}
    )


async def test_over_sftp_it_is_the_same(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as (port, key), opener() as http:
        of = by_sftp(port, key)
        connector = FileSupplier(of, opened(of, http), clock=lambda: NOW.timestamp() + 60)
        theirs = dropship.FileSupplier(tmp_path / "drop")
        assert (await connector.pull_orders(None, None)).records == []
        await connector.request_fulfillment(REQUEST)
        assert theirs.orders() == {PURCHASE: {"MUG-BLUE": 2, "PLATE": 1}}
        theirs.ship(PURCHASE, "1Z01", {"MUG-BLUE": 2, "PLATE": 1})
        theirs.leave("bad.x12", b"nonsense IEA")
        assert (await only(connector)).status is FulfillmentStatus.COMPLETED
        assert (tmp_path / "drop" / "refused" / "bad.x12.reason.txt").exists()


async def test_a_wrong_password_or_an_unknown_server_is_unauthorized_and_none_is_unreachable(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as (port, key), opener() as http:
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
        for of in (by_sftp(port, key, "wrong"), by_sftp(port, other)):
            with pytest.raises(Unauthorized) as refused:
                await FileSupplier(of, opened(of, http)).pull_orders(None, None)
            assert "wrong" not in str(refused.value)
        without = by_sftp(port, "")
        with pytest.raises(BadPayload, match="host_key"):
            await FileSupplier(without, opened(without, http)).pull_orders(None, None)
    async with opener() as http:
        gone = FileSupplier(by_sftp(port, key), opened(by_sftp(port, key), http))
        with pytest.raises(Unreachable):
            await gone.pull_orders(None, None)


@pytest.mark.parametrize("url", ["ftp://x@y/z", "sftp://host/drop", "nonsense", "file://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadPayload, match="url"):
        opened(instance(url), never)


async def test_by_rest_it_is_the_same() -> None:
    async with Server().running() as server, opener() as http:
        connector = RestSupplier(instance(server.url), http(f"{server.url}/v1"))
        for _ in range(2):
            answer = await connector.request_fulfillment(REQUEST)
            assert answer == FulfillmentAnswer(PURCHASE, FulfillmentStatus.REQUESTED)
        assert len(server.orders) == 1
        parcel = {"carrier": "UPSN", "tracking_number": "1Z01", "shipped_at": NOW.isoformat()}
        lines = [{"sku": "MUG-BLUE", "quantity": 2}]
        server.change(PURCHASE, status="shipped", parcels=[{**parcel, "lines": lines}])
        ((record,),) = await connector.look_up_fulfillments([PURCHASE])
        assert isinstance(record, FulfillmentRecord)
        assert (record.status, record.shipments[0].carrier) == (FulfillmentStatus.COMPLETED, "ups")
        cancelled = await connector.cancel_fulfillment(PURCHASE, "k")
        assert (cancelled.status, cancelled.refused) == (FulfillmentStatus.COMPLETED, "TOO_LATE")
        ghost = dataclasses.replace(REQUEST, key="k2", lines=(RequestedLine("1", "GHOST", 1),))
        assert (await connector.request_fulfillment(ghost)).refused == "REFUSED"


async def test_by_rest_a_pull_ends_and_goes_on_by_its_cursor() -> None:
    async with Server().running() as server, opener() as http:
        for place in range(5):
            named = {"purchase_order": f"{place}.abcdef", "lines": [], "parcels": []}
            server.change(f"{place}.abcdef", **named, status="teleported")
        told: list[Record] = []
        cursor = None
        while True:
            connector = RestSupplier(instance(server.url), http(f"{server.url}/v1"))
            page = await connector.pull_orders(NOW, cursor)
            told.extend(page.records)
            if (cursor := page.cursor) is None:
                break
        orders = [(one.order.number, one.status) for one in told if isinstance(one, FulfillmentRecord)]
        assert orders == [(str(place), FulfillmentStatus.REQUESTED) for place in range(5)]
        server.items = [{"sku": "MUG-BLUE", "available": 4, "as_of": NOW.isoformat()}]
        assert (await connector.pull_stock(None, None)).records == [StockRecord("MUG-BLUE", "acme", NOW, 4)]


def test_the_address_decides_how_a_supplier_is_spoken_with(tmp_path: Path) -> None:
    def unasked(base: str) -> Http:
        raise AssertionError(base)

    assert isinstance(create(instance(tmp_path.as_uri()), unasked), FileSupplier)
    with pytest.raises(AssertionError, match=r"https://api\.acme\.example/v1"):
        create(dataclasses.replace(instance(""), options={"url": "https://api.acme.example/v1"}), unasked)
