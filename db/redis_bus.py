"""Redis as broadcaster's bus: what broadcaster's own backend does, and a lost connection raises.

broadcaster reads in a task of its own, which dies silently when the connection does, and hears nothing from then on.
"""

import contextlib
from typing import Any

import redis.asyncio
from broadcaster import Event
from broadcaster._backends.base import BroadcastBackend
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

CONNECT_SECONDS = 5.0


class RedisBackend(BroadcastBackend):
    """One connection that listens, others that publish. Nothing is tried twice here: whoever uses it starts anew."""

    def __init__(self, address: str) -> None:
        self._client = redis.asyncio.Redis.from_url(
            address, socket_connect_timeout=CONNECT_SECONDS, retry=Retry(NoBackoff(), 0), decode_responses=True
        )
        self._listener: Any = self._client.pubsub(ignore_subscribe_messages=True)

    async def connect(self) -> None:
        # redis-py types this as what it is in its blocking client, too.
        await self._client.ping()  # type: ignore[misc]
        await self._listener.connect()

    async def disconnect(self) -> None:
        for part in (self._listener, self._client):
            with contextlib.suppress(OSError, TimeoutError, redis.RedisError):
                await part.aclose()

    async def subscribe(self, channel: str) -> None:
        await self._listener.subscribe(channel)

    async def unsubscribe(self, channel: str) -> None:
        await self._listener.unsubscribe(channel)

    async def publish(self, channel: str, message: str) -> None:
        await self._client.publish(channel, message)

    async def next_published(self) -> Event:
        while True:
            message = await self._listener.parse_response(block=True)
            if isinstance(message, list) and message[0] == "message":
                return Event(str(message[1]), str(message[2]))
