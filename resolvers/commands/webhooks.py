"""Commands on webhook endpoints. Each is one transaction and one entry of the journal, which wakes whoever delivers."""

import dataclasses
import datetime
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

import db.commands.webhooks
from db.commands import journal, transactions
from db.pool import Connection, Record
from domain.actor import Actor, Role
from domain.errors import BadInput, Conflict, NotFound, Unavailable
from events.cursor import Cursor
from events.webhooks import signature
from events.webhooks.courier import ENTITY
from events.webhooks.notice import Notice, Send, Unseal, now_seconds
from resolvers.batches import as_uuid, as_uuids
from resolvers.scope import storable
from resolvers.sources import CommandContext
from resolvers.steps import instant

MOST_ENDPOINTS: Final = 50
LONGEST_DESCRIPTION: Final = 500
MOST_OVERLAP_HOURS: Final = 168
# Whoever manages everything manages other people's endpoints too.
EVERYBODYS: Final = "admin:write"
OFF: Final = "Webhooks are off here: ORDERGRAPH_WEBHOOK_HOSTS lists no receiver."


class Checks(Protocol):
    """What has to be right about a document before an endpoint may have it."""

    def check(self, document: str | None, actor: Actor) -> None: ...


@dataclass(frozen=True, slots=True)
class Office:
    """What the commands need of the process; `seal` encrypts a secret, `check_url` refuses addresses."""

    teller: Checks
    check_url: Callable[[str], str]
    seal: Callable[[bytes], bytes]
    unseal: Unseal
    send: Send
    read_cursor: Callable[[str], Cursor]
    epoch: Callable[[], str]


def office(context: CommandContext) -> Office:
    if context.office is None:
        raise Unavailable(OFF)
    return context.office


def check(context: CommandContext, _keyed: bool) -> None:
    office(context)


def check_secret(context: CommandContext, keyed: bool) -> None:
    """An answer under a key is kept to be sent again, and a secret is kept nowhere."""
    office(context)
    if keyed:
        raise BadInput(f"{context.field} shows a secret once, so it cannot have an idempotency key.")


def owner_of(actor: Actor) -> dict[str, Any]:
    """As it is stored. What a token may not do longer than it lives, an endpoint may: until its owner is revoked."""
    stored = dataclasses.asdict(dataclasses.replace(actor, expires_at=None))
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in stored.items()}


def actor_of(owner: Mapping[str, Any]) -> Actor:
    """Raises ValueError, TypeError or BadInput for what this version does not know."""
    channels, role, issued_at = owner.get("channels"), owner.get("role"), owner.get("issued_at")
    return Actor(
        role=None if role is None else Role(role),
        subject=owner["subject"],
        scopes=frozenset(owner["scopes"]),
        customer_id=owner.get("customer_id"),
        source=owner.get("source"),
        channels=None if channels is None else frozenset(channels),
        token_id=owner.get("token_id"),
        issued_at=None if issued_at is None else datetime.datetime.fromisoformat(issued_at),
    )


def name_of(actor: Actor) -> str:
    return f"{actor.role}:{actor.subject}"


async def create(context: CommandContext) -> Mapping[str, Any]:
    at, actor, given = office(context), context.actor, context.arguments
    url, document = at.check_url(given["url"]), given["document"]
    at.teller.check(document, actor)
    position = None if given["after"] is None else place(at, given["after"]).position
    secret = signature.new_secret()

    async def work(connection: Connection) -> uuid.UUID:
        if await db.commands.webhooks.count(connection, name_of(actor)) >= MOST_ENDPOINTS:
            raise Conflict(f"You have {MOST_ENDPOINTS} endpoints. Delete one first.")
        made = await db.commands.webhooks.create(
            connection,
            owner=owner_of(actor),
            owner_name=name_of(actor),
            url=url,
            description=described(given["description"]) or "",
            document=document,
            position=position,
            secret=at.seal(secret),
        )
        await write(connection, context, "WEBHOOK_CREATED", made, 1)
        return made

    made = await transactions.run(context.inbox.pool, work)
    return {"endpoint": made, "secret": signature.shown(secret)}


async def update(context: CommandContext) -> Mapping[str, Any]:
    at, given = office(context), context.arguments
    url = at.check_url(given["url"]) if given["url"] is not None else None

    async def work(connection: Connection, row: Record) -> int:
        document = row["document"] if given["document"] is None else given["document"] or None
        # By the rights of whoever it is for, which may not be those of whoever changes it.
        at.teller.check(document, actor_of(orjson.loads(row["owner"])))
        return await db.commands.webhooks.change(
            connection, row["id"], url or row["url"], described(given["description"]), document
        )

    return await changing(context, "WEBHOOK_CHANGED", work, "url", "description", "document")


async def delete(context: CommandContext) -> Mapping[str, Any]:
    async def work(connection: Connection, row: Record) -> int:
        return await db.commands.webhooks.delete(connection, row["id"])

    found = await changing(context, "WEBHOOK_DELETED", work)
    return {"id": str(found["endpoint"])}


async def rotate_secret(context: CommandContext) -> Mapping[str, Any]:
    at, hours = office(context), context.arguments["keepOldHours"]
    if not 0 <= hours <= MOST_OVERLAP_HOURS:
        raise BadInput(f"keepOldHours is {hours}; give 0 to {MOST_OVERLAP_HOURS}.")
    secret = signature.new_secret()

    async def work(connection: Connection, row: Record) -> int:
        return await db.commands.webhooks.rotate(connection, row["id"], at.seal(secret), hours)

    found = await changing(context, "WEBHOOK_SECRET_ROTATED", work, "secret")
    return {**found, "secret": signature.shown(secret)}


async def enable(context: CommandContext) -> Mapping[str, Any]:
    async def work(connection: Connection, row: Record) -> int:
        position = row["position"]
        if context.arguments["skipFailed"]:
            position = max(position, await db.commands.webhooks.last_dead(connection, row["id"]) or 0)
        return await db.commands.webhooks.enable(connection, row["id"], position)

    return await changing(context, "WEBHOOK_ENABLED", work, "state")


async def disable(context: CommandContext) -> Mapping[str, Any]:
    async def work(connection: Connection, row: Record) -> int:
        return await db.commands.webhooks.disable(connection, row["id"])

    return await changing(context, "WEBHOOK_DISABLED", work, "state")


async def replay(context: CommandContext) -> Mapping[str, Any]:
    """From a cursor on, everything is sent once more, with the same ids."""
    at = office(context)
    cursor = place(at, context.arguments["after"])

    async def work(connection: Connection, row: Record) -> int:
        return await db.commands.webhooks.rewind(connection, row["id"], cursor.position, cursor.epoch)

    return await changing(context, "WEBHOOK_REPLAYED", work, "position")


async def replay_dead_letters(context: CommandContext) -> Mapping[str, Any]:
    ids = context.arguments["ids"]
    letters = None if ids is None else [found for found in as_uuids(ids) if found is not None]
    queued = 0

    async def work(connection: Connection, row: Record) -> int:
        nonlocal queued
        queued, version = await db.commands.webhooks.queue(connection, row["id"], letters)
        return version

    found = await changing(context, "WEBHOOK_REPLAYED", work)
    return {**found, "queued": queued}


async def test(context: CommandContext) -> Mapping[str, Any]:
    """Sent at once and once, whatever the state of the endpoint; its deliveries are not touched."""
    at = office(context)

    async def work(connection: Connection) -> Record:
        return await located(connection, context)

    row = await transactions.run(context.inbox.pool, work)
    attempt = await at.send(row["url"], signed(at, row, (notice := greeting())), notice.body)
    return {"taken": attempt.taken, "status": attempt.status, "error": attempt.error, "messageId": notice.message_id}


def greeting() -> Notice:
    now = instant(datetime.datetime.now(datetime.UTC))
    body = orjson.dumps({"type": "webhook.test", "timestamp": now, "data": {}})
    return Notice(f"test_{uuid.uuid4().hex}", body, 0, None)


def signed(at: Office, row: Record, notice: Notice) -> dict[str, str]:
    sealed = [secret for secret in (row["secret"], row["secret_before"]) if secret is not None]
    try:
        secrets = [at.unseal(secret) for secret in sealed]
    except ValueError:
        raise Conflict("The endpoint's secret cannot be read any more. Rotate it.") from None
    return signature.headers(secrets, notice.message_id, now_seconds(), notice.body)


async def changing(
    context: CommandContext, type_: str, work: Callable[[Connection, Record], Awaitable[int]], *changed: str
) -> dict[str, Any]:
    """`work` returns the endpoint's new version."""
    office(context)

    async def run(connection: Connection) -> uuid.UUID:
        row = await located(connection, context)
        version = await work(connection, row)
        await write(connection, context, type_, row["id"], version, changed)
        found: uuid.UUID = row["id"]
        return found

    return {"endpoint": await transactions.run(context.inbox.pool, run)}


async def located(connection: Connection, context: CommandContext) -> Record:
    owner = None if context.actor.may(EVERYBODYS) else name_of(context.actor)
    endpoint = as_uuid(context.arguments["id"])
    row = None if endpoint is None else await db.commands.webhooks.find(connection, endpoint, owner)
    if row is None:
        raise NotFound("There is no such endpoint, or it is somebody else's. `webhookEndpoints` lists yours.")
    return row


async def write(
    connection: Connection,
    context: CommandContext,
    type_: str,
    endpoint: uuid.UUID,
    version: int,
    changed: Sequence[str] = (),
) -> None:
    entry = journal.Entry(type_, ENTITY, endpoint, changed)
    origin = journal.Origin(name_of(context.actor), "ordergraph", str(uuid.uuid4()), context.now)
    await journal.write(connection, entry, origin, version=version)


def place(at: Office, text: str) -> Cursor:
    cursor = at.read_cursor(text)
    if cursor.epoch != at.epoch():
        raise BadInput("This cursor is of a log that was replaced since. Query again and use the cursor it returns.")
    return cursor


def described(text: str | None) -> str | None:
    if text is not None and (len(text) > LONGEST_DESCRIPTION or storable(text) is None):
        raise BadInput(f"description is longer than {LONGEST_DESCRIPTION} characters or cannot be stored.")
    return text
