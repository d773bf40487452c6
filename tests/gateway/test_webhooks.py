"""Webhooks end to end: gateways on a real database, a receiver on a real socket."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

import db.pool
import db.webhooks
from db.webhooks import Reached
from domain.actor import Role
from events.webhooks import courier
from gateway.api_keys import new_api_key
from gateway.app import create_app
from gateway.settings import Settings
from tests.gateway.receiver import Receiver, receiving, verified
from tests.gateway.serving import SECRET, served
from tests.gateway.streaming import token
from tests.gateway.test_streaming_app import CHANGE, SEED

ROOT = Path(__file__).resolve().parents[2]
FIELDS = (
    "id state disabledReason behind delivered attempts lastStatus lastError deadLetters { nodes { id reason state } }"
)
CREATE = f"""mutation ($url: String!, $document: String, $after: String) {{
    createWebhook(url: $url, document: $document, after: $after) {{ secret endpoint {{ {FIELDS} }} }} }}"""


class Client:
    def __init__(self, http: aiohttp.ClientSession, url: str, pool: db.pool.Pool) -> None:
        self.http = http
        self.url = url
        self.pool = pool

    async def ask(
        self, query: str, variables: Mapping[str, object] | None = None, bearer: str | None = None, **headers: str
    ) -> Any:
        named = {"authorization": f"Bearer {bearer or token(Role.ADMIN)}", **headers}
        body = {"query": query, "variables": dict(variables or {})}
        async with self.http.post(f"{self.url}/graphql", json=body, headers=named) as response:
            return await response.json()

    async def create(self, url: str, document: str | None = None, after: str | None = None, **more: Any) -> Any:
        said = await self.ask(CREATE, {"url": url, "document": document, "after": after}, **more)
        assert "errors" not in said, said
        return said["data"]["createWebhook"]

    async def do(self, call: str, selection: str = f"{{ endpoint {{ {FIELDS} }} }}") -> Any:
        said = await self.ask(f"mutation {{ it: {call} {selection} }}")
        assert "errors" not in said, said
        return said["data"]["it"]

    async def endpoint(self, endpoint: str, fields: str = FIELDS) -> Any:
        said = await self.ask(f'{{ webhookEndpoint(id: "{endpoint}") {{ {fields} }} }}')
        return said["data"]["webhookEndpoint"]

    async def becomes(self, endpoint: str, seconds: float = 20.0, **wanted: object) -> Any:
        async with asyncio.timeout(seconds):
            while True:
                found = await self.endpoint(endpoint)
                if found is not None and wanted.items() <= found.items():
                    return found
                await asyncio.sleep(0.05)

    async def change(self, times: int = 1) -> None:
        for _ in range(times):
            await self.pool.execute(CHANGE)


def settings(**changed: Any) -> Settings:
    given = {"webhook_hosts": frozenset({"127.0.0.1"}), "webhook_seconds": 1.0, "token_secret": SecretStr(SECRET)}
    return Settings(**{**given, **changed})


@contextlib.asynccontextmanager
async def gateway(pool: db.pool.Pool, dsn: str, **changed: Any) -> AsyncIterator[Client]:
    async with served(create_app(settings(**changed), pool, dsn)) as url, aiohttp.ClientSession() as http:
        yield Client(http, url, pool)


@pytest.fixture
async def client(database: str, pool: db.pool.Pool) -> AsyncIterator[Client]:
    await pool.execute(SEED)
    async with gateway(pool, database) as made:
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


async def test_a_change_is_posted_thin_and_signed_as_standard_webhooks_says(client: Client, receiver: Receiver) -> None:
    made = await client.create(receiver.url)
    await client.change()
    await receiver.wait(1)
    headers, body = receiver.calls[0]
    assert verified(made["secret"], headers, body)
    assert not verified(made["secret"], headers, body + b" ")
    said = json.loads(body)
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "evt_" + said["data"]["id"].replace("-", "")
    assert (said["type"], said["data"]["version"], said["data"]["order"]["number"]) == ("order.status_changed", 2, "N1")
    assert set(said) == {"type", "timestamp", "cursor", "data"}
    assert "a@example.com" not in body.decode()
    found = await client.becomes(made["endpoint"]["id"], delivered=1, behind=0)
    assert (found["state"], found["lastStatus"], found["attempts"]) == ("ENABLED", 204, 0)


async def test_an_endpoints_own_selection_is_answered_and_its_cursor_is_the_logs(
    client: Client, receiver: Receiver
) -> None:
    document = (
        'subscription { orderUpdates(filter: {numbers: ["N1"]}) { ... on OrderChanged { version order { status } } } }'
    )
    await client.create(receiver.url, document)
    await client.change(2)
    await receiver.wait(2)
    first = receiver.taken[0][1]
    assert first["data"] == {"version": 2, "order": {"status": "CONFIRMED"}}
    said = await client.ask(
        f'{{ changes(after: "{first["cursor"]}") {{ nodes {{ ... on OrderChanged {{ version }} }} }} }}'
    )
    assert said["data"]["changes"]["nodes"] == [{"version": 3}]


async def test_what_fails_is_tried_again_with_the_same_id_and_what_follows_waits(
    client: Client, receiver: Receiver
) -> None:
    async with receiving() as elsewhere:
        receiver.statuses = [500, 307]
        receiver.headers = {"Location": elsewhere.url}
        made = await client.create(receiver.url)
        await client.change(3)
        await receiver.wait(3)
        # Where it was redirected to, nothing came.
        assert elsewhere.calls == []
    assert receiver.versions() == [2, 3, 4]
    ids = [headers["webhook-id"] for headers, _ in receiver.calls]
    assert len(ids) == 5
    assert ids[0] == ids[1] == ids[2]
    assert len(set(ids)) == 3
    assert all(verified(made["secret"], headers, body) for headers, body in receiver.calls)
    await client.becomes(made["endpoint"]["id"], delivered=3, attempts=0)


async def test_a_receiver_that_hangs_is_left_and_tried_again(client: Client, receiver: Receiver) -> None:
    receiver.hang = True
    made = await client.create(receiver.url)
    await client.change()
    found = await client.becomes(made["endpoint"]["id"], attempts=1)
    assert found["lastError"] == "No answer within 1 s."
    receiver.hang = False
    await receiver.wait(1)
    assert receiver.versions() == [2]


async def test_retry_after_is_honoured(client: Client, receiver: Receiver, pool: db.pool.Pool) -> None:
    receiver.statuses, receiver.headers = [429], {"Retry-After": "600"}
    made = await client.create(receiver.url)
    await client.change()
    await client.becomes(made["endpoint"]["id"], attempts=1, lastStatus=429)
    left = await pool.fetchval("SELECT extract(epoch FROM next_attempt_at - now())::float8 FROM webhook_endpoints")
    assert 580 < left <= 600
    assert len(receiver.calls) == 1


async def test_gone_disables_and_enabling_goes_on_where_it_stopped(client: Client, receiver: Receiver) -> None:
    receiver.statuses = [204, 410]
    made = await client.create(receiver.url)
    endpoint = made["endpoint"]["id"]
    await client.change(3)
    found = await client.becomes(endpoint, state="DISABLED")
    assert (found["disabledReason"], found["delivered"]) == ("GONE", 1)
    await client.change()
    await asyncio.sleep(0.5)
    assert len(receiver.calls) == 2
    await client.do(f'enableWebhook(id: "{endpoint}")')
    await receiver.wait(4)
    assert receiver.versions() == [2, 3, 4, 5]


async def test_after_the_budget_it_is_disabled_and_the_event_can_be_sent_again(
    database: str, pool: db.pool.Pool, receiver: Receiver
) -> None:
    await pool.execute(SEED)
    async with gateway(pool, database, webhook_hours=0.0001) as client:
        receiver.statuses = [500, 500]
        made = await client.create(receiver.url)
        endpoint = made["endpoint"]["id"]
        await client.change(2)
        found = await client.becomes(endpoint, state="DISABLED")
        assert found["disabledReason"] == "FAILING"
        (letter,) = found["deadLetters"]["nodes"]
        assert (letter["reason"], letter["state"]) == ("FAILING", "DEAD")
        await client.do(f'enableWebhook(id: "{endpoint}", skipFailed: true)')
        await receiver.wait(1)
        assert receiver.versions() == [3]
        told = await client.do(f'replayDeadLetters(id: "{endpoint}")', "{ queued }")
        assert told["queued"] == 1
        await receiver.wait(2)
        assert receiver.versions() == [3, 2]
        found = await client.becomes(endpoint, state="ENABLED", behind=0)
        assert found["deadLetters"]["nodes"] == []


async def test_enabling_without_skipping_tries_the_failed_one_first(
    database: str, pool: db.pool.Pool, receiver: Receiver
) -> None:
    await pool.execute(SEED)
    async with gateway(pool, database, webhook_hours=0.0001) as client:
        receiver.statuses = [500, 500]
        made = await client.create(receiver.url)
        await client.change(2)
        await client.becomes(made["endpoint"]["id"], state="DISABLED")
        await client.do(f'enableWebhook(id: "{made["endpoint"]["id"]}")')
        await receiver.wait(2)
        assert receiver.versions() == [2, 3]


async def test_two_gateways_deliver_one_stream_in_order(database: str, pool: db.pool.Pool, receiver: Receiver) -> None:
    await pool.execute(SEED)
    receiver.delay = 0.005
    async with gateway(pool, database) as first:
        other = await db.pool.create_pool(database, min_size=1, max_size=4)
        async with gateway(other, database) as second:
            await first.create(receiver.url)
            for _ in range(30):
                await first.change()
                await second.change()
            await receiver.wait(60)
            assert receiver.versions() == list(range(2, 62))
            assert len(receiver.calls) == 60
            assert receiver.most_at_once == 1
        # The second gave nothing up: whoever is left goes on.
        await first.change(3)
        await receiver.wait(63)
        assert receiver.versions() == list(range(2, 65))
        other.terminate()


async def test_replay_sends_everything_after_a_cursor_once_more_with_the_same_ids(
    client: Client, receiver: Receiver
) -> None:
    made = await client.create(receiver.url)
    await client.change(3)
    await receiver.wait(3)
    cursor = receiver.taken[0][1]["cursor"]
    ids = [key for key, _ in receiver.taken]
    await client.do(f'replayWebhook(id: "{made["endpoint"]["id"]}", after: "{cursor}")')
    await receiver.called(5)
    assert [headers["webhook-id"] for headers, _ in receiver.calls] == [*ids, *ids[1:]]


async def test_while_a_secret_is_replaced_both_sign_and_a_leaked_one_does_not(
    client: Client, receiver: Receiver, pool: db.pool.Pool
) -> None:
    made = await client.create(receiver.url)
    endpoint, old = made["endpoint"]["id"], made["secret"]
    new = (await client.do(f'rotateWebhookSecret(id: "{endpoint}")', "{ secret }"))["secret"]
    await client.change()
    await receiver.wait(1)
    assert verified(old, *receiver.calls[0])
    assert verified(new, *receiver.calls[0])
    newest = (await client.do(f'rotateWebhookSecret(id: "{endpoint}", keepOldHours: 0)', "{ secret }"))["secret"]
    await client.change()
    await receiver.wait(2)
    assert [verified(secret, *receiver.calls[1]) for secret in (old, new, newest)] == [False, False, True]
    stored = await pool.fetchval("SELECT string_agg(w::text, ' ') FROM webhook_endpoints w")
    for secret in (old, new, newest):
        assert secret.removeprefix("whsec_") not in stored


async def test_a_secret_is_shown_once_and_never_kept_under_a_key(client: Client, receiver: Receiver) -> None:
    said = await client.ask(CREATE, {"url": receiver.url}, **{"idempotency-key": "k"})
    assert said["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert (await client.ask("{ webhookEndpoints { totalCount } }"))["data"]["webhookEndpoints"]["totalCount"] == 0


async def test_when_its_owner_is_revoked_an_endpoint_gets_nothing_more(
    client: Client, receiver: Receiver, pool: db.pool.Pool
) -> None:
    owner = token(Role.INTEGRATOR, subject="erp-bot", source="test")
    await pool.execute("UPDATE orders SET source = 'test'")
    made = await client.create(receiver.url, bearer=owner)
    await client.change()
    await receiver.wait(1)
    said = await client.ask('mutation { revokeAccess(actor: "erp-bot") { __typename } }')
    assert "errors" not in said, said
    await asyncio.sleep(0.3)
    await client.change()
    found = await client.becomes(made["endpoint"]["id"], state="DISABLED")
    assert (found["disabledReason"], len(receiver.calls)) == ("ACCESS_REVOKED", 1)


async def test_rights_of_its_owner_decide_what_an_endpoint_gets(
    client: Client, receiver: Receiver, pool: db.pool.Pool
) -> None:
    made = await client.create(receiver.url, bearer=token(Role.INTEGRATOR, subject="erp-bot", source="other"))
    await client.change()
    async with asyncio.timeout(10):
        # The endpoint's own entry, and the change.
        while await pool.fetchval("SELECT last_pos FROM stream_meta") < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await client.becomes(made["endpoint"]["id"], behind=0)
    assert receiver.calls == []
    await pool.execute("UPDATE orders SET source = 'other'")
    await client.change()
    await receiver.wait(1)
    assert receiver.versions() == [3]


async def test_an_endpoint_is_its_owners_and_an_admins(client: Client, receiver: Receiver) -> None:
    mine = token(Role.INTEGRATOR, subject="a", source="a")
    other = token(Role.INTEGRATOR, subject="b", source="b")
    endpoint = (await client.create(receiver.url, bearer=mine))["endpoint"]["id"]
    count = "{ webhookEndpoints { totalCount } }"
    counts = [
        (await client.ask(count, bearer=who))["data"]["webhookEndpoints"]["totalCount"] for who in (mine, other, None)
    ]
    assert counts == [1, 0, 1]
    said = await client.ask(f'mutation {{ deleteWebhook(id: "{endpoint}") {{ id }} }}', bearer=other)
    assert said["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    said = await client.ask(count, bearer=token(Role.SUPPORT))
    assert said["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await client.endpoint(endpoint)) is not None
    said = await client.ask(f'mutation {{ deleteWebhook(id: "{endpoint}") {{ id }} }}', bearer=mine)
    assert said["data"]["deleteWebhook"]["id"] == endpoint
    assert (await client.endpoint(endpoint)) is None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://169.254.169.254/latest/meta-data", "FORBIDDEN"),
        ("http://[::1]/", "FORBIDDEN"),
        ("http://2130706433/", "FORBIDDEN"),
        ("http://localhost/", "FORBIDDEN"),
        ("ftp://127.0.0.1/", "BAD_USER_INPUT"),
        ("http://user@127.0.0.1/", "BAD_USER_INPUT"),
    ],
)
async def test_addresses_that_are_not_listed_are_refused(client: Client, url: str, code: str) -> None:
    said = await client.ask(CREATE, {"url": url})
    assert said["errors"][0]["extensions"]["code"] == code
    assert (await client.ask("{ webhookEndpoints { totalCount } }"))["data"]["webhookEndpoints"]["totalCount"] == 0


async def test_a_name_that_leads_inside_our_network_is_not_connected_to(
    database: str, pool: db.pool.Pool, receiver: Receiver
) -> None:
    async with gateway(pool, database, webhook_hosts=frozenset({"localhost"})) as client:
        address = receiver.url.replace("http://127.0.0.1", "https://localhost")
        made = await client.create(address)
        told = await client.do(f'testWebhook(id: "{made["endpoint"]["id"]}")', "{ taken status error }")
        assert (told["taken"], told["status"]) == (False, None)
        assert told["error"].startswith("No connection (")
        said = await client.ask(CREATE, {"url": address.replace("https", "http")})
        assert "must be an https address" in said["errors"][0]["message"]
    assert receiver.calls == []


async def test_a_test_is_sent_at_once_and_moves_nothing(client: Client, receiver: Receiver) -> None:
    made = await client.create(receiver.url)
    endpoint = made["endpoint"]["id"]
    told = await client.do(f'testWebhook(id: "{endpoint}")', "{ taken status error messageId }")
    assert told == {"taken": True, "status": 204, "error": None, "messageId": receiver.calls[0][0]["webhook-id"]}
    assert json.loads(receiver.calls[0][1])["type"] == "webhook.test"
    assert verified(made["secret"], *receiver.calls[0])
    assert (await client.endpoint(endpoint))["delivered"] == 0


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{ orders { totalCount } }", "must be a subscription"),
        ("subscription { orderUpdates { ... on Nothing { id } } }", "document: "),
        ('subscription { orderUpdates(after: "x") { __typename } }', "after has no meaning"),
        ("subscription ($a: String!) { orderUpdates(after: $a) { __typename } }", "no variables"),
        ("subscription {", "document: "),
    ],
)
async def test_a_document_that_cannot_be_answered_is_refused(
    client: Client, receiver: Receiver, document: str, words: str
) -> None:
    said = await client.ask(CREATE, {"url": receiver.url, "document": document})
    assert words in said["errors"][0]["message"]
    assert (await client.ask("{ webhookEndpoints { totalCount } }"))["data"]["webhookEndpoints"]["totalCount"] == 0


async def test_without_listed_hosts_there_are_none(database: str, pool: db.pool.Pool, receiver: Receiver) -> None:
    async with gateway(pool, database, webhook_hosts=frozenset()) as client:
        said = await client.ask(CREATE, {"url": receiver.url})
    assert said["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert "ORDERGRAPH_WEBHOOK_HOSTS" in said["errors"][0]["message"]


async def test_a_log_that_was_replaced_is_told_as_a_reset(
    client: Client, receiver: Receiver, pool: db.pool.Pool
) -> None:
    made = await client.create(receiver.url)
    await client.change()
    await receiver.wait(1)
    await client.do(f'disableWebhook(id: "{made["endpoint"]["id"]}")')
    await pool.execute("UPDATE stream_meta SET salt = 'restored'")
    await asyncio.sleep(6)
    await client.do(f'enableWebhook(id: "{made["endpoint"]["id"]}")')
    await receiver.wait(2)
    said = receiver.taken[1][1]
    assert (said["type"], said["data"]["reason"]) == ("reset", "EPOCH_CHANGED")


async def test_a_log_cut_short_while_it_was_disabled_is_told_as_a_reset(
    client: Client, receiver: Receiver, pool: db.pool.Pool
) -> None:
    endpoint = (await client.create(receiver.url))["endpoint"]["id"]
    await client.do(f'disableWebhook(id: "{endpoint}")')
    # An endpoint from long ago: the ring of this process goes back to its start, the log does not.
    await pool.execute("UPDATE webhook_endpoints SET position = -5")
    await client.do(f'enableWebhook(id: "{endpoint}")')
    await receiver.wait(1)
    assert receiver.taken[0][1]["data"]["reason"] == "RETENTION_PASSED"
    await client.change()
    await receiver.wait(2)
    assert receiver.taken[1][1]["data"]["version"] == 2


async def test_a_message_that_is_too_large_is_given_up_and_the_next_one_sent(
    client: Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "LARGEST_BODY", 100)
    endpoint = (await client.create(receiver.url))["endpoint"]["id"]
    await client.change()
    async with asyncio.timeout(10):
        while not (letters := (await client.endpoint(endpoint))["deadLetters"]["nodes"]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (letters[0]["reason"], receiver.calls) == ("TOO_LARGE", [])
    monkeypatch.setattr(courier, "LARGEST_BODY", 10_000)
    await client.change()
    await receiver.wait(1)
    assert receiver.versions() == [3]
    await client.do(f'replayDeadLetters(id: "{endpoint}", ids: ["{letters[0]["id"]}"])', "{ queued }")
    await receiver.wait(2)
    assert receiver.versions() == [3, 2]


async def test_a_secret_whose_key_is_lost_stops_the_endpoint_until_it_is_rotated(
    database: str, pool: db.pool.Pool, receiver: Receiver
) -> None:
    await pool.execute(SEED)
    async with gateway(pool, database, webhook_key=SecretStr("k" * 32)) as client:
        endpoint = (await client.create(receiver.url))["endpoint"]["id"]
    async with gateway(pool, database, webhook_key=SecretStr("l" * 32)) as client:
        await client.change()
        assert (await client.becomes(endpoint, state="DISABLED"))["disabledReason"] == "SECRET_LOST"
        secret = (await client.do(f'rotateWebhookSecret(id: "{endpoint}", keepOldHours: 0)', "{ secret }"))["secret"]
        await client.do(f'enableWebhook(id: "{endpoint}")')
        await receiver.wait(1)
    assert verified(secret, *receiver.calls[0])


async def test_an_api_key_counts_as_it_is_now(client: Client, receiver: Receiver, pool: db.pool.Pool) -> None:
    made = new_api_key()
    await pool.execute(
        "INSERT INTO api_keys (prefix, secret_sha256, name, role) VALUES ($1, $2, 'bot', 'admin')",
        made.prefix,
        made.secret_sha256,
    )
    endpoint = (await client.create(receiver.url, bearer=made.key))["endpoint"]["id"]
    await client.change()
    await receiver.wait(1)
    await pool.execute("UPDATE api_keys SET revoked_at = now()")
    await asyncio.sleep(1.1)
    await client.change()
    assert (await client.becomes(endpoint, state="DISABLED"))["disabledReason"] == "ACCESS_REVOKED"
    assert len(receiver.calls) == 1


async def test_a_holder_that_was_taken_over_can_write_nothing(database: str, pool: db.pool.Pool) -> None:
    """Two of them on one endpoint, without a gateway."""
    await pool.execute(
        """INSERT INTO webhook_endpoints (owner, owner_name, url, state, position, epoch, secret)
        VALUES ('{}', 'admin:a', 'http://127.0.0.1/', 'ENABLED', 7, 'e', 'x')"""
    )
    (old,) = await db.webhooks.claim(pool, 8, 0.05)
    assert await db.webhooks.claim(pool, 8, 60) == []
    await asyncio.sleep(0.1)
    (new,) = await db.webhooks.claim(pool, 8, 60)
    assert (new.id, new.fence) == (old.id, old.fence + 1)
    late = Reached(old.id, old.fence, 99, "e")
    async with pool.acquire() as connection:
        assert not await db.webhooks.delivered(connection, late, 60, 204)
        assert await db.webhooks.disable(connection, late, "GONE") is None
    assert await db.webhooks.renew(pool, [late], 60) == set()
    failed = db.webhooks.failed(pool, late, status=500, error=None, pause=1, lease_seconds=60, budget_hours=1)
    assert await failed is None
    await db.webhooks.release(pool, [late])
    row = await pool.fetchrow("SELECT position, attempts, state, lease_until > now() FROM webhook_endpoints")
    assert row is not None
    assert tuple(row) == (7, 0, "ENABLED", True)
    # A renewal that was under way while the holder delivered does not take the position back.
    async with pool.acquire() as connection:
        assert await db.webhooks.delivered(connection, Reached(new.id, new.fence, 9, "e"), 60, 204)
    assert await db.webhooks.renew(pool, [Reached(new.id, new.fence, 8, "e")], 60) == {new.id}
    assert await pool.fetchval("SELECT position FROM webhook_endpoints") == 9


async def test_metrics_show_how_deliveries_go(client: Client, receiver: Receiver) -> None:
    receiver.statuses = [500]
    await client.create(receiver.url)
    await client.change()
    await receiver.wait(1)
    await asyncio.sleep(0.2)
    async with client.http.get(f"{client.url}/metrics") as response:
        lines = (await response.text()).splitlines()
    for line in (
        "ordergraph_webhooks_delivered_total 1.0",
        "ordergraph_webhooks_failed_total 1.0",
        "ordergraph_webhooks_held 1.0",
    ):
        assert line in lines


@contextlib.contextmanager
def killed(database: str) -> Iterator[subprocess.Popen[str]]:
    """A gateway as a process of its own, killed in the end."""
    with serve(database) as process:
        try:
            yield process
        finally:
            process.kill()


def serve(database: str) -> subprocess.Popen[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGRAPH_")}
    given = {
        "ORDERGRAPH_DATABASE_URL": database,
        "ORDERGRAPH_TOKEN_SECRET": SECRET,
        "ORDERGRAPH_WEBHOOK_HOSTS": "127.0.0.1",
        "ORDERGRAPH_WEBHOOK_SECONDS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", "serve", "--port", "0"],
        env={**known, **given},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


async def ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = await asyncio.to_thread(process.stdout.readline)
    return line.removeprefix("Ordergraph serves ").removesuffix("/graphql\n")


async def test_a_process_killed_while_it_delivers_loses_nothing_and_another_takes_over(
    database: str, pool: db.pool.Pool, receiver: Receiver
) -> None:
    await pool.execute(SEED)
    receiver.delay = 0.02
    with contextlib.ExitStack() as processes:
        first = processes.enter_context(killed(database))
        async with aiohttp.ClientSession() as http:
            client = Client(http, await ready(first), pool)
            await client.create(receiver.url)
            await client.change()
            await receiver.wait(1)
            await ready(processes.enter_context(killed(database)))
            await client.change(39)
            await receiver.wait(10)
            # In the middle of a delivery: the receiver has the request, and has not answered it.
            async with asyncio.timeout(5):
                while not receiver.at_once:  # noqa: ASYNC110  (of things that have no event)
                    await asyncio.sleep(0)
            first.send_signal(signal.SIGKILL)
            before = len(receiver.versions())
            assert before < 40
            await client.change(20)
            await receiver.wait(60, seconds=40)
    assert receiver.versions() == list(range(2, 62))
    # The one in the middle may have been taken without our knowing.
    assert len(receiver.calls) <= 61
