"""Subscriptions whose events are posted to a router (Apollo's HTTP callback protocol 1.0).

https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/callback-protocol
"""

import asyncio
import random
from dataclasses import dataclass
from typing import Final

import aiohttp
import orjson
import structlog
from starlette.types import Message

from domain.actor import Actor
from domain.errors import Forbidden, Overloaded, Unavailable
from events.sink import Ended
from gateway import endings, errors
from gateway.callback_hosts import CallbackHosts
from gateway.connections import TooManyStreams
from gateway.http import Reply
from gateway.operation import Asked, Operation, Streaming
from gateway.pipe import Pipe
from gateway.wheel import NEVER

log = structlog.get_logger()

PROTOCOL: Final = {"content-type": "application/json", "subscription-protocol": "callback/1.0"}
STARTED: Final = b'{"data":null}'
ATTEMPTS: Final = 5
BACKOFF_SECONDS: Final = 0.1
# So that a router cannot make us call it without a pause.
LEAST_HEARTBEAT_SECONDS: Final = 1.0
LONGEST_NAME: Final = 256
GONE: Final = 404
# Other refusals (4xx) are final: the same call would be refused again.
WORTH_REPEATING: Final = frozenset({408, 425, 429})


class RouterGone(Exception):  # noqa: N818  (it ended the subscription, which is its right)
    """The router wants no more of this subscription, or cannot be reached any more."""


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    subscription_id: str
    verifier: str
    heartbeat_seconds: float | None

    def call(self, action: str, tail: bytes = b"") -> bytes:
        head = {"kind": "subscription", "action": action, "id": self.subscription_id, "verifier": self.verifier}
        return orjson.dumps(head)[:-1] + tail + b"}"


class Callbacks:
    """`session` is given by the lifespan; without it, and without hosts, no callbacks are made."""

    def __init__(self, streaming: Streaming) -> None:
        self.streaming = streaming
        self.hosts = CallbackHosts(streaming.connections.options.callback_hosts)
        self.session: aiohttp.ClientSession | None = None

    async def subscribe(self, asked: Asked, actor: Actor, address: str) -> Reply:
        """The answer to the router, which gets its check before it."""
        if self.session is None or not self.hosts.names:
            raise Forbidden("HTTP callbacks are off here: ORDERGRAPH_CALLBACK_HOSTS lists no router.")
        target = self.target(asked)
        connections = self.streaming.connections
        try:
            caller = connections.hold(actor, address)
        except TooManyStreams as error:
            raise Overloaded(error.message) from None
        operation = CallbackOperation(self.streaming, self.session, target, caller, actor)
        connections.enter(operation)
        try:
            await operation.confirm()
            await operation.start(self.streaming, asked, actor)
        except BaseException:
            operation.forget("REFUSED")
            raise
        if operation.refusal is not None:
            operation.forget(operation.refusal[1])
            return self.refused(*operation.refusal)
        return Reply(200, STARTED)

    def refused(self, body: bytes, code: str) -> Reply:
        status = errors.status(code, self.streaming.http.options.style)
        return Reply(status, body, errors.STATUS_HEADERS.get(status, ()))

    def target(self, asked: Asked) -> Target:
        given = (asked.request.extensions or {}).get("subscription")
        if not isinstance(given, dict):
            raise errors.MalformedRequest("extensions.subscription is missing: it says where to call back.")
        names = given.get("subscriptionId"), given.get("verifier")
        for name in names:
            if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
                raise errors.MalformedRequest("extensions.subscription needs the strings subscriptionId and verifier.")
        interval = given.get("heartbeatIntervalMs", 0)
        if isinstance(interval, bool) or not isinstance(interval, int) or interval < 0:
            raise errors.MalformedRequest("extensions.subscription.heartbeatIntervalMs must be a count, or 0 for none.")
        heartbeat = max(interval / 1000, LEAST_HEARTBEAT_SECONDS) if interval else None
        return Target(self.hosts.check(given.get("callbackUrl")), str(names[0]), str(names[1]), heartbeat)


class CallbackOperation(Operation):
    """A Sink, a Stream and Timed by the wheel. Its pipe posts: in order, one call at a time, from a bounded queue."""

    __slots__ = (
        "actor", "beat_at", "caller", "cursor", "expires_at", "leave_at", "pipe", "refusal", "session", "slot",
        "streaming", "target",
    )  # fmt: skip
    transport = "callback"

    def __init__(
        self, streaming: Streaming, session: aiohttp.ClientSession, target: Target, caller: str, actor: Actor
    ) -> None:
        super().__init__()
        self.streaming = streaming
        self.session = session
        self.target = target
        self.actor: Actor | None = actor
        self.caller: str | None = caller
        self.pipe = Pipe(self.post, streaming.connections.options.bounds)
        self.refusal: tuple[bytes, str] | None = None
        self.cursor: str | None = None
        self.slot = NEVER
        now = asyncio.get_running_loop().time()
        self.beat_at = now + target.heartbeat_seconds if target.heartbeat_seconds else None
        self.leave_at: float | None = None
        self.expires_at = streaming.ends_at(actor)

    async def confirm(self) -> None:
        """Whoever asked for the calls must be who gets them."""
        try:
            status = await self.called(self.target.call("check"))
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise Unavailable("The router could not be called back at extensions.subscription.callbackUrl.") from None
        if status != 204:
            raise Forbidden(f"The router answered the check of its callback with status {status} instead of 204.")

    async def called(self, body: bytes) -> int:
        """The status; a redirect is one like any other, and never followed."""
        request = self.session.post(self.target.url, data=body, headers=PROTOCOL, allow_redirects=False)
        async with request as response:
            return response.status

    async def post(self, message: Message) -> None:
        # The first step is made outside of a task, where aiohttp cannot set its timers.
        await asyncio.sleep(0)
        try:
            await self.delivered(message["body"])
        except RouterGone as gone:
            self.forget(str(gone))
            raise
        if message["final"]:
            self.forget(message["final"])

    async def delivered(self, body: bytes) -> None:
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311
            try:
                status = await self.called(body)
            except (aiohttp.ClientError, OSError, TimeoutError):
                continue
            if 200 <= status < 300:
                return
            if status == GONE:
                raise RouterGone("TERMINATED")
            if status < 500 and status not in WORTH_REPEATING:
                log.warning("callback_refused", status=status)
                raise RouterGone("REFUSED")
        raise RouterGone("UNREACHABLE")

    def say(self, body: bytes, final: str = "") -> bool:
        return self.pipe.write({"body": body, "final": final}, len(body), self)

    def push(self, payload: bytes, cursor: str | None) -> bool:
        return True if self.over else self.say(self.target.call("next", b',"payload":' + payload))

    async def drained(self) -> None:
        await self.pipe.drained()

    def opened(self) -> None:
        due = self.next_due()
        if due is not None:
            self.streaming.connections.wheel.put(self, due)

    def next_due(self) -> float | None:
        if self.pipe.closed:
            return None
        return min((due for due in (self.beat_at, self.leave_at, self.expires_at) if due is not None), default=None)

    def tick(self, now: float) -> float | None:
        if self.leave_at is not None and now >= self.leave_at:
            self.leave()
        elif self.expires_at is not None and now >= self.expires_at:
            self.cut(Ended.TOKEN_EXPIRED)
        elif self.beat_at is not None and self.target.heartbeat_seconds is not None and now >= self.beat_at:
            self.beat_at = now + self.target.heartbeat_seconds
            if not self.pipe.lagging:
                self.say(self.target.call("check"))
        return self.next_due()

    def refuse(self, body: bytes, code: str) -> None:
        self.refusal = body, code

    def end(self, reason: Ended, cursor: str | None) -> None:
        if self.over:
            return
        self.over = True
        self.running = None
        if reason is Ended.SHUTDOWN:
            self.cursor = cursor
            now = asyncio.get_running_loop().time()
            self.leave_at = now + random.uniform(0.0, self.streaming.connections.options.restart_jitter_seconds)  # noqa: S311
            self.streaming.connections.wheel.put(self, self.leave_at)
        else:
            self.conclude(reason, cursor)

    def conclude(self, reason: Ended, cursor: str | None) -> None:
        told = b"" if reason is Ended.COMPLETE else b',"errors":' + endings.errors(reason, cursor)
        message = {"body": self.target.call("complete", told), "final": reason.value}
        self.pipe.last(message, drop=reason is Ended.SLOW)

    def cut(self, reason: Ended) -> None:
        running, self.running = self.running, None
        self.over = True
        if running is not None:
            running.close()
        self.conclude(reason, self.cursor)

    def leave(self) -> None:
        if not self.pipe.closed:
            self.cut(Ended.SHUTDOWN)

    def revoke(self) -> None:
        if not self.pipe.closed:
            self.cut(Ended.REVOKED)

    def drop(self) -> None:
        self.pipe.abandon()
        self.forget("DROPPED")

    def forget(self, code: str) -> None:
        connections = self.streaming.connections
        connections.wheel.remove(self)
        connections.exit(self, code)
        self.pipe.closed = True
        if self.caller is not None:
            connections.release(self.caller)
            self.caller = None
        self.stop()
