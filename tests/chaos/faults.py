"""What is done to the processes. Each fault is undone; a sentence says what was not as it should be."""

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable, Sequence

import db.pool
from tests.chaos.clients import Client
from tests.chaos.recording import Entry, Reset
from tests.chaos.world import Gateway, World
from tests.chaos.writers import Ledger

END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"
# Rows that retention takes from the log are kept here: the truth at the end has them too.
FORGET = """
WITH head AS (UPDATE stream_meta SET min_pos = last_pos - 1 WHERE last_pos > 1 RETURNING min_pos),
gone AS (DELETE FROM event_log USING head WHERE pos <= min_pos RETURNING pos, journal_id)
SELECT gone.pos, entry.event_id::text AS event, entry.entity, coalesce(entry.order_id::text, '') AS "order",
       entry.version, orders.customer_id AS customer, coalesce(entry.source_event_id, '') AS source
FROM gone JOIN journal entry ON entry.id = gone.journal_id LEFT JOIN orders ON orders.id = entry.order_id
"""
HOLD = """
WITH changed AS (UPDATE orders SET version = version + 1 WHERE number = 'S-12' RETURNING id, version)
INSERT INTO journal (entity, entity_id, order_id, version, type, source, source_event_id, actor, occurred_at)
SELECT 'ORDER', id, id, version, 'STATUS_CHANGED', 'sql', $1, 'system', now() FROM changed
"""
NOTICED_SECONDS = 20.0


class Patients:
    """Who faults happen to. `archive` are log entries that retention took."""

    def __init__(self, world: World, clients: Sequence[Client], ledger: Ledger, dice: random.Random) -> None:
        self.world = world
        self.clients = clients
        self.ledger = ledger
        self.dice = dice
        self.archive: list[Entry] = []

    def gateway(self) -> Gateway:
        return self.dice.choice(self.world.gateways)


Fault = Callable[[Patients], Awaitable[str | None]]


async def gateway_killed(patients: Patients) -> None:
    await _killed(patients.gateway())


async def relay_killed(patients: Patients) -> str | None:
    """The process whose relay leads, so that another of the three takes over; three times in a row."""
    for _ in range(3):
        leader = await _leader(patients.world)
        if leader is None:
            return "no gateway's relay leads"
        await _killed(leader)
    return None


async def postgres_crashed(patients: Patients) -> None:
    await patients.world.database.crash()


async def postgres_paused(patients: Patients) -> None:
    patients.world.database.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(10)
    finally:
        patients.world.database.signal(signal.SIGCONT)


async def database_connections_cut(patients: Patients) -> None:
    gateway = patients.gateway()
    for _ in range(3):
        gateway.back.cut()
        await asyncio.sleep(0.7)


async def database_unreachable(patients: Patients) -> None:
    """Bytes vanish, connections stay: what a lost route looks like to one gateway, the one whose relay leads."""
    gateway = await _leader(patients.world) or patients.gateway()
    gateway.back.pause()
    await asyncio.sleep(6)
    gateway.back.cut()
    gateway.back.resume()


async def listen_cut(patients: Patients) -> None:
    """Nobody is woken; everybody looks by himself."""
    for _ in range(10):
        await patients.world.sql(END, "ordergraph bus")
        await asyncio.sleep(0.4)


async def relay_connections_cut(patients: Patients) -> None:
    for _ in range(10):
        await patients.world.sql(END, "ordergraph relay")
        await asyncio.sleep(0.4)


async def bus_killed(patients: Patients) -> None:
    redis = patients.world.redis
    assert redis is not None, "only planned where the bus is Redis"
    redis.kill()
    await asyncio.sleep(5)
    redis.start()


async def readers_slow(patients: Patients) -> None:
    front = patients.gateway().front
    slow = patients.dice.sample(list(patients.clients), 2)
    for client in slow:
        client.pace = 0.2
    front.rate, front.delay = 4000, 0.05
    await asyncio.sleep(6)
    front.heal()
    for client in slow:
        client.pace = 0.0


async def readers_stalled(patients: Patients) -> None:
    stalled = patients.dice.sample(list(patients.clients), 2)
    for client in stalled:
        client.hearing.clear()
    await asyncio.sleep(6)
    for client in stalled:
        client.hearing.set()


async def half_open(patients: Patients) -> None:
    """Clients of one gateway hear nothing and are not told that they are cut off; then they are."""
    front = patients.gateway().front
    front.pause()
    await asyncio.sleep(5)
    front.cut()
    front.resume()


async def clients_cut(patients: Patients) -> None:
    for gateway in patients.world.gateways:
        gateway.front.cut()
        await asyncio.sleep(0.5)


async def rolling_restart(patients: Patients) -> str | None:
    for gateway in patients.world.gateways:
        code = await gateway.end(signal.SIGTERM)
        await gateway.start()
        if code != 0:
            return f"{gateway.name} ended with {code} when asked to end"
    return None


async def long_transaction(patients: Patients) -> str | None:
    """A writer that does not commit for long holds up nobody, and its change comes when it does."""
    event = f"long-{patients.dice.getrandbits(64)}"
    connection = await db.pool.connect(patients.world.dsn, application="chaos holder", statement_seconds=10)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(HOLD, event)
        before = await _position(patients.world)
        await asyncio.sleep(5)
        stuck = await _position(patients.world) == before
        await transaction.commit()
        patients.ledger.acknowledged.add(event)
    finally:
        connection.terminate()
    return "the log stood still while a transaction was open" if stuck else None


async def retention_passed(patients: Patients) -> str | None:
    """One client is away while the log drops what it has not read; it has to be told."""
    client = patients.dice.choice([client for client in patients.clients if client.recording.customer is None])
    await _followed(client)
    client.away.set()
    before = _resets(client, "RETENTION_PASSED")
    await asyncio.sleep(3)
    rows = await patients.world.sql(FORGET)
    patients.archive += [entry(row) for row in rows]
    # Gateways look at the oldest position every five seconds.
    await asyncio.sleep(7)
    client.away.clear()
    told = await _until(lambda: _resets(client, "RETENTION_PASSED") > before)
    return None if told else f"{client.recording.client} came back after its time and was not told to reset"


async def epoch_changed(patients: Patients) -> str | None:
    """As after a restore: positions of before mean nothing any more, which every client has to be told."""
    before = [_resets(client, "EPOCH_CHANGED") for client in patients.clients]
    for client in patients.clients:
        await _followed(client)
    await patients.world.sql("UPDATE stream_meta SET salt = $1", f"salt{patients.dice.getrandbits(32)}")

    def all_told() -> bool:
        pairs = zip(patients.clients, before, strict=True)
        return all(_resets(client, "EPOCH_CHANGED") > was for client, was in pairs)

    return None if await _until(all_told) else "a client was not told of the new epoch"


EVERYWHERE: tuple[Fault, ...] = (
    gateway_killed, relay_killed, postgres_crashed, postgres_paused, database_connections_cut, database_unreachable,
    listen_cut, relay_connections_cut, readers_slow, readers_stalled, half_open, clients_cut, rolling_restart,
    long_transaction, retention_passed, epoch_changed,
)  # fmt: skip


def entry(row: dict[str, object]) -> Entry:
    """A log row as SQL above and in the truth names its columns; only what concerns an order has one."""
    customer = row["customer"]
    return Entry(
        position=int(str(row["pos"])),
        event=str(row["event"]),
        order=str(row["order"]),
        version=int(str(row["version"])),
        customer=None if customer is None else str(customer),
        source_event=str(row["source"]),
    )


async def _killed(gateway: Gateway) -> None:
    await gateway.end(signal.SIGKILL)
    await asyncio.sleep(0.5)
    await gateway.start()


async def _leader(world: World) -> Gateway | None:
    for _ in range(50):
        for gateway in world.gateways:
            with contextlib.suppress(OSError, TimeoutError):
                if (await gateway.figures()).get("ordergraph_relay_leading"):
                    return gateway
        await asyncio.sleep(0.2)
    return None


async def _position(world: World) -> object:
    (row,) = await world.sql("SELECT last_pos FROM stream_meta")
    return row["last_pos"]


def _resets(client: Client, reason: str) -> int:
    return sum(isinstance(item, Reset) and item.reason == reason for item in client.recording.items)


async def _followed(client: Client) -> None:
    """The client has a cursor to lose."""
    await _until(lambda: client.cursor is not None)


async def _until(condition: Callable[[], bool]) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(NOTICED_SECONDS):
            while not condition():  # noqa: ASYNC110  # of things that have no event
                await asyncio.sleep(0.1)
            return True
    return False
