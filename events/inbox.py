"""The way in: every event of a source once, in an order's own order, and none lost.

    NEW     in the transaction that applies it
    DONE    applied, or known to be older than what we know; kept 30 days to recognise repetitions
    PARKED  waits: for its order to become known, for an event of its order before it, or for its next attempt
    DEAD    failed `TRIES` times; kept until somebody replays it, and no longer in the way of others

An event and its change are one transaction, so a process may die anywhere and the event can be sent again.
"""

import datetime
import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson
import structlog

import db.commands.inbox
from db.commands import transactions
from db.commands.shared import Alone
from db.pool import Connection, Pool
from domain.errors import Conflict, DeadlineExceeded, OrdergraphError, Overloaded, Unavailable

log = structlog.get_logger(__name__)

TRIES: Final = 8
# A clock that runs ahead would make everything later look old.
FAR_AHEAD: Final = datetime.timedelta(minutes=10)
# Not the event's fault: it is neither parked nor counted.
OURS: Final = (Overloaded, DeadlineExceeded, Unavailable, transactions.Again, *transactions.AGAIN)


class Outcome(enum.StrEnum):
    """What became of one item."""

    APPLIED = "APPLIED"
    UNCHANGED = "UNCHANGED"
    DUPLICATE = "DUPLICATE"
    STALE = "STALE"
    PARKED = "PARKED"
    REFUSED = "REFUSED"


class EventIdReused(Conflict):
    code = "EVENT_ID_REUSED"


class Waits(Exception):  # noqa: N818  # no error: it came before what it speaks of
    """The event speaks of something that is not known yet. `known`: its order is, so somebody may have mistyped."""

    def __init__(self, why: str, *, known: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.known = known


@dataclass(frozen=True, slots=True)
class Event:
    """One item as it came: `body` is its JSON; `actor` is who brought it, role:subject."""

    kind: str
    source: str
    event_id: str
    occurred_at: datetime.datetime
    actor: str
    body: Mapping[str, Any]

    @classmethod
    def of(cls, kind: str, source: str, actor: str, body: Mapping[str, Any]) -> "Event":
        return cls(kind, source, body["eventId"], datetime.datetime.fromisoformat(body["occurredAt"]), actor, body)

    @property
    def raw(self) -> str:
        return orjson.dumps(self.body, option=orjson.OPT_SORT_KEYS).decode()

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.raw.encode()).digest()


@dataclass(frozen=True, slots=True)
class Applied:
    """`entities` are ids by the GraphQL field that shows them; `released` are keys others may have waited for;
    `repeated`: the same event came before."""

    outcome: Outcome
    entities: Mapping[str, Any] = field(default_factory=dict)
    released: tuple[str, ...] = ()
    error: OrdergraphError | None = None
    why: str | None = None
    repeated: bool = False


class Kind(Protocol):
    """How one kind of event is applied. `opens`: it makes known what others wait for, and passes those that wait."""

    opens: bool

    async def locate(self, connection: Connection, event: Event) -> str:
        """The key the event is kept in order by."""
        ...

    async def find(self, connection: Connection, event: Event) -> Mapping[str, Any]:
        """The entities of an event that is known already."""
        ...

    async def apply(self, connection: Connection, event: Event) -> Applied:
        """Change what the event changes. Raises Waits before anything is written, OrdergraphError to refuse."""
        ...


class Inbox:
    """Takes events in, and tries those again that wait."""

    def __init__(self, pool: Pool, kinds: Mapping[str, Kind]) -> None:
        self.pool = pool
        self.kinds = kinds

    async def take(self, event: Event) -> Applied:
        """Raises OrdergraphError when the event is refused: then nothing is kept of it."""
        try:
            return await transactions.run(self.pool, lambda connection: self._enter(connection, event))
        except (OrdergraphError, *OURS):
            raise
        except Exception as error:
            log.exception("event failed", kind=event.kind, source=event.source, event_id=event.event_id)
            why = f"It could not be applied ({type(error).__name__}) and will be tried again."
            return await transactions.run(self.pool, lambda connection: self._park(connection, event, why, 1))

    async def _enter(self, connection: Connection, event: Event) -> Applied:
        return await self.enter(connection, event, await self._locked(connection, event))

    async def enter(
        self, connection: Connection, event: Event, key: str, others: frozenset[str] = frozenset()
    ) -> Applied:
        """With `key` locked. `others` are keys whose events are being applied in the same transaction."""
        kind = self.kinds[event.kind]
        if not await self._new(connection, event, key):
            return await self._known(connection, event)
        waiting, failed = await db.commands.inbox.waiting(connection, key)
        if waiting and (failed or not kind.opens):
            return await self._wait(connection, event, "An earlier event of the same order waits.", 0)
        try:
            applied = await kind.apply(connection, event)
        except Waits as waits:
            return await self._wait(connection, event, waits.why, 0)
        if others.intersection(applied.released):
            raise Alone("What it makes known may be waited for by an event that is being parked just now.")
        await self._drain(connection, *([key] if waiting else []), *applied.released)
        return applied

    async def _locked(self, connection: Connection, event: Event) -> str:
        kind = self.kinds[event.kind]
        key = await kind.locate(connection, event)
        await db.commands.inbox.lock(connection, key)
        if await kind.locate(connection, event) != key:
            raise transactions.Again
        return key

    async def _new(self, connection: Connection, event: Event, key: str) -> bool:
        return await db.commands.inbox.enter(
            connection, event.source, event.event_id, event.sha256, event.kind, key, event.actor, event.occurred_at
        )

    async def _known(self, connection: Connection, event: Event) -> Applied:
        row = await db.commands.inbox.find(connection, event.source, event.event_id)
        assert row is not None, "rows of the inbox are not deleted while they are in use"
        if row["body_sha256"] != event.sha256:
            await db.commands.inbox.reused(connection, event.source, event.event_id)
            log.warning("event id reused", source=event.source, event_id=event.event_id)
            return Applied(
                Outcome.REFUSED,
                error=EventIdReused(
                    f"{event.source} has sent event {event.event_id} before with another content. "
                    "Give each event an id of its own; to correct one, send a newer one."
                ),
            )
        if row["state"] != "DONE":
            # Whoever asks again wants to know what became of it: it is kept, and has not been applied.
            return Applied(Outcome.PARKED, why=row["error"], repeated=True)
        return Applied(Outcome.DUPLICATE, await self.kinds[event.kind].find(connection, event), repeated=True)

    async def _wait(self, connection: Connection, event: Event, why: str, attempts: int) -> Applied:
        await db.commands.inbox.park(connection, event.source, event.event_id, event.raw, why, attempts)
        return Applied(Outcome.PARKED, why=why)

    async def _park(self, connection: Connection, event: Event, why: str, attempts: int) -> Applied:
        key = await self._locked(connection, event)
        if not await self._new(connection, event, key):
            return await self._known(connection, event)
        return await self._wait(connection, event, why, attempts)

    async def _drain(self, connection: Connection, *keys: str) -> None:
        """Apply what waited under `keys`, and under what that makes known in turn."""
        opened = list(keys)
        for key in opened:
            await db.commands.inbox.lock(connection, key)
            while (row := await db.commands.inbox.first(connection, key, ["PARKED"])) is not None:
                released = await self._apply_waiting(connection, waiting_event(row))
                if released is None:
                    break
                opened += [key for key in released if key not in opened]

    async def _apply_waiting(self, connection: Connection, event: Event) -> tuple[str, ...] | None:
        """What it released; None when those behind it must wait on. It cannot harm who made it possible."""
        try:
            async with connection.transaction():
                applied = await self.kinds[event.kind].apply(connection, event)
                await db.commands.inbox.done(connection, event.source, event.event_id)
                return applied.released
        except Waits:
            return None
        except (Alone, *OURS):
            raise
        except Exception as error:
            log.warning("parked event failed", source=event.source, event_id=event.event_id, error=type(error).__name__)
            return () if await self._failed(connection, event, error) == "DEAD" else None

    async def _failed(self, connection: Connection, event: Event, error: Exception) -> str:
        # An OrdergraphError is for people; anything else may quote what it stumbled over.
        why = str(error) if isinstance(error, OrdergraphError | Waits) else type(error).__name__
        return await db.commands.inbox.failed(connection, event.source, event.event_id, why, TRIES)

    async def replay(
        self,
        *,
        source: str | None = None,
        number: str | None = None,
        dead: bool = False,
        now: bool = True,
        limit: int = 1000,
    ) -> dict[str, int]:
        """Try again what waits; how many were applied, still wait, and are given up. Safe to run at any time."""
        counts = {"applied": 0, "waiting": 0, "dead": 0}
        keys = await db.commands.inbox.keys(self.pool, source=source, number=number, dead=dead, now=now, limit=limit)
        for key in keys:
            if dead:
                await transactions.run(self.pool, lambda c, key=key: db.commands.inbox.raise_dead(c, key))  # type: ignore[misc]  # bound now
            while (result := await self._retry(key)) in ("applied", "dead"):
                counts[result] += 1
            counts["waiting"] += result == "waiting"
        return counts

    async def _retry(self, key: str) -> str:
        """One event of this key in one transaction: applied, waiting, dead, or empty."""
        tried: list[Event] = []

        async def work(connection: Connection) -> str:
            tried.clear()
            await db.commands.inbox.lock(connection, key)
            row = await db.commands.inbox.first(connection, key, ["PARKED"])
            if row is None:
                return "empty"
            tried.append(event := waiting_event(row))
            applied = await self.kinds[event.kind].apply(connection, event)
            await db.commands.inbox.done(connection, event.source, event.event_id)
            await self._drain(connection, *applied.released)
            return "applied"

        try:
            return await transactions.run(self.pool, work)
        except OURS:
            raise
        except Exception as error:
            if isinstance(error, Waits) and not error.known:
                return "waiting"
            event, failure = tried[0], error
            state = await transactions.run(self.pool, lambda connection: self._failed(connection, event, failure))
            return "dead" if state == "DEAD" else "waiting"


def waiting_event(row: Any) -> Event:
    return Event.of(row["kind"], row["source"], row["actor"], orjson.loads(row["raw"]))
