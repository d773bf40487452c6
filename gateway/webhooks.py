"""Webhooks of this process: how it posts, whose rights count, and what its commands and couriers are made of."""

import contextlib
import email.utils
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp

from db.api_keys import ApiKeyRow
from db.pool import Pool
from domain.actor import Actor
from domain.errors import BadInput, Forbidden
from events.cursor import Signer
from events.hub import Hub
from events.webhooks.couriers import CourierOptions, Couriers
from events.webhooks.notice import Attempt
from gateway import api_keys, callback_hosts
from gateway.callback_hosts import CallbackHosts
from gateway.seal import Seal
from gateway.settings import Settings
from gateway.telemetry import Metrics
from resolvers.commands.webhooks import Office, actor_of
from resolvers.subscriptions import Subscriptions
from resolvers.webhooks import Teller

USER_AGENT: Final = "Ordergraph-Webhooks/1"
# Whoever asks for a test waits for its answer, within the time of an operation.
TEST_PART: Final = 0.8
KEY: Final = "key:"

Find = Callable[[str], Awaitable[ApiKeyRow | None]]


class Webhooks:
    """Made by the composition root when receivers are listed; `client` spans the life of the process."""

    def __init__(self, settings: Settings, pool: Pool, hub: Hub, subscriptions: Subscriptions, find: Find) -> None:
        self.hosts = CallbackHosts(
            settings.webhook_hosts, field="url", setting="ORDERGRAPH_WEBHOOK_HOSTS", malformed=BadInput
        )
        self.seconds = settings.webhook_seconds
        self.hub = hub
        self.find = find
        self.session: aiohttp.ClientSession | None = None
        seal, signer = Seal(settings.webhook_keys), subscriptions.signer
        teller = Teller(subscriptions, self.owner)
        options = CourierOptions(send_seconds=settings.webhook_seconds, budget_hours=settings.webhook_hours)
        self.couriers = Couriers(pool, hub, teller.tell, self.send, seal.open, options)
        self.test_seconds = min(settings.webhook_seconds, settings.operation_seconds * TEST_PART)
        self.office = self.made_office(teller, seal, signer, hub)

    def made_office(self, teller: Teller, seal: Seal, signer: Signer, hub: Hub) -> Office:
        return Office(
            teller=teller,
            check_url=self.hosts.check_private,
            seal=seal.close,
            unseal=seal.open,
            send=self.send_test,
            read_cursor=signer.read,
            epoch=lambda: hub.epoch,
        )

    def watch(self, metrics: Metrics) -> None:
        couriers = self.couriers
        gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "ordergraph_webhooks_enabled": ("Endpoints that are sent to.", lambda: couriers.counts.enabled),
            "ordergraph_webhooks_stopped": ("Endpoints that were disabled by us.", lambda: couriers.counts.stopped),
            "ordergraph_webhooks_failing": ("Enabled ones whose next event fails.", lambda: couriers.counts.failing),
            "ordergraph_webhooks_held": ("Endpoints this process delivers to.", lambda: len(couriers.at_work)),
            "ordergraph_webhook_dead_letters": ("Events given up.", lambda: couriers.counts.dead_letters),
            "ordergraph_webhook_behind": ("Log entries that the last one has to come.", lambda: couriers.counts.behind),
        }
        for name, (meaning, read) in gauges.items():
            metrics.watch(name, meaning, read)
        metrics.watch("ordergraph_webhooks_delivered", "Taken by receivers.", lambda: couriers.delivered, counter=True)
        metrics.watch("ordergraph_webhooks_failed", "Attempts that failed.", lambda: couriers.failures, counter=True)

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[None]:
        async with callback_hosts.session(self.hosts, self.seconds) as self.session:
            yield

    async def owner(self, stored: Mapping[str, Any]) -> Actor:
        """An API key's rights are those it has now. Raises Forbidden or Unauthenticated when they ended."""
        try:
            actor = actor_of(stored)
        except (KeyError, ValueError, TypeError, BadInput):
            raise Forbidden("The owner's rights are not known any more.") from None
        if actor.subject.startswith(KEY):
            row = await self.find(actor.subject.removeprefix(KEY))
            if row is None:
                raise Forbidden("The owner's API key is gone.")
            actor = api_keys.living(row, time.time())
        if self.hub.revocations.cover(actor):
            raise Forbidden("The owner's access was withdrawn.")
        return actor

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """events.webhooks.notice.Send."""
        return await self.posted(url, headers, body, self.seconds)

    async def send_test(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        return await self.posted(url, headers, body, self.test_seconds)

    async def posted(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Attempt:
        """A redirect is an answer like any other and never followed; of the answer nothing is read but its head."""
        assert self.session is not None, "used while the process runs"
        try:
            # Again, because the list may have become shorter since the endpoint was made.
            request = self.session.post(
                self.hosts.check_private(url),
                data=body,
                headers={**headers, "user-agent": USER_AGENT},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            )
            async with request as response:
                return Attempt(response.status, None, retry_after(response.headers.get("retry-after")))
        except (BadInput, Forbidden) as error:
            return Attempt(error=error.message)
        except TimeoutError:
            return Attempt(error=f"No answer within {seconds:g} s.")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # What these say may hold the address, and an address may hold a password of its owner's.
            return Attempt(error=f"No connection ({type(error).__name__}).")


def retry_after(text: str | None) -> float | None:
    """Seconds, or a date (RFC 9110 section 10.2.3); what is neither is as if it was not there."""
    if text is None:
        return None
    try:
        if text.strip().isdigit():
            seconds = float(text)
        else:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
