"""`ordergraph import`: order history from files."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import database, options

if TYPE_CHECKING:
    import db.importing.run
    from db.importing.summary import Summary


def register(app: typer.Typer) -> None:
    app.command(name="import")(import_)


def import_(
    mapping: Annotated[str, typer.Argument(help="A TOML file, or one that is shipped: generic, olist, shopify.")],
    files: Annotated[list[Path], typer.Argument(help="CSV or TSV files, or folders of them; matched by their names.")],
    channel: Annotated[
        str | None, typer.Option(help="Import into the sales channel of this code, not the mapping's.")
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(
            help="File for the rows that are refused [SOURCE.rejects.csv beside the input].", show_default=False
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything, then undo it.")] = False,
    data_dir: options.DataDir = None,
) -> None:
    """Import order history. Doing it twice changes nothing; killed, the same command goes on where it was."""
    import db.importing.language
    import db.importing.run

    known = db.importing.language.load(mapping)
    order = db.importing.run.Order(known.in_channel(channel) if channel else known, files, rejects, dry_run)
    with database.opened(options.settings(data_dir=data_dir)) as opened:
        try:
            summary = asyncio.run(_import(opened, order))
        except KeyboardInterrupt:
            print("ordergraph: ended; the same command goes on from here.", file=sys.stderr)
            raise
    for line in _told(order, summary):
        print(line)


async def _import(opened: database.Database, order: "db.importing.run.Order") -> "Summary":
    import db.importing.run
    from gateway.cli import progress

    await database.prepare(opened)
    with progress.shown() as watcher:
        return await db.importing.run.run(opened.dsn, order, watcher)


def _told(order: "db.importing.run.Order", summary: "Summary") -> list[str]:
    from db.importing.staging import Outcome

    rate = f"{round(summary.rows() / summary.seconds):,} rows/s"
    did = "Dry run of" if summary.dry else "Imported"
    pace = "continued where an earlier run was ended" if summary.resumed else rate
    source, channel = order.mapping.source, order.mapping.channel.code
    lines = [f"{did} {source} into channel {channel} in {summary.seconds:.1f} s, {pace}."]
    lines.append(_row("rows of", "read", *(outcome.lower() for outcome in Outcome)))
    for table in [*summary.tables, None]:
        counts = [summary.rows(table), *(summary.rows(table, outcome) for outcome in Outcome)]
        lines.append(_row(table or "all", *(f"{count:,}" for count in counts)))
    lines.append(f"Orders: {', '.join(f'{count:,} {outcome.lower()}' for outcome, count in summary.orders.items())}.")
    for kind, before in (("status", "They are"), ("attention", "To look at:"), ("without", "Without")):
        words = ", ".join(f"{word} {count:,}" for (of, word), count in summary.standing.items() if of == kind)
        lines += [f"{before} {words}."] if words else []
    refused = summary.rows(outcome=Outcome.REJECTED)
    lines.append(f"{refused:,} rows refused; which and why: {summary.rejects}" if refused else "No row was refused.")
    lines += ["Nothing was changed: this was a dry run."] if summary.dry else []
    return lines


def _row(name: str, *cells: str) -> str:
    return f"{name:<12}" + "".join(f"{cell:>11}" for cell in cells)
