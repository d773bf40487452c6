"""Which database a command works on, and `ordergraph migrate`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

import domain.errors
from gateway.cli import options

if TYPE_CHECKING:
    from db.embedded import EmbeddedPostgres
    from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Database:
    """`embedded` is the server we run, None for a database of the owner's."""

    dsn: str
    embedded: "EmbeddedPostgres | None"


@contextmanager
def opened(settings: "Settings", *, stop_seconds: float = 3.0, patience: float = 0.0) -> Iterator[Database]:
    """The database of ORDERGRAPH_DATABASE_URL, else the embedded one, running while this lasts."""
    if settings.database_url is not None:
        yield Database(settings.database_url.get_secret_value(), None)
        return
    from db.embedded import EmbeddedPostgres

    server = EmbeddedPostgres(settings.data_dir, port=settings.pg_port, bin_dir=settings.pg_bin, patience=patience)
    try:
        server.start()
        for note in server.notes:
            print(note, flush=True)
        yield Database(server.dsn, server)
    finally:
        server.stop(stop_seconds)


@contextmanager
def reached(settings: "Settings") -> Iterator[Database]:
    """As `opened`, but when another process runs the embedded one now, that is used, and left running."""
    if settings.database_url is None:
        from db.embedded.running import running_dsn

        dsn = running_dsn(settings.data_dir)
        if dsn is not None:
            yield Database(dsn, None)
            return
    with opened(settings) as database:
        yield database


async def prepare(database: Database) -> None:
    """Migrate what is ours; refuse what is the owner's and behind, because others may be using it."""
    import db.migrate

    if database.embedded is not None:
        await db.migrate.upgrade(database.dsn)
    elif behind := await db.migrate.pending(database.dsn):
        raise domain.errors.Unavailable(
            f"The database lacks {len(behind)} migration(s), up to {behind[-1]}: run `ordergraph migrate` first."
        )


def register(app: typer.Typer) -> None:
    app.command()(migrate)


def migrate(data_dir: options.DataDir = None) -> None:
    """Bring the database to the newest shape. Any number of processes may do so at once."""
    import db.migrate

    with opened(options.settings(data_dir=data_dir)) as database:
        applied = asyncio.run(db.migrate.upgrade(database.dsn))
    print(f"Applied: {', '.join(applied)}." if applied else "Nothing to do: the database is at the newest revision.")
