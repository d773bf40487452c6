"""`ordergraph serve`: the gateway as a process, from the first setting to the last signal."""

import asyncio
import contextlib
import gc
import logging
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

import domain.errors
from gateway.cli import database, listener, options
from gateway.cli.lifetime import Lifetime

if TYPE_CHECKING:
    import uvicorn

    from db.pool import Pool
    from gateway.settings import Settings

# Together below lifetime.MOST_SECONDS.
DRAIN_SECONDS = 0.8
FINISH_SECONDS = 1.5
POOL_SECONDS = 0.5
POSTGRES_SECONDS = 1.0
# Longer than the idle time of usual load balancers (60 s), so that it is never us who close a connection in use.
KEEP_ALIVE_SECONDS = 75
# What they say at INFO is theirs: plugins found, processes started.
TALKATIVE = ("alembic", "uvicorn")
WEBSOCKET_MESSAGE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Manner:
    """How to serve: `before` works on the migrated database, `ready` gets our address when requests are answered."""

    ready: Callable[[str], None]
    before: Callable[[str], Awaitable[None]] | None = None
    # Seconds to wait for an earlier run to let go of port and folder.
    patience: float = 0.0
    until_parent_ends: bool = False


def register(app: typer.Typer) -> None:
    app.command()(serve)


def serve(host: options.Host = None, port: options.Port = None, data_dir: options.DataDir = None) -> None:
    """Serve the gateway. The embedded database is migrated; one of yours must be, by `ordergraph migrate`."""
    settings = options.settings(host=host, port=port, data_dir=data_dir)
    run(settings, Manner(ready=lambda url: print(f"Ordergraph serves {url}/graphql", flush=True)))


def run(settings: "Settings", manner: Manner) -> None:
    """Serve until asked to end."""
    import gateway.signing
    import gateway.telemetry

    lifetime = Lifetime()
    lifetime.watch_signals()
    if manner.until_parent_ends:
        lifetime.watch_parent()
    try:
        with listener.bind(settings.host, settings.port, manner.patience) as bound:
            gateway.telemetry.configure_logging(settings.log_level, as_json=settings.log_json)
            for talkative in TALKATIVE:
                logging.getLogger(talkative).setLevel(logging.WARNING)
            settings = gateway.signing.with_secret(settings)
            held = database.opened(settings, stop_seconds=POSTGRES_SECONDS, patience=manner.patience)
            with held as opened, asyncio.Runner(loop_factory=_loop) as runner:
                runner.run(_serve(settings, opened, bound, lifetime, manner))
    except (KeyboardInterrupt, asyncio.CancelledError):
        if not lifetime.ending:
            raise


async def _serve(
    settings: "Settings", opened: database.Database, bound: socket.socket, lifetime: Lifetime, manner: Manner
) -> None:
    lifetime.on_end = _canceller()
    await database.prepare(opened)
    if manner.before is not None:
        await manner.before(opened.dsn)
    async with _pool(settings, opened.dsn) as pool:
        import gateway.app

        app = gateway.app.create_app(settings, pool, opened.dsn)
        server = _server(app, opened, lambda: manner.ready(listener.url(bound)))
        lifetime.on_end = lambda: _end(server)
        # Modules, schema and compiler live as long as the process: looked through again and again for what is no longer
        # used, they held up all requests for 140 ms now and then.
        gc.collect()
        gc.freeze()
        try:
            await server.serve(sockets=[bound])
        except OSError as error:
            raise listener.refused(error, settings.host, settings.port) from error
    if opened.embedded is not None and not opened.embedded.running:
        raise domain.errors.Unavailable(f"The embedded PostgreSQL ended by itself; {opened.embedded.log} says why.")


def _canceller() -> Callable[[], None]:
    task = asyncio.current_task()
    assert task is not None
    loop = task.get_loop()

    def cancel() -> None:
        # From a signal handler, so the loop may be asleep.
        loop.call_soon_threadsafe(task.cancel)

    return cancel


def _end(server: "uvicorn.Server") -> None:
    """The first time let requests finish, the second time do not."""
    server.force_exit = server.should_exit
    server.should_exit = True


@contextlib.asynccontextmanager
async def _pool(settings: "Settings", dsn: str) -> AsyncIterator["Pool"]:
    import db.pool

    pool = await db.pool.create_pool(
        dsn,
        min_size=settings.pool_min,
        max_size=settings.pool_max,
        statement_seconds=settings.statement_seconds,
    )
    try:
        yield pool
    finally:
        try:
            async with asyncio.timeout(POOL_SECONDS):
                await pool.close()
        except TimeoutError:
            pool.terminate()


def _server(app: Any, opened: database.Database, ready: Callable[[], None]) -> "uvicorn.Server":
    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Signals are Lifetime's: uvicorn would raise them again before the database is stopped."""
            yield

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if not self.should_exit:
                ready()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """Streams end while they can still be told why; uvicorn would only cut them."""
            for listening in self.servers:
                listening.close()
            if not self.force_exit:
                await app.state.drain(DRAIN_SECONDS)
            await super().shutdown(sockets)

        async def end_with_database(self) -> None:
            """An embedded server that is gone does not come back while we live."""
            if opened.embedded is not None and not opened.embedded.running:
                self.should_exit = True

    server = Server(uvicorn.Config(app, **_uvicorn()))
    server.config.callback_notify = server.end_with_database
    return server


def _uvicorn() -> dict[str, Any]:
    return {
        "http": "httptools",
        "ws": "websockets-sansio",
        # Small messages gain nothing from it, and it costs each connection memory and each message time.
        "ws_per_message_deflate": False,
        "ws_max_size": WEBSOCKET_MESSAGE_BYTES,
        # We ping in the subprotocol. uvicorn closes with 1011 who does not answer, after which clients of npm's
        # graphql-ws never come back: a laptop that slept finds that when it wakes up.
        "ws_ping_interval": None,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": FINISH_SECONDS,
        "timeout_notify": 0,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        # Who is in front of us is not known here, so nobody is believed about addresses.
        "proxy_headers": False,
    }


def _loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
