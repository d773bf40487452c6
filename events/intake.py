"""What connectors tell, on its way into the inbox: whoever told it cannot be asked again, so nothing is dropped."""

import collections
import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import structlog

import db.commands.counts
import db.commands.inbox
from connectors.base import Unread
from connectors.errors import BadPayload
from db.commands import transactions
from db.pool import Connection
from domain.errors import BadInput, OrdergraphError
from domain.records import Record, StockRecord
from events import kinds
from events.asked import in_our_lines
from events.batch import side_by_side
from events.inbox import FAR_AHEAD, OURS, Event, Inbox, Outcome
from events.records import event_of, reference

log = structlog.get_logger(__name__)

ACTOR: Final = "connector"
# A count or a supply that could not be taken is of no use once a newer one is told.
REPLACED: Final = frozenset({kinds.STOCK_LEVEL, kinds.SUPPLY})


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """What became of some records. `news` are those that changed something though they were true long before.

    `unread`: no event could be made of them, which is a fault of the mapping, and so nothing of them is in the inbox.
    """

    outcomes: collections.Counter[Outcome]
    news: int = 0
    unread: Sequence[Unread] = ()

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(self.outcomes + other.outcomes, self.news + other.news, (*self.unread, *other.unread))

    @property
    def records(self) -> int:
        return self.outcomes.total()


NOTHING: Final = Taken(collections.Counter())


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Intake:
    """Takes records into the inbox. One that is refused is kept there as DEAD, with the reason, to be replayed.

    `told` are the locations whose stock a source is told by us: what it counts there is our own word come back.
    """

    def __init__(
        self,
        inbox: Inbox,
        now: Callable[[], dt.datetime] = utc_now,
        told: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self.inbox = inbox
        self.now = now
        self.told = told

    async def take(self, source: str, records: Sequence[Record], news_before: dt.datetime | None = None) -> Taken:
        """After this, all records are in the inbox; raises (see events.inbox.OURS) when some could not get there.

        `news_before` says from when on a record is young enough to be new to us without anybody's fault.
        """
        unread: list[Unread] = []

        async def one(record: Record) -> tuple[Outcome, bool]:
            try:
                event = event_of(source, f"{ACTOR}:{source}", record)
            except (OrdergraphError, TypeError, ValueError) as error:
                unread.append(_untold(source, record, error))
                return Outcome.REFUSED, False
            outcome = await self._one(source, event)
            new = outcome in (Outcome.APPLIED, Outcome.PARKED)
            return outcome, new and news_before is not None and record.occurred_at < news_before

        told = self.told.get(source, ())
        taken = [record for record in records if not (isinstance(record, StockRecord) and record.location in told)]
        known = await self._counted_again(source, taken)
        news = [record for record in taken if not (isinstance(record, StockRecord) and _place(record) in known)]
        results = await side_by_side(await in_our_lines(self.inbox.pool, source, news), reference, one)
        outcomes = collections.Counter(outcome for outcome, _ in results)
        if known:
            outcomes[Outcome.UNCHANGED] += len(known)
        return Taken(outcomes, sum(late for _, late in results), unread)

    async def _counted_again(self, source: str, records: Sequence[Record]) -> set[tuple[str, str]]:
        """Places of counts that change nothing: systems without a time of counting tell all of them at every pull."""
        latest = self.now() + FAR_AHEAD
        counts = [one for one in records if isinstance(one, StockRecord) and one.occurred_at.tzinfo is not None]
        times = collections.Counter(map(_place, counts))
        told = [_parts(one) for one in counts if times[_place(one)] == 1 and one.occurred_at <= latest]
        return await db.commands.counts.again(self.inbox.pool, source, told) if told else set()

    async def _one(self, source: str, event: Event) -> Outcome:
        try:
            if event.occurred_at > self.now() + FAR_AHEAD:
                raise BadInput(f"It is told to be of the future. Check the clock of {source}.")
            applied = await self.inbox.take(event)
        except OURS:
            raise
        except OrdergraphError as error:
            await self._bury(event, error)
            return Outcome.REFUSED
        if applied.outcome is Outcome.REFUSED and applied.error is not None:
            log.warning("record refused", source=source, event_id=event.event_id, code=applied.error.code)
        return Outcome.DUPLICATE if applied.repeated else applied.outcome

    async def _bury(self, event: Event, error: OrdergraphError) -> None:
        log.warning("record refused", source=event.source, event_id=event.event_id, code=error.code)

        async def work(connection: Connection) -> None:
            key = await self._key(connection, event)
            await db.commands.inbox.lock(connection, key)
            if event.kind in REPLACED:
                await db.commands.inbox.drop_dead(connection, event.source, event.kind, key)
            await db.commands.inbox.bury(
                connection,
                event.source,
                event.event_id,
                event.sha256,
                event.kind,
                key,
                event.actor,
                event.occurred_at,
                event.raw,
                error.message,
            )

        await transactions.run(self.inbox.pool, work)

    async def _key(self, connection: Connection, event: Event) -> str:
        try:
            return await self.inbox.kinds[event.kind].locate(connection, event)
        except OrdergraphError:
            return f"refused:{event.source}"


def _place(record: StockRecord) -> tuple[str, str]:
    return record.sku, record.location


def _parts(record: StockRecord) -> tuple[object, ...]:
    parts = (record.on_hand, record.allocated, record.damaged, record.quality_control, record.set_aside)
    return (*_place(record), record.occurred_at, *parts, record.safety_stock)


def _untold(source: str, record: Record, error: Exception) -> Unread:
    """Anything but an error for people may quote what it stumbled over."""
    what = type(record).__name__
    log.error("record cannot be told", source=source, record=what, error=type(error).__name__)
    why = error.message if isinstance(error, OrdergraphError) else type(error).__name__
    return Unread(reference(record), BadPayload(f"The mapping of {source} makes a {what} that cannot be told: {why}"))
