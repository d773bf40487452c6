"""A supplier by files. All its answers together say where an order stands: each file is read once and kept parsed."""

import datetime as dt
import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from connectors.base import FulfillmentAnswer, FulfillmentRequest, Instance, Page
from connectors.dropship import mapping, x12
from connectors.dropship.drop import LARGEST, Drop, File
from connectors.errors import BadPayload
from domain.records import FulfillmentRecord, Record
from domain.status import FulfillmentStatus

PAGE: Final = 200
# How long a file may be without its end before it counts as broken and not as being written.
GROWING_SECONDS: Final = 600.0
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,21}")


class FileSupplier:
    def __init__(self, instance: Instance, drop: Drop, clock: Callable[[], float] = time.time) -> None:
        self.instance = instance
        self._drop = drop
        self._clock = clock
        self._parsed: dict[File, Sequence[x12.TransactionSet]] = {}

    async def pull_orders(self, since: dt.datetime | None, cursor: str | None) -> Page:
        files = await self._files()
        page, following = _page(list(files), since, cursor)
        touched = dict.fromkeys(name for file in page for one in files[file] for name in mapping.answered(one))
        known = {name: record for name in touched if (record := await self._work_order(name, files)) is not None}
        for file in page:
            names = [name for one in files[file] for name in mapping.answered(one)]
            if names and not any(name in known for name in names):
                await self._drop.refuse(file.name, "It answers no purchase order that we have sent.")
        return Page(list(known.values()), following, len(page))

    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
        files = await self._files()
        page, following = _page(list(files), since, cursor)
        records: list[Record] = []
        for file in page:
            for one in files[file]:
                if one.kind == "846":
                    records.extend(mapping.inventory(one, _moment(file), self.instance))
        return Page(records, following, len(page))

    async def request_fulfillment(self, request: FulfillmentRequest) -> FulfillmentAnswer:
        """Leaves an 850, unless it was left before. A crash in between leaves it again, under the same number."""
        purchase = _safe(mapping.purchase_order(request.key, request.order.number))
        if await self._drop.read("sent", f"{purchase}.x12") is None:
            if not mapping.deliverable(request.recipient):
                return FulfillmentAnswer(None, FulfillmentStatus.REJECTED, "NO_ADDRESS")
            at = dt.datetime.fromtimestamp(self._clock(), dt.UTC)
            control = int(hashlib.sha256(request.key.encode()).hexdigest()[:8], 16) % 999_999_999 + 1
            ours, theirs = self.instance.option("our_id", "ORDERGRAPH"), self.instance.option("their_id", "SUPPLIER")
            segments = mapping.order_segments(request, purchase, at)
            body = x12.written("850", "PO", segments, ours, theirs, control, at)
            await self._drop.write("out", f"850-{purchase}.x12", body)
            await self._drop.write("sent", f"{purchase}.x12", body)
        return await self._answer(purchase)

    async def cancel_fulfillment(self, fulfillment_id: str, key: str) -> FulfillmentAnswer:
        """X12 has no word for it that suppliers agree on: somebody has to call them."""
        answer = await self._answer(fulfillment_id)
        return FulfillmentAnswer(fulfillment_id, answer.status, "NOT_BY_X12")

    async def _answer(self, purchase: str) -> FulfillmentAnswer:
        record = await self._work_order(purchase, await self._files())
        return FulfillmentAnswer(purchase, FulfillmentStatus.REQUESTED if record is None else record.status)

    async def look_up_fulfillments(self, fulfillment_ids: Sequence[str]) -> Sequence[Sequence[Record]]:
        files = await self._files()
        found = [await self._work_order(ident, files) for ident in fulfillment_ids]
        return [[] if record is None else [record] for record in found]

    async def _work_order(
        self, purchase: str, files: Mapping[File, Sequence[x12.TransactionSet]]
    ) -> FulfillmentRecord | None:
        """None for a purchase order of which nothing was heard, or that is none of ours."""
        answers = [
            (one, _moment(file)) for file, sets in files.items() for one in sets if purchase in mapping.answered(one)
        ]
        sent = await self._drop.read("sent", f"{_safe(purchase)}.x12") if answers else None
        if sent is None:
            return None
        return mapping.work_order(purchase, mapping.ordered(x12.parsed(sent)[0]), answers, self.instance)

    async def _files(self) -> Mapping[File, Sequence[x12.TransactionSet]]:
        """All files that are whole, the oldest first. One that cannot be read is put aside with its reason."""
        now: dict[File, Sequence[x12.TransactionSet]] = {}
        for file in await self._drop.files("in"):
            sets = self._parsed.get(file)
            if sets is None:
                sets = await self._read(file)
            if sets is not None:
                now[file] = sets
        self._parsed = now
        return now

    async def _read(self, file: File) -> Sequence[x12.TransactionSet] | None:
        body = await self._drop.read("in", file.name)
        if body is None:
            return None
        try:
            if len(body) > LARGEST:
                raise BadPayload(f"The file is larger than {LARGEST} bytes.")
            if not x12.whole(body) and self._clock() - file.changed < GROWING_SECONDS:
                return None
            sets = x12.parsed(body)
            for one in sets:
                mapping.checked(one, self.instance)
                _safe_all(mapping.answered(one))
        except BadPayload as error:
            await self._drop.refuse(file.name, str(error))
            return None
        return sets


def _page(files: Sequence[File], since: dt.datetime | None, cursor: str | None) -> tuple[Sequence[File], str | None]:
    """Behind the cursor, by time and name, so that a file that comes meanwhile moves none out of its page."""
    after = (float(cursor.partition("|")[0]), cursor.partition("|")[2]) if cursor else None
    start = since.timestamp() if since is not None else 0.0
    left = [one for one in files if one.changed >= start and (after is None or (one.changed, one.name) > after)]
    page = left[:PAGE]
    return page, f"{page[-1].changed!r}|{page[-1].name}" if len(left) > PAGE else None


def _moment(file: File) -> dt.datetime:
    return dt.datetime.fromtimestamp(file.changed, dt.UTC)


def _safe_all(purchases: Sequence[str]) -> None:
    for purchase in purchases:
        _safe(purchase)


def _safe(purchase: str) -> str:
    """A purchase order that may be the name of a file."""
    if not NAME.fullmatch(purchase):
        raise BadPayload("A purchase order has up to 22 letters, digits, dots and dashes.", "BEG03")
    return purchase
