"""The composition root: the one place where everything is made and handed to what needs it."""

import contextlib
import functools
import hashlib
from collections.abc import AsyncIterator, Callable

import aiohttp
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

import db.api_keys
import resolvers.execute
import schema.build
from db.health import Health
from db.pool import Pool
from db.reader import PoolReader, Reader
from events.cursor import Signer
from events.hub import Hub
from events.inbox import Inbox
from events.retrying import Retrying
from events.store_log import StoreLog
from gateway import callback_hosts, health, pages
from gateway.admission import Admission
from gateway.api_keys import ApiKeys
from gateway.auth import Authenticator
from gateway.callback import Callbacks
from gateway.connections import Connections, StreamOptions
from gateway.connector_metrics import ConnectorMetrics
from gateway.connector_work import ConnectorWork
from gateway.cors import Cors
from gateway.endpoint import Endpoint
from gateway.hooks import Hooks
from gateway.http import Engine, GraphQLHttp, HttpOptions
from gateway.limits import check_source
from gateway.oidc import KeySet, Oidc, OidcTokens
from gateway.operation import Streaming
from gateway.realtime import Realtime, all_kept_running
from gateway.settings import Settings
from gateway.telemetry import Metrics
from gateway.tokens import OwnTokens
from gateway.webhooks import Webhooks
from gateway.weights import check_document
from resolvers.commands.kinds import kinds
from resolvers.live_sources import fetchers
from resolvers.mutations import Mutations
from resolvers.plan import Checks
from resolvers.polls import Polls


def create_app(settings: Settings, pool: Pool, dsn: str | None = None, engine: Engine | None = None) -> Starlette:
    """The gateway on a pool that the caller opened and closes; `engine` replaces the read engine in tests.

    `dsn` is the pool's database, for connections of one's own: with it, changes are relayed and can be followed.
    """
    metrics = Metrics()
    reader = PoolReader(pool)
    hub = Hub(StoreLog(reader))
    signer = Signer(cursor_secret(settings))
    reading = graphql_engine(settings, reader, metrics, signer, hub, pool)
    realtime = Realtime(settings, dsn, hub, reading, reader, signer) if dsn else None
    if realtime is not None:
        reading.polls = Polls(realtime.subscriptions)
        realtime.watch(metrics)
        realtime.webhooks = webhooks(settings, pool, realtime, reading, reader, metrics)
    authenticator = Authenticator(
        own=OwnTokens(settings.token_secrets) if settings.token_secrets else None,
        keys=ApiKeys(functools.partial(db.api_keys.by_prefix, reader)),
        revocations=hub.revocations,
    )
    work = ConnectorWork(settings, pool)
    metrics.registry.register(work.numbers)
    metrics.registry.register(ConnectorMetrics(work.connectors.runtime.guards))
    if reading.mutations is not None:
        reading.mutations.desk = work.desk
    reading.fetchers = fetchers(work.connectors.runtime, work.connectors.answering)
    admission = Admission(settings.operations_at_once, settings.operations_waiting, settings.waiting_seconds)
    metrics.watch("ordergraph_operations_running", "Operations that run now.", lambda: admission.running)
    metrics.watch("ordergraph_operations_waiting", "Operations that wait for a place.", lambda: len(admission.queue))
    connections = Connections(stream_options(settings))
    metrics.watch("ordergraph_polls_waiting", "Requests that wait for changes.", lambda: connections.polls)
    plain = GraphQLHttp(engine or reading, authenticator, admission, metrics, http_options(settings), connections)
    streaming = streaming_endpoint(plain, realtime) if realtime is not None else None
    retrying = Retrying(Inbox(pool, kinds(settings.precedence)))
    metrics.watch(
        "ordergraph_oldest_parked_seconds", "Age of the oldest parked event.", lambda: retrying.oldest_parked_seconds
    )
    app = Starlette(
        routes=[
            Route("/graphql", streaming or plain),
            *([WebSocketRoute("/graphql", streaming)] if streaming is not None else []),
            *hook_routes(settings, work, metrics),
            *health.routes(metrics, Health(pool).trouble),
            *([pages.route()] if settings.graphiql else []),
        ],
        lifespan=functools.partial(
            lifespan,
            oidc(settings),
            authenticator,
            realtime,
            streaming,
            retrying,
            functools.partial(work.running, pulls=settings.connectors_run),
        ),
    )
    # For the server to call before it closes connections, with the seconds that may take.
    app.state.drain = functools.partial(drain, realtime, streaming)
    return app


@contextlib.asynccontextmanager
async def lifespan(
    provider: Oidc | None,
    authenticator: Authenticator,
    realtime: Realtime | None,
    streaming: Endpoint | None,
    retrying: Retrying,
    connectors: Callable[[], contextlib.AbstractAsyncContextManager[None]],
    _: Starlette,
) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(all_kept_running({"retrying": retrying.run}))
        await stack.enter_async_context(connectors())
        if realtime is not None:
            await stack.enter_async_context(realtime.running())
        if streaming is not None and streaming.callbacks.hosts.names:
            callbacks = streaming.callbacks
            seconds = streaming.streaming.connections.options.callback_seconds
            callbacks.session = await stack.enter_async_context(callback_hosts.session(callbacks.hosts, seconds))
        if provider is not None:
            http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
            key_set = KeySet(provider.jwks_url, http)
            stack.push_async_callback(key_set.close)
            authenticator.oidc = OidcTokens(provider, key_set)
        yield


async def drain(realtime: Realtime | None, streaming: Endpoint | None, seconds: float) -> None:
    """Every stream is told how far it has come, then they end in waves."""
    if realtime is not None and streaming is not None:
        streaming.streaming.connections.draining = True
        realtime.hub.shut_down()
        await streaming.streaming.connections.drain(seconds)


def webhooks(
    settings: Settings,
    pool: Pool,
    realtime: Realtime,
    engine: resolvers.execute.Engine,
    reader: Reader,
    metrics: Metrics,
) -> Webhooks | None:
    """None unless receivers are listed and there is a key to encrypt their secrets with."""
    if not settings.webhook_hosts or not settings.webhook_keys:
        return None
    find = functools.partial(db.api_keys.by_prefix, reader)
    made = Webhooks(settings, pool, realtime.hub, realtime.subscriptions, find)
    made.watch(metrics)
    if engine.mutations is not None:
        engine.mutations.office = made.office
    return made


def hook_routes(settings: Settings, work: ConnectorWork, metrics: Metrics) -> list[Route]:
    """With and without a slash at the end: vendors follow no redirect."""
    if not work.connectors.all:
        return []
    hooks = Hooks(
        work.connectors,
        work.deliveries,
        metrics,
        longest_body=settings.longest_body,
        body_seconds=settings.body_seconds,
    )
    return [Route(path, hooks) for path in ("/webhooks/{connector}", "/webhooks/{connector}/")]


def stream_options(settings: Settings) -> StreamOptions:
    return StreamOptions(
        connections=settings.connections,
        connections_per_caller=settings.connections_per_caller,
        connections_per_staff=settings.connections_per_staff,
        operations_per_socket=settings.operations_per_socket,
        messages_per_minute=settings.messages_per_minute,
        start_seconds=settings.operation_seconds,
        callback_hosts=settings.callback_hosts,
    )


def streaming_endpoint(plain: GraphQLHttp, realtime: Realtime) -> Endpoint:
    realtime.hub.on_revoked = plain.connections.revoke
    plain.metrics.registry.register(plain.connections)
    streaming = Streaming(realtime.subscriptions, plain, plain.connections)
    return Endpoint(streaming, Callbacks(streaming))


def graphql_engine(
    settings: Settings, reader: Reader, metrics: Metrics, signer: Signer, hub: Hub, pool: Pool
) -> resolvers.execute.Engine:
    checks = Checks(
        source=functools.partial(check_source, limits=settings.limit),
        document=functools.partial(check_document, limits=settings.limit),
    )
    executable = schema.build.executable(schema.build.build())
    mutations = Mutations(executable, pool, kinds(settings.precedence), max_cost=checks.max_cost)
    engine = resolvers.execute.Engine(executable, reader, checks, signer, epoch=lambda: hub.epoch, mutations=mutations)
    for name in engine.plans.counters():
        metrics.watch(
            f"ordergraph_{name}",
            "Looks into the engine's caches.",
            functools.partial(count, engine, name),
            counter=True,
        )
    return engine


def count(engine: resolvers.execute.Engine, name: str) -> float:
    return engine.plans.counters()[name]


def cursor_secret(settings: Settings) -> bytes:
    """The same in all processes on one database, which without a secret for tokens share only its address."""
    if settings.token_secrets:
        return settings.token_secrets[0].encode()
    address = settings.database_url.get_secret_value() if settings.database_url else ""
    return hashlib.sha256(address.encode()).digest()


def http_options(settings: Settings) -> HttpOptions:
    return HttpOptions(
        style=settings.status_style,
        cors=Cors(frozenset(origin.encode() for origin in settings.cors_origins)),
        persisted_queries=settings.persisted_queries,
        longest_body=settings.longest_body,
        body_seconds=settings.body_seconds,
        operation_seconds=settings.operation_seconds,
        page=pages.page() if settings.graphiql else None,
    )


def oidc(settings: Settings) -> Oidc | None:
    if not (settings.oidc_issuer and settings.oidc_audience and settings.oidc_jwks_url):
        return None
    return Oidc(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_jwks_url,
        settings.oidc_roles,
        settings.oidc_role_claim,
        settings.oidc_customer_claim,
    )
