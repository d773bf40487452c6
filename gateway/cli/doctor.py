"""`ordergraph doctor`: what stands in the way, checked one by one; nothing is changed."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

import domain.errors
from gateway.cli import listener, options

if TYPE_CHECKING:
    from gateway.settings import Settings

NEEDED_MB = 150


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(port: options.Port = None, data_dir: options.DataDir = None) -> None:
    """Check Python, settings, port, secret, and the database; exit code 1 when something is wrong."""
    wrong = 0
    for name, check in _checks(port, data_dir):
        try:
            print(f"ok     {name}: {check()}")
        except domain.errors.OrdergraphError as error:
            wrong += 1
            print(f"WRONG  {name}: {error.message}")
    sys.exit(1 if wrong else 0)


def _checks(port: int | None, data_dir: Path | None) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "python", lambda: f"{sys.version.split()[0]} at {sys.executable}"
    settings: list[Settings] = []

    def load() -> str:
        settings.append(options.settings(port=port, data_dir=data_dir))
        given = sorted(name for name in os.environ if name.startswith("ORDERGRAPH_"))
        return ", ".join(given) or "all by default"

    yield "settings", load
    if not settings:
        return
    known = settings[0]
    yield "port", lambda: _port(known)
    yield "token secret", lambda: _secret(known)
    if known.database_url is not None:
        yield "database", lambda: asyncio.run(_external(known.database_url.get_secret_value()))  # type: ignore[union-attr]
        yield "event log", lambda: asyncio.run(_log(known.database_url.get_secret_value()))  # type: ignore[union-attr]
    else:
        yield "data folder", lambda: _folder(known.data_dir)
        yield "postgresql", lambda: _programs(known)
        yield "event log", lambda: _embedded_log(known.data_dir)


def _port(settings: "Settings") -> str:
    with listener.bind(settings.host, settings.port):
        return f"{settings.port} on {settings.host} is free"


def _secret(settings: "Settings") -> str:
    if settings.token_secrets:
        return "set"
    if settings.database_url is None:
        return "made once in the data folder"
    return "not set: tokens of our own are off"


async def _external(dsn: str) -> str:
    import db.health
    import db.migrate

    if behind := await db.migrate.pending(dsn):
        raise domain.errors.Unavailable(f"it answers but lacks {len(behind)} migration(s): run `ordergraph migrate`.")
    if await db.health.forgets(dsn):
        raise domain.errors.Unavailable(
            "a crash may take back what it confirmed, and clients then miss events: set synchronous_commit to on."
        )
    return f"answers, at the newest revision {db.migrate.head()}"


async def _log(dsn: str) -> str:
    import db.pool
    import db.retention

    connection = await db.pool.connect(dsn, application="ordergraph doctor")
    try:
        found = await db.retention.status(connection)
    except db.pool.DatabaseError as error:
        raise domain.errors.Unavailable(
            f"it cannot be read ({type(error).__name__}): run `ordergraph migrate`."
        ) from None
    finally:
        await connection.close()
    since = f", the oldest of {found.oldest_at:%Y-%m-%d %H:%M} UTC" if found.oldest_at is not None else ""
    return (
        f"{found.last_pos - found.min_pos} entries kept after position {found.min_pos}{since}; "
        f"{len(found.partitions)} partition(s), room for {found.ahead} more entries; {found.waiting} changes wait"
    )


def _embedded_log(path: Path) -> str:
    from db.embedded.running import running_dsn

    try:
        dsn = running_dsn(path)
    except domain.errors.OrdergraphError:
        return "not looked at, see data folder"
    return asyncio.run(_log(dsn)) if dsn is not None else "looked at only while the gateway runs"


def _folder(path: Path) -> str:
    from db.embedded import DataFolder

    existing = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free // 2**20
    if free < NEEDED_MB:
        raise domain.errors.Unavailable(f"{path} has {free} MB free, about {NEEDED_MB} MB are needed.")
    if not os.access(existing, os.W_OK):
        raise domain.errors.Unavailable(f"{existing} is not writable: set ORDERGRAPH_DATA_DIR to another folder.")
    state = "ours" if DataFolder.exists(path) else "made at the first start"
    return f"{path.absolute()}, {state}, {free} MB free"


def _programs(settings: "Settings") -> str:
    import db.embedded

    programs = db.embedded.look(settings.pg_bin)
    return f"{programs.version} in {programs.folder}"
