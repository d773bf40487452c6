"""A simulated system with something in it, and a connector of it."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from connectors.base import Connector, Instance
from connectors.http import Http
from tests.contract.abilities import DELIVERED
from tests.contract.folder import Folder

CLOSED_WITHIN: Final = 5.0
AT: Final = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)
Call = Callable[[Any], Awaitable[Any]]


@dataclass
class Served:
    """`server` is the folder's simulator, furnished; `opened` is every Http that its connectors made."""

    folder: Folder
    server: Any
    session: aiohttp.ClientSession
    opened: list[Http] = field(default_factory=list)

    @property
    def instance(self) -> Instance:
        given: Instance = self.folder.simulator.instance(self.server.url)
        return given

    def connector(self) -> Connector:
        """A new one, as after a restart."""

        def http(base: str) -> Http:
            self.opened.append(Http(self.session, base, seconds=30.0))
            return self.opened[-1]

        return self.folder.create(self.instance, http)


@asynccontextmanager
async def served(folder: Folder) -> AsyncIterator[Served]:
    """What a defective connector leaves open ends before the server."""
    async with folder.simulator.Server().running() as server:
        folder.simulator.furnish(server)
        async with aiohttp.ClientSession() as session:
            yield Served(folder, server, session)
        with contextlib.suppress(TimeoutError):
            await server.until_open(0, CLOSED_WITHIN)


def call_of(folder: Folder, method: str) -> Call:
    """The typical call of a method. What a delivery leads to is asked of one that is genuine."""
    if method != DELIVERED:
        call: Call = folder.simulator.CALLS[method]
        return call
    (key,) = (one for one in folder.manifest.secrets if one.startswith("webhook_"))

    async def told(connector: Any) -> Any:
        request = folder.simulator.delivery(connector.instance.secret(key), AT)
        return await connector.records_of(connector.verify(request), request.body)

    return told
