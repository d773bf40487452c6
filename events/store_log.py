"""The event log in the store."""

from collections.abc import Sequence

import db.commands.revocations
import db.stream
from db.reader import Reader
from domain.revocation import Revocation
from events.event import Event


class StoreLog:
    """events.hub.Log on the database; raises the reader's errors while it is away."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    async def head(self) -> tuple[str, int, int]:
        epoch, oldest, newest = await self.reader.row(db.stream.HEAD, ())
        return epoch, oldest, newest

    async def read(self, after: int, limit: int) -> Sequence[Event]:
        return [Event.of(row) for row in await self.reader.rows(db.stream.READ, (after, limit))]

    async def revocations(self) -> Sequence[Revocation]:
        return db.commands.revocations.of_rows(await self.reader.rows(db.commands.revocations.READ, ()))
