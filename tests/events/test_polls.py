"""Long polls on real PostgreSQL: pages of the log as its reader may see it, and waiting that costs next to nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import db.stream
from db.pool import Pool
from db.reader import PoolReader
from domain.actor import Actor, Role
from events.cursor import Signer
from events.hub import Hub
from events.store_log import StoreLog
from resolvers.answer import Answer, Failure, GraphQLRequest, Later
from resolvers.execute import Engine
from resolvers.plan import Checks
from resolvers.polls import Polls
from resolvers.subscriptions import Subscriptions
from schema import build
from tests.events.test_subscriptions import SEED, Received, Shop, role
from tests.resolvers.shop import Recorder

ADMIN = role(Role.ADMIN)
MINE = role(Role.CUSTOMER, "C-1")
NODES = """nodes { __typename ... on OrderChanged { version cursor order { number } }
    ... on Reset { reason cursor } } cursor hasMore"""


class PollShop(Shop):
    """A shop whose engine answers polls; `reader` keeps every statement."""

    reader: Recorder

    async def begin(self, arguments: str, actor: Actor = ADMIN, fields: str = NODES) -> Later:
        answer = await self.streams.engine.answer(GraphQLRequest(f"{{ changes{arguments} {{ {fields} }} }}"), actor)
        assert answer.later is not None, answer.body
        return answer.later

    async def poll(self, arguments: str = "", actor: Actor = ADMIN) -> dict[str, Any]:
        later = await self.begin(arguments, actor)
        return page((await later.wait(later.seconds)).body)

    async def refused(self, document: str, actor: Actor = ADMIN) -> Answer:
        answer = await self.streams.engine.answer(GraphQLRequest(document), actor)
        assert (answer.later, answer.failure is None) == (None, False)
        return answer


def page(body: bytes) -> dict[str, Any]:
    said = json.loads(body)
    assert said["extensions"]["cursor"] == said["data"]["changes"]["cursor"]
    found: dict[str, Any] = said["data"]["changes"]
    return found


def told(page: dict[str, Any]) -> list[tuple[str, int]]:
    return [(node["order"]["number"], node["version"]) for node in page["nodes"]]


@pytest.fixture
async def shop(pool: Pool) -> AsyncIterator[PollShop]:
    await pool.execute(SEED)
    reader = Recorder(PoolReader(pool))
    hub, signer = Hub(StoreLog(reader), ring_size=8), Signer(b"test")
    await hub.start()
    checks = Checks(lambda _: None, lambda _: None)
    engine = Engine(build.executable(build.build()), reader, checks, signer, epoch=lambda: hub.epoch)
    streams = Subscriptions(engine, hub, reader, signer)
    engine.polls = Polls(streams)
    made = PollShop(pool, streams, hub)
    made.reader = reader
    yield made
    assert hub.subscribers == set()
    assert hub.groups == {}


async def test_the_first_poll_says_where_now_is_without_waiting(shop: PollShop) -> None:
    await shop.change("N1")
    await shop.relay()
    async with asyncio.timeout(5):
        first = await shop.poll('(wait: "60s")')
    assert (first["nodes"], first["hasMore"]) == ([], False)
    await shop.change("N2")
    await shop.relay()
    assert told(await shop.poll(f'(after: "{first["cursor"]}")')) == [("N2", 2)]


async def test_what_is_there_already_comes_at_once_with_the_cursor_to_go_on_from(shop: PollShop) -> None:
    start = (await shop.poll())["cursor"]
    for number in ("N1", "N2", "N3"):
        await shop.change(number)
    await shop.relay()
    async with asyncio.timeout(5):
        first = await shop.poll(f'(after: "{start}", first: 2, wait: "60s")')
        assert (told(first), first["hasMore"]) == ([("N1", 2), ("N2", 2)], True)
        assert first["cursor"] == first["nodes"][1]["cursor"]
        second = await shop.poll(f'(after: "{first["cursor"]}", first: 2, wait: "60s")')
    assert (told(second), second["hasMore"]) == ([("N3", 2)], False)


async def test_a_poll_that_waits_is_woken_by_the_one_reader_of_the_log(shop: PollShop) -> None:
    start = (await shop.poll())["cursor"]
    waiting = asyncio.create_task(shop.poll(f'(after: "{start}", wait: "60s")'))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await shop.change("N1")
    await shop.relay()
    async with asyncio.timeout(5):
        assert told(await waiting) == [("N1", 2)]


async def test_nothing_of_ones_own_is_an_empty_page_whose_cursor_has_moved_on(shop: PollShop) -> None:
    start = (await shop.poll("", MINE))["cursor"]
    await shop.change("N2")
    await shop.relay()
    found = await shop.poll(f'(after: "{start}", wait: "50ms")', MINE)
    assert (found["nodes"], found["hasMore"]) == ([], False)
    moved = shop.streams.signer.read(found["cursor"])
    assert moved.position == shop.streams.signer.read(start).position + 1 == shop.hub.position


async def test_filters_are_those_of_subscriptions(shop: PollShop) -> None:
    start = (await shop.poll())["cursor"]
    for number in ("N1", "N2", "N3"):
        await shop.change(number)
    await shop.relay()
    found = await shop.poll(f'(after: "{start}", filter: {{numbers: ["N2"], status: [IN_PROGRESS]}})')
    assert told(found) == [("N2", 2)]


async def test_another_epoch_another_caller_or_a_log_cut_short_is_a_reset_to_go_on_from(shop: PollShop) -> None:
    start = (await shop.poll())["cursor"]
    foreign = await shop.poll(f'(after: "{start}", wait: "60s")', MINE)
    assert [node["reason"] for node in foreign["nodes"]] == ["SCOPE_CHANGED"]
    assert foreign["nodes"][0]["cursor"] == foreign["cursor"]
    for _ in range(12):
        await shop.change("N1")
    await shop.relay()
    await shop.pool.execute("UPDATE stream_meta SET min_pos = 3")
    await shop.hub.check_epoch()
    late = await shop.poll(f'(after: "{start}", wait: "60s")')
    assert [node["reason"] for node in late["nodes"]] == ["RETENTION_PASSED"]
    await shop.pool.execute("UPDATE stream_meta SET salt = 'restored'")
    await shop.hub.check_epoch()
    restored = await shop.poll(f'(after: "{late["cursor"]}", wait: "60s")')
    assert [node["reason"] for node in restored["nodes"]] == ["EPOCH_CHANGED"]
    await shop.change("N2")
    await shop.relay()
    assert told(await shop.poll(f'(after: "{restored["cursor"]}")')) == [("N2", 2)]


async def test_a_restore_while_it_waits_ends_the_poll_with_a_reset(shop: PollShop) -> None:
    start = (await shop.poll())["cursor"]
    waiting = asyncio.create_task(shop.poll(f'(after: "{start}", wait: "60s")'))
    await asyncio.sleep(0.05)
    await shop.pool.execute("UPDATE stream_meta SET salt = 'restored'")
    await shop.hub.check_epoch()
    async with asyncio.timeout(5):
        assert [node["reason"] for node in (await waiting)["nodes"]] == ["EPOCH_CHANGED"]


async def test_a_thousand_that_wait_for_the_same_cost_one_statement(shop: PollShop) -> None:
    start = (await shop.poll())["cursor"]
    polls = [asyncio.create_task(shop.poll(f'(after: "{start}", wait: "60s")')) for _ in range(1000)]
    while len(shop.hub.subscribers) < 1000:  # noqa: ASYNC110  (nothing tells when they have all come)
        await asyncio.sleep(0.01)
    assert len(shop.hub.groups) == 1
    await shop.change("N1")
    async with shop.pool.acquire() as connection:
        await db.stream.move(connection, 10)
    before = len(shop.reader.statements)
    await shop.hub.look()
    async with asyncio.timeout(20):
        pages = await asyncio.gather(*polls)
    assert {tuple(told(one)) for one in pages} == {(("N1", 2),)}
    # The log was read, and the change was shown.
    assert len(shop.reader.statements) == before + 2


async def test_a_client_that_leaves_leaves_nothing_behind(shop: PollShop) -> None:
    start = (await shop.poll())["cursor"]
    waiting = asyncio.create_task(shop.poll(f'(after: "{start}", wait: "60s")'))
    await asyncio.sleep(0.05)
    assert len(shop.hub.subscribers) == 1
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert (shop.hub.subscribers, shop.hub.groups, shop.hub.by_topic) == (set(), {}, {})


async def test_a_server_that_ends_answers_with_a_cursor_that_is_good_elsewhere(shop: PollShop) -> None:
    start = (await shop.poll())["cursor"]
    waiting = asyncio.create_task(shop.poll(f'(after: "{start}", wait: "60s")'))
    await asyncio.sleep(0.05)
    shop.hub.shut_down()
    async with asyncio.timeout(5):
        found = await waiting
    assert (found["nodes"], found["cursor"]) == ([], start)


@pytest.mark.parametrize(
    ("document", "failure", "words"),
    [
        ('{changes(wait: "61s") {cursor}}', Failure.VARIABLES, "at most 60s"),
        ('{changes(wait: "soon") {cursor}}', Failure.VARIABLES, "a number and a unit"),
        ('{changes(wait: "-1s") {cursor}}', Failure.VARIABLES, "a number and a unit"),
        ("{changes(first: 0) {cursor}}", Failure.VARIABLES, "`first` is 0"),
        ("{changes(first: 101) {cursor}}", Failure.VARIABLES, "`first` is 101"),
        ('{changes(after: "x") {cursor}}', Failure.VARIABLES, "was not written by this gateway"),
        ("{changes {cursor} orders {totalCount}}", Failure.VARIABLES, "stands alone"),
        ("{a: changes {cursor} b: changes {cursor}}", Failure.VARIABLES, "stands alone"),
        ("{changes {cursor} __schema {description}}", Failure.VARIABLES, "stands alone"),
        ("{changes {a: nodes {__typename} b: nodes {__typename}}}", Failure.VARIABLES, "`nodes` once"),
    ],
)
async def test_what_is_wrong_is_said_before_anything_waits(
    shop: PollShop, document: str, failure: Failure, words: str
) -> None:
    answer = await shop.refused(document)
    assert answer.failure is failure
    assert words in answer.body.decode()


async def test_rights_and_cost_are_those_of_the_schema(shop: PollShop) -> None:
    refused = await shop.refused("{changes {cursor}}", role(Role.STOREFRONT))
    assert refused.failure is Failure.FORBIDDEN
    lines = "nodes {... on OrderChanged {order {lines {shipments: item {stockLevels {onHand}}}}}}"
    checks = shop.streams.engine.plans.checks
    shop.streams.engine.plans.checks = Checks(checks.source, checks.document, max_cost=2000)
    assert (await shop.begin("(first: 1)", fields=lines)).seconds == 0
    assert (await shop.refused(f"{{changes(first: 100) {{{lines}}}}}")).failure is Failure.TOO_COMPLEX


async def test_names_and_order_are_the_clients(shop: PollShop) -> None:
    later = await shop.begin("", fields="more: hasMore __typename at: cursor")
    made = json.loads((await later.wait(0)).body)["data"]["changes"]
    assert list(made) == ["more", "__typename", "at"]
    assert (made["more"], made["__typename"]) == (False, "ChangePage")


async def test_two_that_differ_in_what_they_want_shown_never_share(shop: PollShop) -> None:
    """The value of what is only one's own says nothing about another variable of the same value."""
    document = """subscription ($own: Boolean, $lines: Boolean!) {
        orderUpdates(snapshot: $own, filter: {numbers: ["N1"]}) {
            ... on OrderChanged { order { number lines @include(if: $lines) { sku } } } } }"""
    sinks = [Received(), Received()]
    for sink, chosen in zip(sinks, (True, False), strict=True):
        request = GraphQLRequest(document, variables={"own": chosen, "lines": chosen})
        assert not isinstance(await shop.streams.start(request, ADMIN, sink), Answer)
    await shop.change("N1")
    await shop.relay()
    orders = [(await sink.wait(count))[-1]["order"] for sink, count in zip(sinks, (2, 1), strict=True)]
    assert orders == [{"number": "N1", "lines": [{"sku": "A"}]}, {"number": "N1"}]
    shop.hub.shut_down()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 4)),
        st.tuples(st.just("relay"), st.integers(1, 3)),
        st.tuples(st.just("poll"), st.integers(1, 5)),
    ),
    max_size=40,
)


@given(steps, st.integers(1, 3))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_paging_sees_exactly_the_log_as_its_reader_may_see_it_in_order_and_once(
    shop: PollShop, script: list[tuple[str, int]], last: int
) -> None:
    """Writes, the relay, the hub and pages of any size in any order; a small ring, so that many read the log itself."""
    cursors = {actor: (await shop.poll("", actor))["cursor"] for actor in (ADMIN, MINE)}
    seen: dict[Actor, list[tuple[str, int]]] = {ADMIN: [], MINE: []}
    start = shop.hub.position

    async def poll(actor: Actor, first: int) -> bool:
        found = await shop.poll(f'(after: "{cursors[actor]}", first: {first})', actor)
        assert len(found["nodes"]) <= first
        seen[actor] += told(found)
        cursors[actor] = found["cursor"]
        return bool(found["nodes"]) or found["hasMore"]

    for action, number in script:
        if action == "write":
            await shop.change(f"N{number}")
        elif action == "relay":
            async with shop.pool.acquire() as connection:
                await db.stream.move(connection, number)
            if number > 1:
                await shop.hub.look()
        else:
            await asyncio.gather(poll(ADMIN, number), poll(MINE, 6 - number))
    await shop.relay()
    for actor in seen:
        while await poll(actor, last):
            pass
    rows = await shop.pool.fetch(
        """SELECT o.number, j.version, o.customer_id FROM event_log l JOIN journal j ON j.id = l.journal_id
        JOIN orders o ON o.id = j.order_id WHERE l.pos > $1 ORDER BY l.pos""",
        start,
    )
    assert seen[ADMIN] == [(row["number"], row["version"]) for row in rows]
    assert seen[MINE] == [(row["number"], row["version"]) for row in rows if row["customer_id"] == "C-1"]
