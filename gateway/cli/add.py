"""`ordergraph add …`: the channels and locations that outside systems speak of; they must be there before."""

import asyncio
import re
import zoneinfo
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import BadInput, NotFound
from domain.reasons import ChannelKind, LocationKind
from gateway.cli import database, options

if TYPE_CHECKING:
    from db.pool import Connection

group = typer.Typer(help="Channels and locations, before anything is told of them.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="The code it has in the connectors' file and in all inputs.")]
Name = Annotated[str | None, typer.Option(help="For people [the code].", show_default=False)]
Zone = Annotated[str, typer.Option(help="Its time zone, such as Europe/Berlin.")]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="add")


@group.command()
def channel(
    code: Code,
    currency: Annotated[str, typer.Option(help="Of orders that name none: ISO 4217, such as EUR.")],
    name: Name = None,
    kind: Annotated[ChannelKind, typer.Option(help="What it is.")] = ChannelKind.STOREFRONT,
    time_zone: Zone = "UTC",
    data_dir: options.DataDir = None,
) -> None:
    """Add a sales channel; one that is there already stays as it is."""
    import db.commands.places

    _check(code, currency, r"[A-Z]{3}", "--currency", "three capital letters, such as EUR", time_zone)

    async def work(connection: "Connection") -> bool:
        return await db.commands.places.add_channel(connection, code, name or code, kind, time_zone, currency)

    _add(f"Channel {code}", work, data_dir)


@group.command()
def location(
    code: Code,
    country: Annotated[str, typer.Option(help="ISO 3166, such as DE.")],
    name: Name = None,
    kind: Annotated[LocationKind, typer.Option(help="What it is.")] = LocationKind.WAREHOUSE,
    time_zone: Zone = "UTC",
    channel: Annotated[
        list[str] | None, typer.Option(help="A channel that sells what is there; may be repeated.", show_default=False)
    ] = None,
    postal_code: Annotated[str | None, typer.Option(help="For promises.", show_default=False)] = None,
    data_dir: options.DataDir = None,
) -> None:
    """Add a location; one that is there already stays as it is."""
    import db.commands.places

    _check(code, country, r"[A-Z]{2}", "--country", "two capital letters, such as DE", time_zone)

    async def work(connection: "Connection") -> bool:
        if unknown := (await db.commands.places.missing(connection, channel or [], []))[0]:
            raise NotFound(f"There is no channel {unknown[0]}: ordergraph add channel {unknown[0]} --currency …")
        return await db.commands.places.add_location(
            connection, code, name or code, kind, time_zone, country, postal_code, channel or []
        )

    _add(f"Location {code}", work, data_dir)


def _check(code: str, word: str, form: str, option: str, right: str, time_zone: str) -> None:
    if not code.strip() or code != code.strip():
        raise BadInput("A code is not empty, and has no space around it.")
    if re.fullmatch(form, word) is None:
        raise BadInput(f"{option} {word} is not right: give {right}.")
    if time_zone not in zoneinfo.available_timezones():
        raise BadInput(f"--time-zone {time_zone} is no time zone. Give one such as Europe/Berlin.")


def _add(what: str, work: "Callable[[Connection], Awaitable[bool]]", data_dir: options.DataDir) -> None:
    with database.reached(options.settings(data_dir=data_dir)) as opened:
        new = asyncio.run(_run(opened, work))
    print(
        f"{what} is added. What was refused for lack of it: ordergraph replay --dead."
        if new
        else f"{what} was there already and stays as it is."
    )


async def _run(opened: database.Database, work: "Callable[[Connection], Awaitable[bool]]") -> bool:
    import db.pool

    await database.prepare(opened)
    connection = await db.pool.connect(opened.dsn, application="ordergraph add")
    try:
        return await work(connection)
    finally:
        await connection.close()
