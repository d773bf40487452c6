"""Pulls: page after page until the end, on from a cursor after a restart, and whole after what interrupted them."""

import contextlib
import datetime as dt
import importlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from graphql import GraphQLSchema

import db.pulls
from connectors.errors import Unreachable
from db.pool import Pool
from events.pulling import Mode, Pulling, Target
from tests.contract.abilities import METHODS, PULLING
from tests.contract.folder import Folder
from tests.contract.ids import as_of_now, by_id
from tests.contract.secrecy import shown
from tests.contract.served import Served, served
from tests.contract.store import EARLY, LATE, Direct, Store
from tests.simulators.base import Fault

SMALL: Final = 2
MANY: Final = 60
PAGES: Final = 3


@contextlib.contextmanager
def small_pages(folder: Folder) -> Iterator[None]:
    """The simulator's PAGES set to SMALL, so that a few rows are several pages."""
    places = [name.rpartition(".") for name in folder.simulator.PAGES]
    modules = [(importlib.import_module(module), name) for module, _, name in places]
    kept = [getattr(module, name) for module, name in modules]
    try:
        for module, name in modules:
            setattr(module, name, SMALL)
        yield
    finally:
        for (module, name), value in zip(modules, kept, strict=True):
            setattr(module, name, value)


async def torn(folder: Folder, method: str) -> list[str]:
    """What is wrong with its pages, of what changed since long ago and of everything there is."""
    found = []
    for since, what in ((EARLY, "since long ago"), (None, "of everything")):
        async with served(folder) as of:
            whole = await pages(of, method, since, restarting=False)
        async with served(folder) as of:
            with small_pages(folder):
                parts = await pages(of, method, since)
        if not whole or not parts:
            found.append(f"{what}: it does not end, or its cursor stands still")
            continue
        if since is not None and len(parts) < PAGES:
            found.append(f"{what}: {len(parts)} pages and not {PAGES}, so nothing is proven")
        all_, told = _of(whole), _of(parts)
        if missing := set(all_) - set(told):
            found.append(f"{what}: {len(missing)} records are on no page")
        if strange := set(told) - set(all_):
            found.append(f"{what}: {len(strange)} records are told differently on pages")
    return found


def _of(told: Sequence[Sequence[Any]]) -> Mapping[str, Any]:
    return by_id(record for page in told for record in page)


async def pages(
    of: Served, method: str, since: dt.datetime | None, *, restarting: bool = True
) -> Sequence[Sequence[Any]]:
    """The records of each page, each by a new connector if `restarting`; nothing if it does not end."""
    found: list[Sequence[Any]] = []
    connector, cursor = of.connector(), None
    while len(found) < MANY:
        page = await getattr(connector, method)(since, cursor)
        found.append(list(page.records))
        if page.cursor is None:
            return found
        if page.cursor == cursor:
            return []
        connector, cursor = of.connector() if restarting else connector, page.cursor
    return []


async def _all_times(folder: Folder) -> list[Any]:
    """What is told before and after the simulator's news."""
    async with served(folder) as of:
        before = await everything(of)
        folder.simulator.news(of.server, "", LATE)
        return [*before, *await everything(of)]


async def everything(of: Served, among: Sequence[str] = PULLING) -> list[Any]:
    """All that its pulls tell now."""
    methods = [name for name in among if METHODS[name] in of.folder.manifest.capabilities]
    return [record for method in methods for page in await pages(of, method, EARLY) for record in page]


async def lost(folder: Folder, method: str, core: GraphQLSchema, pool: Pool) -> list[str]:
    """A pull that breaks off after a page, while things change, through the inbox into the store.

    Nothing is lost once the system is well again, and what is told again changes nothing.
    """
    with small_pages(folder):
        store = await Store.knowing(core, pool, await _all_times(folder))
        async with served(folder) as of:
            others = [name for name in PULLING if name != method]
            await store.tell(of.instance.name, await everything(of, others))
            pull = _Pull(of, method, store)
            found = await pull.broken_off()
            folder.simulator.news(of.server, "", LATE)
            of.server.every = None
            for _ in range(2):
                await pull.run(Mode.SYNC)
            return [*found, *await pull.left_out(), *await pull.changed_again()]


class _Pull:
    def __init__(self, of: Served, method: str, store: Store) -> None:
        self.of = of
        self.method = method
        self.store = store
        self.name = of.instance.name
        self.pulling = Pulling(store.house.pool, store.intake, Direct(of.connector()), now=lambda: EARLY)

    async def run(self, mode: Mode) -> None:
        await self.pulling.run(Target(self.name, METHODS[self.method], mode))

    async def broken_off(self) -> list[str]:
        before = len(self.of.server.seen)
        first = await getattr(self.of.connector(), self.method)(EARLY - self.pulling.windows.overlap, None)
        self.of.server.faults.extend([None] * (len(self.of.server.seen) - before))
        self.of.server.every = Fault.BROKEN
        with contextlib.suppress(Unreachable):
            await self.run(Mode.SYNC)
            return ["a pull that breaks off is not told of"]
        (row,) = [dict(one) for one in await db.pulls.everything(self.store.house.pool)]
        found = shown(self.of.instance, {"connector list": row})
        if row["watermark"] > EARLY or row["cursor"] != first.cursor:
            found.append(f"it stands at {row['watermark']:%Y-%m-%d} and {row['cursor']} after the first page")
        kept = await self.store.ids(self.name)
        whole = all(ident in kept for ident in by_id(one for one in first.records if not as_of_now(one)))
        return found if whole else [*found, "a page is not kept whole"]

    async def left_out(self) -> list[str]:
        """What the system says now and the store does not have, or has and could not apply."""
        kept = await self.store.ids(self.name)
        told = [record for page in await pages(self.of, self.method, EARLY) for record in page]
        now = by_id(record for record in told if not as_of_now(record))
        unapplied = Counter(state for state in kept.values() if state != "DONE")
        found = [f"{count} records are {state}" for state, count in unapplied.items()]
        if missing := [one for ident, one in now.items() if ident not in kept]:
            found.append(f"{len(missing)} records are lost, such as {type(missing[0]).__name__}")
        return found

    async def changed_again(self) -> list[str]:
        """What all of it, told once more, changes."""
        before = await self.store.state()
        await self.run(Mode.RECONCILE)
        return [
            f"told again, it changes {name}"
            for name, rows in (await self.store.state()).items()
            if rows != before[name]
        ]
