"""What a system tells again has its id again, so that it counts once; what changed has another."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, Final

import domain.records
from domain.records import StockRecord
from events.records import event_of
from tests.contract.abilities import COMMANDS, asking
from tests.contract.folder import Folder
from tests.contract.served import Served, call_of, served

RECORDS: Final = (
    domain.records.OrderRecord,
    domain.records.FulfillmentRecord,
    domain.records.TrackingRecord,
    domain.records.ReturnRecord,
    domain.records.StockRecord,
    domain.records.StockChangeRecord,
    domain.records.SupplyRecord,
)
LATELY: Final = dt.timedelta(minutes=10)
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


async def unstable(folder: Folder) -> list[str]:
    """Reads all there is twice, as after a restart; then after the simulator's `news`."""
    async with served(folder) as of:
        first, again = await _told(of), await _told(of)
        found = [f"{one} is told under another id the second time" for one in _kinds(set(again) - set(first))]
        news = folder.simulator.news(of.server, _secret(of), dt.datetime.now(dt.UTC))
        later = await _told(of, news)
        for ident, record in later.items():
            if ident in first and first[ident] != record:
                found.append(f"{type(record).__name__} has changed and has its id still")
        if not set(later) - set(first):
            found.append("nothing is told anew, so nothing is proven: what does news change?")
        return found


async def _told(of: Served, deliveries: Iterable[Any] = ()) -> dict[str, Any]:
    """By id, all that a new connector reads or makes of deliveries."""
    connector: Any = of.connector()
    records: list[Any] = []
    for method in asking(of.folder.manifest):
        if method not in COMMANDS and method in of.folder.simulator.CALLS:
            records.extend(records_in(await call_of(of.folder, method)(connector)))
    for request in deliveries:
        records.extend(await connector.records_of(connector.verify(request), request.body))
    return by_id(records)


def by_id(records: Iterable[Any]) -> dict[str, Any]:
    """Records by the id of their event; counts as of our asking without that time."""
    timeless = [dataclasses.replace(one, occurred_at=EPOCH) if as_of_now(one) else one for one in records]
    return {event_of("acme", "connector:acme", one).event_id: one for one in timeless}


def as_of_now(record: Any) -> bool:
    """A count of a system that knows no time of it is as of when we asked; all else of it must be the same."""
    return isinstance(record, StockRecord) and abs(dt.datetime.now(dt.UTC) - record.occurred_at) < LATELY


def records_in(told: Any) -> Iterator[Any]:
    """Those of a page, or of an answer to many questions."""
    if isinstance(told, RECORDS):
        yield told
    elif isinstance(told, list | tuple):
        for one in told:
            yield from records_in(one)
    elif hasattr(told, "records"):
        yield from records_in(list(told.records))


def _kinds(ids: Iterable[str]) -> list[str]:
    return sorted({ident.partition(":")[0] for ident in ids})


def _secret(of: Served) -> str:
    keys = [key for key in of.instance.secrets if key.startswith("webhook_")]
    return of.instance.secret(keys[0]) if keys else ""
