"""`ordergraph report`: figures over many orders."""

import asyncio
import datetime
from typing import TYPE_CHECKING, Annotated

import typer

import domain.errors
from gateway.cli import database, options

if TYPE_CHECKING:
    from db.reports import Group, PromisesKept

# A report reads whole tables.
STATEMENT_SECONDS = 300.0
Day = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", show_default=False)]


def register(app: typer.Typer) -> None:
    reports = typer.Typer(help="Figures over many orders.", no_args_is_help=True, rich_markup_mode=None)
    reports.callback()(_group)
    reports.command()(promises)
    app.add_typer(reports, name="report")


def _group() -> None:
    """Figures over many orders."""


def promises(
    channel: Annotated[str | None, typer.Option(help="Only this sales channel.", show_default=False)] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="Delivered on this day or later.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Delivered on this day or before.")] = None,
    data_dir: options.DataDir = None,
) -> None:
    """How many delivered orders came after the day promised when they were sold. Days are the recipient's."""
    told = _day(first, "--from"), _day(last, "--to")
    with database.opened(options.settings(data_dir=data_dir)) as opened:
        kept = asyncio.run(_read(opened, channel, *told))
    for line in _lines(kept):
        print(line)


async def _read(
    opened: database.Database, channel: str | None, first: datetime.date | None, last: datetime.date | None
) -> "PromisesKept":
    import db.pool
    import db.reports

    await database.prepare(opened)
    connection = await db.pool.connect(opened.dsn, application="ordergraph-report", statement_seconds=STATEMENT_SECONDS)
    try:
        return await db.reports.promises_kept(connection, channel=channel, first=first, last=last)
    finally:
        await connection.close()


def _day(text: str | None, option: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise domain.errors.BadInput(f"{option} {text} is no day: write it as 2018-01-31.") from None


def _lines(kept: "PromisesKept") -> list[str]:
    lines = [f"{kept.late:,} late of {kept.delivered:,} delivered with a date ({kept.percent:.2f} %)"]
    if kept.late:
        lines.append(
            f"days late, of the late: median {kept.median_late}, 90 % within {kept.p90_late}, most {kept.most_late}"
        )
    if kept.delivered:
        lines.append(
            f"against the promised day, of all: median {_gap(kept.median_gap)}, 90 % {_gap(kept.p90_gap)} or better"
        )
    lines += _groups("location", kept.by_location)
    lines += _groups("carrier", kept.by_carrier)
    return lines


def _gap(days: int | None) -> str:
    if not days:
        return "on the day"
    return f"{days} days late" if days > 0 else f"{-days} days early"


def _groups(name: str, groups: "tuple[Group, ...]") -> list[str]:
    if not groups:
        return []
    width = max(len(name), *(len(group.code) for group in groups))
    head = f"{name:<{width}}  {'late':>7}  {'delivered':>9}  {'%':>6}"
    rows = [
        f"{group.code:<{width}}  {group.late:>7,}  {group.delivered:>9,}  {100 * group.late / group.delivered:>6.2f}"
        for group in groups
    ]
    return ["", head, *rows]
