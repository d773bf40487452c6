"""`make bench`: floor, gateway and Strawberry as documented, side by side on one database.

    python -m tests.benchmarks [--orders 100000] [--million] [--json PATH] [--quick]

docs/benchmarks.md has the method and the figures.
"""

import argparse
import asyncio
import contextlib
import os
import platform
import re
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import orjson

import db.pool
from tests.benchmarks import databases, questions
from tests.benchmarks.processes import Contender, client, contender, peak_memory, require_proc
from tests.benchmarks.questions import HOSTILE, PAGE, Question
from tests.benchmarks.report import Report
from tests.benchmarks.rounds import REFUSED, Meter

COMPARED = ("floor", "engine", "strawberry_documented")
CHECKED_ANSWERS = 20
MILLION = 1_000_000


def main() -> None:
    options = parsed()
    require_proc()
    report = asyncio.run(measured(options))
    print("\n".join(report.lines()))
    if options.json:
        options.json.write_bytes(orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--orders", type=int, default=100_000, help="orders in the database [100000]")
    parser.add_argument("--million", action="store_true", help="also load a million orders and compare one of them")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--quick", action="store_true", help="few orders, few rounds: to see that it works")
    options = parser.parse_args()
    options.rounds, options.seconds = (3, 0.4) if options.quick else (11, 1.5)
    options.orders = min(options.orders, 5_000) if options.quick else options.orders
    options.million = 10 * options.orders if options.million and options.quick else MILLION * options.million
    return options


async def measured(options: argparse.Namespace) -> Report:
    with databases.server() as server:
        dsn = await databases.filled(server, options.orders)
        report = Report(await machine(dsn))
        with contextlib.ExitStack() as stack:
            meter = await made(stack, dsn)
            contenders = [stack.enter_context(contender(name, dsn)) for name in COMPARED]
            await compare(meter, contenders, report, options)
        if options.million:
            await compare_sizes(server, dsn, report, options)
        return report


async def compare(meter: Meter, contenders: Sequence[Contender], report: Report, options: argparse.Namespace) -> None:
    """The main table."""
    engine = contenders[1]
    for question in (await questions.one(meter.connection), await questions.many(meter.connection)):
        check_equal(meter, contenders, question)
        await measure(meter, contenders, question, report, options)
    for question in (await questions.availability(meter.connection), await questions.promise(meter.connection)):
        await measure(meter, [engine], question, report, options)
    report.idle = {each.name: used for each, used in meter.idle.items()}
    report.memory = {each.name: peak_memory(each.pid) for each in contenders}
    report.cache = plan_cache(engine)
    for name in HOSTILE:
        print(f"Measuring: {name} ...", flush=True)
        found = await meter.compare({engine: questions.hostile(name)}, options.rounds, 0.2, status=REFUSED)
        report.refusals[name] = found[engine.name]


async def measure(
    meter: Meter, contenders: Sequence[Contender], question: Question, report: Report, options: argparse.Namespace
) -> None:
    print(f"Measuring: {question.meaning} ...", flush=True)
    report.meanings[question.name] = question.meaning
    report.results[question.name] = await meter.compare(
        dict.fromkeys(contenders, question), options.rounds, options.seconds
    )


def check_equal(meter: Meter, contenders: Sequence[Contender], question: Question) -> None:
    """All answer the same JSON, and it is as large as the question says."""
    first, *others = (meter.answers(each, question, CHECKED_ANSWERS) for each in contenders)
    for each, answers in zip(contenders[1:], others, strict=True):
        if answers != first:
            raise RuntimeError(f"{each.name} answers {question.name} otherwise than {contenders[0].name}.")
    for answer in first:
        assert isinstance(answer, dict)
        orders = answer["orders"]["nodes"] if "orders" in answer else [answer["order"]]
        assert len(orders) == (PAGE if "orders" in answer else 1)
        for order in orders:
            sizes = [len(order["lines"]), *(len(parcel["events"]) for parcel in order["shipments"])]
            assert sizes == [3, 3, 3], f"order {order['number']} has {sizes} lines and scans per shipment"


async def compare_sizes(server: str, small: str, report: Report, options: argparse.Namespace) -> None:
    """One order of many against one of ten times as many."""
    sizes = {"small": small, "large": await databases.filled(server, options.million)}
    report.sizes = (options.orders, options.million)
    for name in ("floor", "engine"):
        print(f"Measuring: one order of {options.orders:,} and of {options.million:,}, {name} ...", flush=True)
        with contextlib.ExitStack() as stack:
            meter = await made(stack, small)
            asked = {
                stack.enter_context(contender(name, dsn, f"{name} {size}")): await one_of(dsn)
                for size, dsn in sizes.items()
            }
            report.growth |= await meter.compare(asked, options.rounds, options.seconds)


async def one_of(dsn: str) -> Question:
    with contextlib.ExitStack() as stack:
        return await questions.one(await meter_connection(stack, dsn))


async def made(stack: contextlib.ExitStack, dsn: str) -> Meter:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ordergraph-bench-")))
    return Meter(stack.enter_context(client()), await meter_connection(stack, dsn), folder)


async def meter_connection(stack: contextlib.ExitStack, dsn: str) -> db.pool.OwnConnection:
    connection = await db.pool.connect(dsn, application="bench-meter", statement_seconds=0)
    stack.callback(connection.terminate)
    return connection


def plan_cache(engine: Contender) -> dict[str, float]:
    """Hits and misses of both steps, document and plan, as the gateway's own metrics count them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{engine.port}/metrics", timeout=10) as answer:
        shown = answer.read().decode()
    counted = dict(re.findall(r"^ordergraph_plan_(hits|misses)(?:_total)? (\S+)$", shown, re.MULTILINE))
    return {name: float(counted[name]) for name in ("hits", "misses")}


async def machine(dsn: str) -> str:
    version = await databases.fetch(dsn, "SHOW server_version")
    return (
        f"{os.cpu_count()} CPUs ({cpu_model()}), {platform.system()}, Python {platform.python_version()}, "
        f"PostgreSQL {version} on the same machine; load average {os.getloadavg()[0]:.1f} before the run."
    )


def cpu_model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


if __name__ == "__main__":
    main()
