"""A real browser for tests: Chromium without a window, over its DevTools protocol."""

import asyncio
import contextlib
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """A page in Chromium, driven over its DevTools protocol; keeps every complaint and every address it asks for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.session: str | None = None
        self.numbers = itertools.count(1)
        self.replies: dict[int, asyncio.Future[Any]] = {}
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.reading = asyncio.create_task(self.read())

    async def read(self) -> None:
        async for message in self.socket:
            event = json.loads(message.data)
            if "id" in event:
                self.replies.pop(event["id"]).set_result(event)
            elif event["method"] == "Network.requestWillBeSent":
                self.requests.append(event["params"]["request"]["url"])
            elif event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
                self.complaints.append(json.dumps(event["params"])[:600])

    async def call(self, method: str, **params: Any) -> Any:
        number = next(self.numbers)
        reply = self.replies[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        await self.socket.send_json(message | ({"sessionId": self.session} if self.session else {}))
        answered = await asyncio.wait_for(reply, 10)
        assert "error" not in answered, answered
        return answered["result"]

    async def open(self, url: str) -> None:
        if self.session is None:
            target = await self.call("Target.createTarget", url="about:blank")
            attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
            self.session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, expression: str) -> None:
        for _ in range(200):
            if await self.value(expression):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"never true: {expression}; {self.complaints}")

    async def click(self, selector: str) -> None:
        await self.until(f"!!document.querySelector({selector!r})")
        box = f"JSON.stringify(document.querySelector({selector!r}).getBoundingClientRect())"
        place = json.loads(await self.value(box))
        where = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **where)


def devtools(folder: str) -> str:
    """The address Chromium writes into its folder once it listens; empty before that."""
    file = Path(folder, "DevToolsActivePort")
    lines = file.read_text().splitlines() if file.exists() else []
    return f"ws://127.0.0.1:{lines[0]}{lines[1]}" if len(lines) == 2 else ""


@contextlib.asynccontextmanager
async def browsing(http: aiohttp.ClientSession) -> AsyncIterator[Browser]:
    assert CHROMIUM is not None
    folder = tempfile.mkdtemp(prefix="ordergraph-chromium-")
    quiet = "--disable-background-networking --disable-component-update --disable-sync --disable-quic --no-first-run"
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", *quiet.split(), "--window-size=1400,900",
        f"--user-data-dir={folder}", "--remote-debugging-port=0", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(400):
            if address := devtools(folder):
                break
            await asyncio.sleep(0.05)
        async with http.ws_connect(address, max_msg_size=0) as socket:
            browser = Browser(socket)
            yield browser
            browser.reading.cancel()
    finally:
        process.kill()
        await process.wait()
        shutil.rmtree(folder, ignore_errors=True)
