"""`ordergraph watch`: follow changes in the terminal, over the same transports as everybody else."""

import asyncio
import datetime
import os
import random
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

import domain.errors
from gateway.cli import options

if TYPE_CHECKING:
    import aiohttp

SUBSCRIPTION = """subscription Watch($numbers: [String!], $after: String) {
  orderUpdates(filter: {numbers: $numbers}, after: $after) {
    ... on OrderChanged {
      cursor type version occurredAt source actor
      order { number channel { code } status attention shipments { trackingNumber status } }
    }
    ... on Checkpoint { cursor }
    ... on Reset { cursor reason }
  }
}"""
# Answered at once: where the log ends for this caller.
NOW = "{ changes { cursor } }"
REFUSED = frozenset({4400, 4401, 4403, 4406})
# What a gateway says that is not at its best just now; all else is the request's fault.
PASSING = frozenset(
    {"OVERLOADED", "SERVICE_UNAVAILABLE", "INTERNAL_ERROR", "DEADLINE_EXCEEDED", "SUBSCRIPTION_TOO_SLOW"}
)
SILENCE_SECONDS = 45


def register(app: typer.Typer) -> None:
    app.command()(watch)


def watch(
    order: Annotated[list[str] | None, typer.Option(help="Only the order of this number; may be repeated.")] = None,
    after: Annotated[str | None, typer.Option(help="Go on after this cursor.")] = None,
    transport: Annotated[str, typer.Option(help="ws or sse.")] = "ws",
    url: Annotated[str | None, typer.Option(help="The gateway [http://127.0.0.1:8000].", show_default=False)] = None,
    token: Annotated[
        str | None, typer.Option(help="Bearer token; without it, one for support is made.", envvar="ORDERGRAPH_TOKEN")
    ] = None,
    data_dir: options.DataDir = None,
) -> None:
    """Follow changes of orders; goes on by itself after the gateway was away, and prints the cursor at the end."""
    if transport not in ("ws", "sse"):
        raise domain.errors.BadInput(f"{transport} is no transport: choose ws or sse.")
    address = (url or f"http://127.0.0.1:{os.environ.get('PORT', '8000')}").rstrip("/") + "/graphql"
    watching = Watch(address, token or own_token(data_dir), order, after)
    try:
        asyncio.run(watching.run(transport))
    except KeyboardInterrupt:
        print(f"\nGo on with: ordergraph watch --after {watching.cursor}" if watching.cursor else "", file=sys.stderr)


def own_token(data_dir: Any) -> str:
    """With the secret of this machine's gateway anybody here may make one."""
    import gateway.signing
    import gateway.tokens
    from domain.actor import Role

    secrets = gateway.signing.with_secret(options.settings(data_dir=data_dir)).token_secrets
    if not secrets:
        raise domain.errors.BadInput("Give a token: --token, or ORDERGRAPH_TOKEN.")
    now = datetime.datetime.now(datetime.UTC)
    return gateway.tokens.issue_token(secrets[0], Role.SUPPORT, ttl=datetime.timedelta(hours=12), now=now)


class Away(Exception):  # noqa: N818  # no error: it is tried again
    """The gateway cannot answer now."""


class Watch:
    """Prints changes; `cursor` is always the last one that was told."""

    def __init__(self, address: str, token: str, numbers: list[str] | None, after: str | None) -> None:
        self.address = address
        self.headers = {"Authorization": f"Bearer {token}"}
        self.numbers = numbers
        self.cursor = after

    async def run(self, transport: str) -> None:
        import aiohttp

        failures = 0
        async with aiohttp.ClientSession() as session:
            while True:
                follow = self.socket if transport == "ws" else self.events
                try:
                    await self.place(session)
                    async for payload in follow(session):
                        failures = 0
                        self.show(payload)
                except (aiohttp.ClientError, OSError, TimeoutError, Away) as error:
                    why = str(error) if isinstance(error, Away) else type(error).__name__
                    print(f"… {self.address} is away ({why}), trying again", file=sys.stderr)
                failures += 1
                await asyncio.sleep(random.uniform(0.2, min(10.0, 0.5 * 2**failures)))  # noqa: S311  # spreads reconnects

    @property
    def request(self) -> dict[str, Any]:
        return {"query": SUBSCRIPTION, "variables": {"numbers": self.numbers, "after": self.cursor}}

    async def place(self, session: "aiohttp.ClientSession") -> None:
        """Know from where to go on before anything is told: what happens until the first event is not to be lost."""
        import aiohttp

        if self.cursor is not None:
            return
        patience = aiohttp.ClientTimeout(total=SILENCE_SECONDS)
        async with session.post(self.address, json={"query": NOW}, headers=self.headers, timeout=patience) as response:
            check_status(response.status)
            told = await response.json(content_type=None)
        check_errors(told.get("errors"))
        self.cursor = told["data"]["changes"]["cursor"]

    async def socket(self, session: "aiohttp.ClientSession") -> AsyncIterator[dict[str, Any]]:
        """graphql-transport-ws."""
        import aiohttp

        protocol = "graphql-transport-ws"
        async with session.ws_connect(self.address, protocols=[protocol], headers=self.headers) as socket:
            await socket.send_json({"type": "connection_init", "payload": self.headers})
            while True:
                message = await socket.receive(timeout=SILENCE_SECONDS)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    self.check_closing(socket.close_code, str(message.extra or ""))
                    return
                told = message.json()
                match told["type"]:
                    case "connection_ack":
                        await socket.send_json({"id": "1", "type": "subscribe", "payload": self.request})
                    case "ping":
                        await socket.send_json({"type": "pong"})
                    case "next":
                        yield told["payload"]
                    case "error":
                        check_errors(told["payload"])
                    case "complete":
                        return

    def check_closing(self, code: int | None, reason: str) -> None:
        if code in REFUSED:
            raise domain.errors.BadInput(f"The gateway refuses: {code} {reason}")

    async def events(self, session: "aiohttp.ClientSession") -> AsyncIterator[dict[str, Any]]:
        """graphql-sse, distinct connections."""
        import aiohttp
        import orjson

        headers = {**self.headers, "Accept": "text/event-stream"}
        quiet = aiohttp.ClientTimeout(total=None, sock_read=SILENCE_SECONDS)
        async with session.post(self.address, json=self.request, headers=headers, timeout=quiet) as response:
            check_status(response.status)
            async for line in response.content:
                if line.startswith(b"data:") and line[5:].strip():
                    yield orjson.loads(line[5:])

    def show(self, payload: dict[str, Any]) -> None:
        check_errors(payload.get("errors"))
        told = payload["data"]["orderUpdates"]
        self.cursor = told.get("cursor", self.cursor)
        if "reason" in told:
            print(f"… what came before cannot be told any more ({told['reason']})", file=sys.stderr)
        order = told.get("order")
        if order is None:
            return
        parcels = " ".join(f"{one['trackingNumber']}:{one['status']}" for one in order["shipments"])
        flags = f" [{', '.join(order['attention'])}]" if order["attention"] else ""
        print(
            f"{told['occurredAt']}  {order['channel']['code']}/{order['number']}  v{told['version']}  "
            f"{told['type']}  {order['status']}{flags}  {parcels}  by {told['actor']} ({told['source']})",
            flush=True,
        )


def check_status(status: int) -> None:
    if status == 429 or status >= 500:
        raise Away(f"HTTP {status}")
    if status != 200:
        raise domain.errors.BadInput(f"The gateway refuses with HTTP {status}.")


def check_errors(errors: Sequence[Mapping[str, Any]] | None) -> None:
    for error in errors or ():
        if error.get("extensions", {}).get("code") in PASSING:
            raise Away(error["message"])
        raise domain.errors.BadInput(f"The gateway refuses: {error['message']}")
