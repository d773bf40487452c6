"""`ordergraph connector push`: an outside system is told all of our stock that it may know, and how far it is."""

import asyncio
import time
from typing import TYPE_CHECKING, Final

import typer

import db.stock_offers
from domain.errors import NotFound

if TYPE_CHECKING:
    from db.pool import Pool, Record
    from gateway.connector_work import ConnectorWork

SHOW_SECONDS: Final = 5.0
PROBLEMS: Final = 20


async def push(work: "ConnectorWork", name: str) -> None:
    """Ends with 1 when something was refused, given up, or cannot be told now; `serve` goes on with what waits."""
    pushing = work.pushing
    if name not in pushing.told:
        there = ", ".join(pushing.told) or "none"
        raise NotFound(f"{name} is told of no stock: push in its table says where. Told are: {there}.")
    await pushing.configure()
    total = await pushing.again(name)
    print(f"{name}: {total:,} to tell", flush=True)
    try:
        await _tell(work, name, total)
    finally:
        await pushing.leave()
    row = await _row(work.pool, name)
    print(f"{name}: {state(row)}")
    for one in await db.stock_offers.problems(work.pool, name, PROBLEMS):
        print(f"  {one['sku']} at {one['location']}: {one['why']}")
    if row["waiting"] or row["refused"] or row["dead"]:
        raise typer.Exit(1)


async def _tell(work: "ConnectorWork", name: str, total: int) -> None:
    """Until nothing waits, or it failed. Another process that is at it is watched."""
    shown = time.monotonic()
    while (row := await _row(work.pool, name))["waiting"]:
        told = await work.pushing.round(name)
        if told is None:
            return
        if time.monotonic() - shown > SHOW_SECONDS:
            shown = time.monotonic()
            print(f"{name}: {row['waiting']:,} of {total:,} still wait", flush=True)
        if not told:
            await asyncio.sleep(1)


async def _row(pool: "Pool", name: str) -> "Record":
    return next(row for row in await db.stock_offers.waiting(pool) if row["instance"] == name)


def state(row: "Record") -> str:
    """How far an instance is, in a line."""
    text = f"{row['told']:,} told, {row['waiting']:,} wait, {row['refused']:,} refused, {row['dead']:,} given up"
    if row["waiting_since"] is not None:
        text += f", oldest since {row['waiting_since']:%Y-%m-%d %H:%M:%S} UTC"
    if row["told_at"] is not None:
        text += f", last told {row['told_at']:%Y-%m-%d %H:%M:%S} UTC"
    return text + (f": {row['error']}" if row["error"] else "")
