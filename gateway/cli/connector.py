"""`ordergraph connector …`: what is configured, how far each is, and pulls by hand."""

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import BadInput, NotFound
from gateway.cli import connector_folder, database, options, progress

if TYPE_CHECKING:
    from db.pool import Pool
    from events.pulling import Progress, Target
    from gateway.connector_work import ConnectorWork
    from gateway.settings import Settings

WAIT_SECONDS = 90.0
# Shopify gives a bulk operation ten days; whoever sits before a terminal gives up earlier, and may ask again.
NOT_YET_SECONDS = 3600.0
NOT_YET_PAUSE = 10.0
DURATION = re.compile(r"^(\d+)(s|m|h)$")
UNITS = {"s": 1, "m": 60, "h": 3600}

group = typer.Typer(
    help="Outside systems: what is configured, how far each is, and pulls by hand.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="Name of the instance, as in the connectors' file.")]
Capability = Annotated[str | None, typer.Option(help="Only this, such as orders_pull; all pulls without it.")]


def register(app: typer.Typer) -> None:
    connector_folder.register(group)
    app.add_typer(group, name="connector")


@group.command("list")
def list_(data_dir: options.DataDir = None) -> None:
    """The instances, what each can do, and how far its pulls are."""
    settings = options.settings(data_dir=data_dir)
    with database.opened(settings) as opened:
        for line in asyncio.run(_list(settings, opened)):
            print(line)


@group.command()
def sync(
    name: Name,
    capability: Capability = None,
    every: Annotated[str | None, typer.Option(help="Again and again after this long, such as 5m.")] = None,
    data_dir: options.DataDir = None,
) -> None:
    """Pull what changed since the last time, once, or until it is interrupted with --every."""
    pause = None if every is None else _seconds(every)
    settings = options.settings(data_dir=data_dir)
    with database.opened(settings) as opened:
        asyncio.run(_pull(settings, opened, name, capability, "SYNC", pause))


@group.command()
def backfill(name: Name, capability: Capability = None, data_dir: options.DataDir = None) -> None:
    """Pull everything there is. Killed, it goes on where it was; what is known already is not changed."""
    settings = options.settings(data_dir=data_dir)
    with database.opened(settings) as opened:
        asyncio.run(_pull(settings, opened, name, capability, "BACKFILL", None))


@group.command()
def reconcile(name: Name, capability: Capability = None, data_dir: options.DataDir = None) -> None:
    """Pull ORDERGRAPH_CONNECTOR_RECONCILE_HOURS back, count what webhooks lost, and apply it."""
    settings = options.settings(data_dir=data_dir)
    with database.opened(settings) as opened:
        asyncio.run(_pull(settings, opened, name, capability, "RECONCILE", None))


@group.command()
def push(name: Name, data_dir: options.DataDir = None) -> None:
    """Tell it all that is for sale at the locations its table lists under push, whatever it was told before."""
    settings = options.settings(data_dir=data_dir)
    with database.opened(settings) as opened:
        asyncio.run(_push(settings, opened, name))


@group.command()
def deliver(
    name: Name,
    file: Annotated[Path, typer.Argument(help="One delivery in JSON, or one per line.")],
    topic: Annotated[str, typer.Option(help="What the deliveries are, where their system says so in a header.")] = "",
    data_dir: options.DataDir = None,
) -> None:
    """Take a file of what a system sent, such as messages of a queue, as if it had come to /webhooks/NAME."""
    from gateway.cli import connector_deliver

    settings = options.settings(data_dir=data_dir)
    bodies = connector_deliver.read(file, settings.longest_body)
    with database.opened(settings) as opened:
        print(asyncio.run(_deliver(settings, opened, name, bodies, topic)))


async def _deliver(settings: "Settings", opened: database.Database, name: str, bodies: list[bytes], topic: str) -> str:
    import db.deliveries
    from gateway.cli import connector_deliver, connector_list

    async with _working(settings, opened) as (work, pool):
        if name not in work.connectors.all or not work.connectors.all[name].tells:
            raise NotFound(f"No outside system called {name} sends deliveries. `ordergraph connector list` shows all.")
        with progress.shown() as shown:
            new = await connector_deliver.keep(work.deliveries, name, bodies, topic, shown)
        async with work.connectors.opened():
            while await work.deliveries.round(name):
                pass
        rows = {row["instance"]: row for row in await db.deliveries.waiting(pool)}
        left = connector_list.unfinished(rows[name]) if name in rows else "0 wait, 0 given up"
        return f"{name}: {new} deliveries taken, {len(bodies) - new} known before; {left}."


@group.command()
def run(data_dir: options.DataDir = None) -> None:
    """Pull from all outside systems in their turns, for deployments where `serve` does not."""
    settings = options.settings(data_dir=data_dir)
    with database.opened(settings) as opened:
        asyncio.run(_run(settings, opened))


def _seconds(text: str) -> float:
    found = DURATION.match(text)
    if found is None or not int(found[1]):
        raise BadInput(f"--every {text} is no time. Give seconds, minutes or hours, such as 30s, 5m or 1h.")
    return float(int(found[1]) * UNITS[found[2]])


@contextlib.asynccontextmanager
async def _working(settings: "Settings", opened: database.Database) -> AsyncIterator[tuple["ConnectorWork", "Pool"]]:
    import db.pool
    from gateway.connector_work import ConnectorWork

    await database.prepare(opened)
    pool = await db.pool.create_pool(
        opened.dsn,
        min_size=1,
        max_size=settings.pool_max,
        application="ordergraph connector",
        statement_seconds=settings.statement_seconds,
    )
    try:
        yield ConnectorWork(settings, pool), pool
    finally:
        await pool.close()


async def _run(settings: "Settings", opened: database.Database) -> None:
    async with _working(settings, opened) as (work, _), work.running(pulls=True):
        print(f"Pulling from {len(work.connectors.all)} outside systems.", flush=True)
        await asyncio.Event().wait()


async def _push(settings: "Settings", opened: database.Database, name: str) -> None:
    from gateway.cli import connector_push

    async with _working(settings, opened) as (work, _), work.running(pulls=False):
        await connector_push.push(work, name)


async def _list(settings: "Settings", opened: database.Database) -> list[str]:
    from gateway.cli import connector_list

    async with _working(settings, opened) as (work, pool):
        return await connector_list.lines(work, pool)


async def _pull(
    settings: "Settings",
    opened: database.Database,
    name: str,
    capability: str | None,
    mode: str,
    pause: float | None,
) -> None:
    import db.unread

    async with _working(settings, opened) as (work, pool):
        wanted = _targets(work, name, capability, mode)
        # Somebody who asks may have put right what could not be read.
        await db.unread.look_again(pool, name)
        async with work.running(pulls=False):
            while True:
                for target in wanted:
                    print(await _one(work, target), flush=True)
                if pause is None:
                    return
                await asyncio.sleep(pause)


def _targets(work: "ConnectorWork", name: str, capability: str | None, mode: str) -> list["Target"]:
    from events.pulling import Mode
    from gateway.connectors import targets

    if name not in work.connectors.all:
        there = ", ".join(work.connectors.all) or "none"
        raise NotFound(f"There is no instance {name} in ORDERGRAPH_CONNECTORS_FILE; there are: {there}.")
    own = [one for one in targets(work.connectors.all, Mode(mode)) if one.instance == name]
    wanted = [one for one in own if capability in (None, one.capability.value)]
    if not wanted:
        there = ", ".join(one.capability.value for one in own) or "nothing"
        raise NotFound(f"From {name} can be pulled: {there}.")
    return wanted


async def _one(work: "ConnectorWork", target: "Target") -> str:
    """The result in a line. Waits for a process that died in the middle until its lease ends."""
    with progress.pulled(f"{target.instance} {target.capability}") as shown:
        deadline = time.monotonic() + WAIT_SECONDS
        while (done := await _run_once(work, target, shown)) is None:
            if time.monotonic() > deadline:
                return f"{target.instance} {target.capability}: another process is at it."
            await asyncio.sleep(1)
    return f"{target.instance} {target.capability}: {_summary(done)}"


async def _run_once(work: "ConnectorWork", target: "Target", shown: "Callable[[Progress], None]") -> "Progress | None":
    """A system that is still at work on what it was asked for, such as a file of all orders, is waited for."""
    from connectors.errors import NotYet

    until = time.monotonic() + NOT_YET_SECONDS
    while True:
        try:
            return await work.pulling.run(target, progress=shown)
        except NotYet as error:
            if time.monotonic() > until:
                raise
            print(f"{target.instance} {target.capability}: {error.message}", file=sys.stderr, flush=True)
            await asyncio.sleep(NOT_YET_PAUSE)


def _summary(done: "Progress") -> str:
    counts: Iterable[str] = (f"{number} {outcome.lower()}" for outcome, number in sorted(done.taken.outcomes.items()))
    lost = f"; {done.taken.news} lost by webhooks" if done.taken.news else ""
    return f"{done.records} records ({', '.join(counts) or 'nothing new'}){lost}."
