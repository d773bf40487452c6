"""`ordergraph replay`: try events again that wait or were given up."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import database, options

if TYPE_CHECKING:
    from gateway.settings import Settings


def register(app: typer.Typer) -> None:
    app.command()(replay)


def replay(
    source: Annotated[str | None, typer.Option(help="Only orders with waiting events of this system.")] = None,
    order: Annotated[str | None, typer.Option(help="Only the order with this number.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Also events that were given up after eight attempts.")] = False,
    data_dir: options.DataDir = None,
) -> None:
    """Try parked events again, in the order of their orders. Safe to run at any time and any number of times."""
    settings = options.settings(data_dir=data_dir)
    with database.opened(settings) as opened:
        counts = asyncio.run(_replay(settings, opened, source, order, dead))
    print(
        f"{counts['applied']} applied, {counts['waiting']} orders still wait, {counts['dead']} events given up. "
        "parkedEvents in the API says why."
    )
    if counts["deliveries"]:
        print(f"{counts['deliveries']} deliveries of outside systems are tried again by the running gateway.")
    if counts["commands"]:
        print(f"{counts['commands']} commands to outside systems are tried again by the running gateway.")


async def _replay(
    settings: "Settings", opened: database.Database, source: str | None, order: str | None, dead: bool
) -> dict[str, int]:
    import db.connector_commands
    import db.deliveries
    import db.pool
    import db.stock_offers
    from events.inbox import Inbox
    from resolvers.commands.kinds import kinds

    await database.prepare(opened)
    pool = await db.pool.create_pool(
        opened.dsn,
        min_size=1,
        max_size=2,
        application="ordergraph replay",
        statement_seconds=settings.statement_seconds,
    )
    try:
        inbox = Inbox(pool, kinds(settings.precedence))
        counts = await inbox.replay(source=source, number=order, dead=dead)
        raised = await db.deliveries.raise_dead(pool, source) if dead and order is None else 0
        again = await db.connector_commands.raise_dead(pool, source) if dead and order is None else 0
        if dead and order is None:
            await db.stock_offers.raise_dead(pool, source)
        return {**counts, "deliveries": raised, "commands": again}
    finally:
        await pool.close()
