"""A newcomer's first minute: `make demo`, a subscription in GraphiQL in a real browser, and `ordergraph watch`."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.gateway.browser import CHROMIUM, Browser, browsing
from tests.gateway.test_cli_demo import ROOT, demo

SUBSCRIPTION = "subscription { orderUpdates { ... on OrderChanged { type version order { number status } } } }"
EDITOR = "document.querySelector('.graphiql-query-editor .CodeMirror')"
HEADERS = "[...document.querySelectorAll('.graphiql-editor-tool .CodeMirror')]"
RESULT = "document.querySelector('.result-window .CodeMirror')"


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that the database's user can enter; pytest's own are closed to it."""
    with tempfile.TemporaryDirectory(prefix="ordergraph-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "data"


async def subscribe(browser: Browser, url: str, bearer: str) -> None:
    """As a person does: the page, a token among the headers, a subscription, the button."""
    await browser.open(f"{url}/graphql")
    await browser.until(f"!!{EDITOR} && {HEADERS}.some(one => one.CodeMirror.getValue().includes('Bearer'))")
    headers = json.dumps(json.dumps({"Authorization": f"Bearer {bearer}"}))
    await browser.value(
        f"{HEADERS}.find(one => one.CodeMirror.getValue().includes('Bearer')).CodeMirror.setValue({headers})"
    )
    await browser.value(f"{EDITOR}.CodeMirror.setValue({json.dumps(SUBSCRIPTION)})")
    # The page takes over what is typed after a moment.
    await asyncio.sleep(1)
    await browser.click(".graphiql-execute-button")


async def first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode()


@pytest.mark.interop
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
async def test_a_live_change_is_seen_in_graphiql_and_in_the_terminal(data: Path, free_port: int) -> None:
    began = time.monotonic()
    with demo(data, free_port) as one:
        print(f"make demo was ready after {time.monotonic() - began:.1f} s")
        watching = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway.cli", "watch", "--url", one.url, "--token", one.tokens["support"],
            cwd=ROOT, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(120), aiohttp.ClientSession() as http, browsing(http) as browser:
                await subscribe(browser, one.url, one.tokens["support"])
                for _ in range(6):
                    if await browser.value(f"!!{RESULT}?.CodeMirror.getValue().includes('\"number\"')"):
                        break
                    await asyncio.sleep(5)
                shown = json.loads(await browser.value(f"{RESULT}.CodeMirror.getValue()"))
                print(f"GraphiQL showed a change after {time.monotonic() - began:.1f} s")
                line = await first_line(watching)
                print(f"and so had the terminal after {time.monotonic() - began:.1f} s")
        finally:
            watching.kill()
            await watching.wait()
    # Which of the demo's changes it was is a matter of chance.
    changed = shown["data"]["orderUpdates"]
    assert changed["version"] >= 1
    assert set(changed["order"]) == {"number", "status"}
    assert "  v" in line
    assert browser.complaints == []
