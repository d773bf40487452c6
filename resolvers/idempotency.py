"""The same request twice is answered once: its first answer is kept for 24 hours under the caller's key.

A key names one payload of one caller. While it is in progress, its owner renews a lease; when the owner dies, the lease
runs out and the same request may run again, which is safe because the inbox knows the items that were applied.
"""

import asyncio
import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import orjson
import structlog

from db.commands import idempotency
from db.pool import DatabaseError, Pool
from domain.actor import Actor
from domain.errors import BadInput, Conflict
from resolvers.answer import Answer, GraphQLRequest

log = structlog.get_logger(__name__)

LEASE_SECONDS: Final = 30
RENEW_SECONDS: Final = 10
LONGEST_KEY: Final = 255


class KeyRequired(BadInput):
    code = "IDEMPOTENCY_KEY_REQUIRED"


class KeyReused(BadInput):
    code = "IDEMPOTENCY_KEY_REUSED"


class InProgress(Conflict):
    code = "CONFLICT_IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class Key:
    """Keys of two callers, or of one caller with other rights, have nothing to do with each other."""

    subject: str
    text: str
    fingerprint: bytes


def key_of(text: str, request: GraphQLRequest, actor: Actor) -> Key:
    if not 1 <= len(text) <= LONGEST_KEY or not text.isprintable():
        raise BadInput(f"The idempotency key has {len(text)} characters or unprintable ones; use 1 to {LONGEST_KEY}.")
    payload = [request.query, request.operation_name, request.variables or {}]
    digest = hashlib.sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).digest()
    rights = hashlib.sha256(orjson.dumps([sorted(actor.scopes), actor.order_rows])).hexdigest()[:12]
    return Key(f"{actor.role}:{actor.subject}:{actor.source or ''}:{rights}", text, digest)


async def once(pool: Pool, key: Key, run: Callable[[], Awaitable[Answer]]) -> Answer:
    """The kept answer, or that of `run`, kept. Raises KeyReused, InProgress."""
    owner = uuid.uuid4()
    known = await idempotency.claim(pool, key.subject, key.text, key.fingerprint, owner, LEASE_SECONDS)
    if known is not None:
        return _known(known["fingerprint"], known["response"], key)
    try:
        async with _renewed(pool, key, owner):
            answer = await run()
    except BaseException:
        # Nothing to keep: the caller may try again with the same key.
        await asyncio.shield(_release(pool, key, owner))
        raise
    await idempotency.keep(pool, key.subject, key.text, owner, answer.body)
    return answer


def _known(fingerprint: bytes, response: bytes | None, key: Key) -> Answer:
    if fingerprint != key.fingerprint:
        raise KeyReused("This idempotency key came before with another request. Give each request a key of its own.")
    if response is None:
        raise InProgress("The request with this idempotency key is still in progress. Send it again in a moment.")
    return Answer(response)


@contextlib.asynccontextmanager
async def _renewed(pool: Pool, key: Key, owner: uuid.UUID) -> AsyncIterator[None]:
    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(OSError, TimeoutError, *DatabaseError):
                await idempotency.renew(pool, key.subject, key.text, owner, LEASE_SECONDS)

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        task.cancel()


async def _release(pool: Pool, key: Key, owner: uuid.UUID) -> None:
    try:
        await idempotency.release(pool, key.subject, key.text, owner)
    except (OSError, TimeoutError, *DatabaseError) as error:
        # The lease runs out by itself.
        log.warning("idempotency key not released", error=type(error).__name__)
