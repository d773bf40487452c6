"""A run: processes, writers and clients, faults by a plan that its seed makes, and the verdict."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.chaos import faults, invariants, world, writers
from tests.chaos.clients import Client
from tests.chaos.faults import Fault, Patients
from tests.chaos.recording import Recording, Reset, Stock, Truth, Usage
from tests.chaos.world import LOST, World
from tests.chaos.writers import Ledger

GATEWAYS = 3
QUIET_SECONDS = 90.0
# The ring may fill and the allocator keeps what it once had.
GROWTH_KIB = 100 * 1024
# Whatever is harmed, a client is told to come back, never that we have a defect or that its rights do not hold.
DEFECTS = frozenset({"INTERNAL_ERROR", "FORBIDDEN", "UNAUTHENTICATED", "BAD_USER_INPUT"})
LOG = """
SELECT log.pos, entry.event_id::text AS event, entry.entity, coalesce(entry.order_id::text, '') AS "order",
       entry.version, orders.customer_id AS customer, coalesce(entry.source_event_id, '') AS source
FROM event_log log JOIN journal entry ON entry.id = log.journal_id LEFT JOIN orders ON orders.id = entry.order_id
ORDER BY log.pos
"""
# Where an event is that should be in the log, for whoever looks for the reason.
WHERE = """
SELECT (SELECT json_agg((state, attempts, error, received_at)) FROM inbox WHERE event_id = $1)::text AS inbox,
       (SELECT json_agg((id, version, type, recorded_at)) FROM journal WHERE source_event_id = $1)::text AS journal,
       (SELECT json_agg((kind, ref, occurred_at, body)) FROM facts WHERE event_id = $1)::text AS facts,
       (SELECT json_agg((j.id, j.version, j.type, j.source_event_id, j.occurred_at, j.recorded_at) ORDER BY j.id)
           FROM journal j JOIN orders o ON o.id = j.order_id JOIN inbox i ON i.order_key LIKE '%/' || o.number
           WHERE i.event_id = $1
             AND j.recorded_at BETWEEN i.received_at - interval '5 s' AND i.received_at + interval '5 s'
       )::text AS around,
       (SELECT json_agg(outbox.id) FROM outbox JOIN journal USING (id) WHERE source_event_id = $1)::text AS outbox,
       (SELECT json_agg((state, created_at, lease_until)) FROM idempotency_keys WHERE key = $1)::text AS keys
"""
TWIN = """
SELECT orders.total_amount, orders.status, orders.placed_at, orders.accepted_at,
       (SELECT array_agg((sku, quantity, created)::text ORDER BY sku) FROM order_lines WHERE order_id = orders.id) lines
FROM orders WHERE number = $1
"""
WAITING = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM inbox WHERE state = 'PARKED') AS left"
STOCK = "SELECT on_hand, allocated, set_aside FROM stock_levels"


@dataclass
class Verdict:
    """What a run found. `problems` holds a sentence for each breach."""

    deliveries: int = 0
    resets: int = 0
    connects: int = 0
    writes: int = 0
    faults: int = 0
    problems: list[str] = field(default_factory=list)

    def count(self, *names: str) -> int:
        return sum(problem.startswith(names) for problem in self.problems)

    @property
    def line(self) -> str:
        return (
            f"{self.faults} faults, {self.writes} acknowledged writes, {self.connects} connections,"
            f" {self.resets} resets · deliveries {self.deliveries}, losses {self.count('I1', 'I5', 'I7')},"
            f" inversions {self.count('I2', 'I6')}, leaks {self.count('I4', 'I9')}, other {self.others}"
        )

    @property
    def others(self) -> int:
        return len(self.problems) - self.count("I1", "I2", "I4", "I5", "I6", "I7", "I9")


def plan(seed: int, *, redis: bool) -> list[Fault]:
    """Every fault once, in an order that the seed decides; ask again with the next seed for more."""
    known = [*faults.EVERYWHERE, *([faults.bus_killed] if redis else [])]
    random.Random(seed).shuffle(known)
    return known


@dataclass
class Suite:
    """One run. `say` gets a line for each fault. Without `seconds` every fault of the plan comes once, else until
    they are over; `only` replaces the plan."""

    seed: int
    say: Callable[[str], None]
    seconds: float | None = None
    redis: bool = False
    only: Sequence[Fault] = ()
    verdict: Verdict = field(default_factory=Verdict)
    samples: list[Stock] = field(default_factory=list)

    async def run(self) -> Verdict:
        dice = random.Random(self.seed)
        self.say(f"seed {self.seed}")
        async with world.running(GATEWAYS, redis=self.redis) as running:
            ledger = Ledger()
            clients = [
                Client(f"{'sse' if n % 2 else 'ws'}-{n}", running.gateways, customer, bool(n % 2), dice.getrandbits(32))
                for n, customer in enumerate([None, None, None, None, "C-0", "C-0", "C-1", "C-2"])
            ]
            patients = Patients(running, clients, ledger, random.Random(self.seed))
            following = [asyncio.create_task(client.run()) for client in clients]
            writing = [asyncio.create_task(one) for one in self.writers(running, ledger, dice)]
            try:
                await self.harm(patients)
                self.say("the writers end")
                ledger.closed = True
                async with asyncio.timeout(QUIET_SECONDS):
                    await asyncio.gather(*writing)
                truth = await self.quiet(patients)
            finally:
                for task in (*following, *writing):
                    task.cancel()
                ended = await asyncio.gather(*following, *writing, return_exceptions=True)
            self.verdict.problems += [f"harness: {one!r}" for one in ended if isinstance(one, Exception)]
            await self.judge(patients, truth)
        return self.verdict

    def writers(self, running: World, ledger: Ledger, dice: random.Random) -> list[writers.Work]:
        def own() -> random.Random:
            return random.Random(dice.getrandbits(32))

        told = [f"M-{n}" for n in range(1, 13)]
        sql = [f"S-{n}" for n in range(1, 12)]
        return [
            writers.mutations(running, told[:6], ledger, own(), 0.15),
            writers.mutations(running, told[6:], ledger, own(), 0.15),
            *(writers.transactions(running, sql, ledger, own(), 0.1) for _ in range(3)),
            writers.stock(running, ledger, own(), 0.3),
            writers.twins(running, ledger, own(), 0.2),
            self.watch_stock(running, ledger),
        ]

    async def harm(self, patients: Patients) -> None:
        began = time.monotonic()
        await asyncio.sleep(3)
        for round_ in range(10_000):
            for fault in self.only or plan(self.seed + round_, redis=self.redis):
                if self.seconds is not None and time.monotonic() - began > self.seconds:
                    return
                self.say(fault.__name__.replace("_", " "))
                wrong = await fault(patients)
                if wrong:
                    self.verdict.problems.append(f"fault: {wrong}")
                self.verdict.faults += 1
                await asyncio.sleep(1.5)
            if self.seconds is None:
                return

    async def watch_stock(self, running: World, ledger: Ledger) -> None:
        while not ledger.closed:
            with contextlib.suppress(*LOST):
                await self.sample(running)
            await asyncio.sleep(0.5)

    async def sample(self, running: World) -> None:
        for row in await running.sql(STOCK):
            self.samples.append(Stock(*(int(str(value)) for value in row.values())))

    async def quiet(self, patients: Patients) -> Truth:
        """Wait until inbox and outbox are empty and every client is where the log ends for it, or time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET_SECONDS):
                while not await arrived(patients):  # noqa: ASYNC110  # in other processes
                    await asyncio.sleep(0.3)
        return await read_truth(patients)

    async def judge(self, patients: Patients, truth: Truth) -> None:
        recordings = [client.recording for client in patients.clients]
        running, ledger = patients.world, patients.ledger
        await self.sample(running)
        began = {one.name: one.began for one in running.gateways}
        twins = [[(await running.sql(TWIN, number))[0] for number in pair] for pair in ledger.twins]
        for event in sorted(truth.acknowledged - {entry.source_event for entry in truth.entries}):
            self.say(f"{event} is at {(await running.sql(WHERE, event))[0]}, and was {ledger.told.get(event)}")
        self.verdict.problems += [
            *(
                f"refused: {client.recording.client} with {code}"
                for client in patients.clients
                for code in client.refusals
                if code in DEFECTS
            ),
            *judged(recordings, truth),
            *invariants.stock_adds_up(self.samples, 100, ledger.stock),
            *invariants.order_of_arrival_is_nothing(twins),
            *invariants.nothing_grows(began, await left(running), GROWTH_KIB),
        ]  # fmt: skip
        self.verdict.deliveries = sum(len(list(invariants.told(one))) for one in recordings)
        self.verdict.resets = sum(isinstance(item, Reset) for one in recordings for item in one.items)
        self.verdict.connects = sum(client.connects for client in patients.clients)
        self.verdict.writes = len(truth.acknowledged)


def judged(recordings: Sequence[Recording], truth: Truth) -> list[str]:
    """The invariants over what clients were told."""
    return [
        *invariants.nothing_acknowledged_is_missing(recordings, truth),
        *invariants.versions_rise(recordings),
        *invariants.nothing_is_invented(recordings, truth),
        *invariants.nobody_sees_foreign_rows(recordings, truth),
        *invariants.segments_join(recordings, truth),
        *invariants.cursors_never_go_back(recordings),
        *invariants.clients_end_as_sql(recordings, truth),
    ]


async def read_truth(patients: Patients) -> Truth:
    running = patients.world
    rows = [faults.entry(row) for row in await running.sql(LOG)]
    orders = await running.sql("SELECT id::text, version, customer_id FROM orders")
    return Truth(
        entries=[*patients.archive, *rows],
        versions={str(row["id"]): int(str(row["version"])) for row in orders},
        customers={str(row["id"]): None if row["customer_id"] is None else str(row["customer_id"]) for row in orders},
        acknowledged=patients.ledger.acknowledged,
        rolled_back=patients.ledger.rolled_back,
    )


async def arrived(patients: Patients) -> bool:
    try:
        (row,) = await patients.world.sql(WAITING)
        truth = await read_truth(patients)
    except LOST:
        return False
    ends = {
        customer: max((one.position for one in truth.visible(customer)), default=0)
        for customer in {client.recording.customer for client in patients.clients}
    }
    return row["left"] == 0 and all(
        client.place is not None and client.place.position >= ends[client.recording.customer]
        for client in patients.clients
    )


async def left(running: World) -> dict[str, Usage]:
    """What gateways hold once nobody is connected; a dead peer is noticed after two pings."""
    for _ in range(60):
        now = {gateway.name: await gateway.usage() for gateway in running.gateways}
        if not any(one.connections or one.subscriptions for one in now.values()):
            break
        await asyncio.sleep(1)
    return now
