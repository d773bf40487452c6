"""Small clients that follow order updates over WebSocket or SSE, come back by cursor, and keep what they are told."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp

from tests.chaos.recording import Checked, Joined, Place, Recording, Reset, Told
from tests.chaos.world import Gateway, token

FOLLOW = """subscription($after: String, $snapshot: Boolean!) { orderUpdates(after: $after, snapshot: $snapshot) {
  ... on OrderChanged { id type entityId version cursor order { id version } }
  ... on Checkpoint { cursor } ... on Reset { reason cursor } } }"""
SILENCE_SECONDS = 20.0


class Client:
    """Follows until cancelled, at one gateway after the other. `pace` seconds are slept after each payload read;
    `deaf` clients stop reading while it is set."""

    def __init__(self, name: str, gateways: Sequence[Gateway], customer: str | None, sse: bool, dice: int) -> None:
        self.recording = Recording(name, customer)
        self.gateways = gateways
        self.token = token(customer)
        self.sse = sse
        self.dice = random.Random(dice)
        self.cursor: str | None = None
        self.pace = 0.0
        self.hearing = asyncio.Event()
        self.hearing.set()
        # Set, it closes its connection and stays away.
        self.away = asyncio.Event()
        self.connects = 0
        self.refusals: list[str] = []

    @property
    def place(self) -> Place | None:
        return None if self.cursor is None else Place.of(self.cursor)

    async def run(self) -> None:
        """A broken connection is what these clients are for; whatever is refused is kept and tried again."""
        while True:
            gateway = self.dice.choice(self.gateways)
            if not self.away.is_set():
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    async with aiohttp.ClientSession() as session:
                        await self.follow(session, gateway)
            await asyncio.sleep(self.dice.uniform(0.05, 0.3))

    async def follow(self, session: aiohttp.ClientSession, gateway: Gateway) -> None:
        """One connection; it ends with the connection, or when the client has to read anew."""
        after = self.cursor
        variables = {"after": after, "snapshot": after is None}
        request = {"query": FOLLOW, "variables": variables}
        joined = False
        async for payload in (self.events if self.sse else self.socket)(session, gateway, request):
            if not joined:
                joined = True
                self.connects += 1
                self.recording.items.append(Joined(self.place))
            if payload.get("errors"):
                self.refusals.append(str(payload["errors"][0].get("extensions", {}).get("code")))
                return
            self.keep(payload["data"]["orderUpdates"])
            if self.cursor is None or self.away.is_set():
                return
            if self.pace:
                await asyncio.sleep(self.pace)
            await self.hearing.wait()

    def keep(self, told: dict[str, Any]) -> None:
        place = Place.of(told["cursor"])
        self.cursor = told["cursor"]
        if "reason" in told:
            self.recording.items.append(Reset(place, told["reason"]))
            # What is missed is read anew, as a whole.
            self.cursor = None
        elif "type" in told:
            order = told["order"]
            self.recording.items.append(
                Told(
                    place, told["id"], order["id"] if order else "", told["version"], told["type"],
                    order["version"] if order else 0,
                )
            )  # fmt: skip
        else:
            self.recording.items.append(Checked(place))

    async def socket(
        self, session: aiohttp.ClientSession, gateway: Gateway, request: dict[str, Any]
    ) -> AsyncIterator[dict[str, Any]]:
        protocols = ["graphql-transport-ws"]
        async with session.ws_connect(f"{gateway.url}/graphql", protocols=protocols, timeout=WAIT) as socket:
            payload = {"Authorization": f"Bearer {self.token}"}
            await socket.send_json({"type": "connection_init", "payload": payload})
            while True:
                message = await socket.receive(timeout=SILENCE_SECONDS)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return
                said = message.json()
                match said["type"]:
                    case "connection_ack":
                        await socket.send_json({"id": "1", "type": "subscribe", "payload": request})
                    case "ping":
                        await socket.send_json({"type": "pong"})
                    case "next":
                        yield said["payload"]
                    case "error":
                        yield {"errors": said["payload"]}
                        return
                    case "complete":
                        return

    async def events(
        self, session: aiohttp.ClientSession, gateway: Gateway, request: dict[str, Any]
    ) -> AsyncIterator[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream"}
        quiet = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=SILENCE_SECONDS)
        async with session.post(f"{gateway.url}/graphql", json=request, headers=headers, timeout=quiet) as answer:
            if answer.status != 200:
                self.refusals.append(f"HTTP {answer.status}")
                return
            async for line in answer.content:
                if line.startswith(b"data:") and line[5:].strip():
                    yield json.loads(line[5:])


WAIT = aiohttp.ClientWSTimeout(ws_close=2)
