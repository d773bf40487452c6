"""An import from its files to its summary: read into staging, load in batches, each a transaction, count, tidy up.

Killed at any moment, the same import goes on where it was: staging is there whole or not at all, and a batch is done
when its rows are marked.
"""

import contextlib
import dataclasses
import datetime
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

import asyncpg

import db.pool
from db.importing import inputs, ledger, rejects, summary, writing
from db.importing.catalog import Catalog
from db.importing.errors import AlreadyRunning
from db.importing.inputs import Inputs
from db.importing.mapping import ImportMapping
from db.importing.orders import Orders
from db.importing.rows import Setting
from db.importing.staging import Staging
from db.importing.summary import Summary
from db.pool import Connection

BATCH = 1_000
# A killed import's session ends when the server notices; until then it still holds the lock.
LOCK_SECONDS = 10
ROW_LOCK_SECONDS = 60
# Of one statement, and reading all files into staging is one.
STATEMENT_SECONDS = 6 * 3600.0
# Any number that no other lock of ours has.
LOCK_SPACE = 7_340_027
# The store refuses one order of a batch: which one is found by halving.
_REFUSED = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.DeadlockDetectedError,
)


class Watcher(Protocol):
    """Hears how far the import is: `phase` begins something of `total` bytes or things, `done` is how many are."""

    def phase(self, name: str, total: int) -> None: ...
    def done(self, amount: int) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """What to import: `rejects` is where the refused rows go; `dry` changes nothing."""

    mapping: ImportMapping
    files: Sequence[Path]
    rejects: Path | None = None
    dry: bool = False


async def run(dsn: str, order: Order, watcher: Watcher) -> Summary:
    """Import. Raises BadFiles before anything is read, AlreadyRunning when the same source is being imported."""
    began = time.monotonic()
    found = inputs.open_all(order.mapping, order.files)
    path = order.rejects or rejects.place(order.mapping.source, order.files[0])
    rejects.check(path)
    connection = await db.pool.connect(dsn, application="ordergraph-import", statement_seconds=STATEMENT_SECONDS)
    try:
        async with _all_or_nothing(connection) if order.dry else contextlib.nullcontext():
            await _lock(connection, order.mapping)
            load = Load(connection, order.mapping, found, watcher)
            await load.all()
            told = await summary.of(connection, order.mapping, load.staging)
            async with connection.transaction():
                written = await rejects.write(path, found.names, load.staging.rejects())
                await load.forget()
    finally:
        await connection.close()
    return dataclasses.replace(
        told, rejects=written, seconds=time.monotonic() - began, resumed=load.resumed, dry=order.dry
    )


@contextlib.asynccontextmanager
async def _all_or_nothing(connection: Connection) -> AsyncIterator[None]:
    """Everything inside is undone; transactions inside become savepoints."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def _lock(connection: Connection, mapping: ImportMapping) -> None:
    """One import of a source into a channel at a time; the lock goes with the session."""
    await connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    try:
        await connection.execute(
            "SELECT pg_advisory_lock($1, hashtext($2))", LOCK_SPACE, f"{mapping.source} {mapping.channel.code}"
        )
    except asyncpg.LockNotAvailableError:
        raise AlreadyRunning(
            f"Another import of {mapping.source} into channel {mapping.channel.code} is running: wait until it ends."
        ) from None
    await connection.execute(f"SET lock_timeout = '{ROW_LOCK_SECONDS}s'")


class Load:
    """The files of one import on their way into the store."""

    def __init__(self, connection: Connection, mapping: ImportMapping, found: Inputs, watcher: Watcher) -> None:
        self._connection = connection
        self._mapping = mapping
        self._inputs = found
        self._watcher = watcher
        self.staging: Staging
        self.resumed = False

    async def all(self) -> None:
        await self._stage()
        setting = await self._setting()
        await writing.prepare(self._connection)
        # Before the orders, whose lines refer to them.
        for section in ("location", "item"):
            if section in self._mapping.sections:
                await self._batches(f"{section}s", Catalog(self._mapping, section))
        await self._batches("orders", Orders(self._mapping, setting, self._inputs.names))
        orders = self._mapping.order.table
        others = [part for part in self._mapping.order_tables if part != orders]
        await self.staging.refuse_left(others, f"belongs to no good row of {orders}")
        await self.staging.refuse_left(sorted(self._mapping.looked_up), "is referred to by no order that landed")

    async def forget(self) -> None:
        """The import is over: nothing is left to resume."""
        await self.staging.drop()
        await ledger.end(self._connection, self._mapping.source, self._mapping.channel.code)

    async def _stage(self) -> None:
        """Rows of the files in their table: those of a killed run of the same import, else read now."""
        source, channel = self._mapping.source, self._mapping.channel.code
        unfinished = await ledger.unfinished(self._connection, source, channel)
        if unfinished is not None:
            self.staging = Staging(self._connection, unfinished.staging)
            same = unfinished.fingerprint == self._inputs.fingerprint
            self.resumed = same and await self.staging.is_whole(unfinished.rows)
            if self.resumed:
                return
            async with self._connection.transaction():
                await self.forget()
        self._watcher.phase("reading", self._inputs.size)
        async with self._connection.transaction():
            self.staging = Staging.named(self._connection)
            rows = await self.staging.fill(self._inputs.sources, self._watcher.done)
            await self.staging.refuse_disagreeing(self._mapping)
            run = ledger.Unfinished(self._inputs.fingerprint, self.staging.name, rows)
            await ledger.begin(self._connection, source, channel, run)
        self._watcher.done(self._inputs.size)

    async def _setting(self) -> Setting:
        channel = self._mapping.channel
        await self._connection.execute(
            "INSERT INTO channels (code, name, kind, time_zone, currency) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (code) DO NOTHING",
            *(channel.code, channel.name, channel.kind, self._mapping.time_zone, self._mapping.currency),
        )
        return Setting(
            channel_id=await self._connection.fetchval("SELECT id FROM channels WHERE code = $1", channel.code),
            source=self._mapping.source,
            actor=f"import:{self._mapping.name.removesuffix('.toml')}",
            time_zone=self._mapping.time_zone,
            now=datetime.datetime.now(datetime.UTC),
        )

    async def _batches(self, name: str, loader: Catalog | Orders) -> None:
        self._watcher.phase(name, await self.staging.keys(loader.part))
        done = 0
        async for keys in self.staging.batches(loader.part, BATCH):
            await self._batch(loader, keys)
            done += len(keys)
            self._watcher.done(done)

    async def _batch(self, loader: Catalog | Orders, keys: Sequence[str]) -> None:
        """One transaction; when the store refuses, each half on its own, down to the one that is to blame."""
        try:
            async with self._connection.transaction():
                await loader.load(self._connection, self.staging, keys)
        except _REFUSED as error:
            if len(keys) > 1:
                await self._batch(loader, keys[: len(keys) // 2])
                await self._batch(loader, keys[len(keys) // 2 :])
            elif isinstance(error, asyncpg.DeadlockDetectedError):
                raise
            else:
                reason = f"is refused by the store: {error.as_dict().get('message', type(error).__name__)}"
                await loader.refuse(self.staging, keys[0], reason)
