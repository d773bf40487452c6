"""Rounds of requests, interleaved between contenders, so that what else the machine does hits all of them."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import orjson

from db.pool import Connection
from tests.benchmarks import engine
from tests.benchmarks.processes import Client, Contender, backend_seconds, cpu_seconds
from tests.benchmarks.questions import Question

CONNECTIONS = 4
MOST_SECONDS = 120.0
IDLE_SECONDS = 3.0
REFUSED = 400
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Used:
    """CPU in seconds: of the contender's process, and of the database's processes that serve its pool."""

    gateway: float
    database: float


@dataclass(slots=True)
class Result:
    """What one contender used for one question; CPU in seconds per request, a figure per round."""

    gateway: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    @property
    def both(self) -> list[float]:
        return [gateway + database for gateway, database in zip(self.gateway, self.database, strict=True)]

    def percentile(self, percent: int) -> float:
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


def ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """The median over the rounds, so that each pair ran within seconds of one another."""
    return statistics.median(this / that for this, that in zip(these, those, strict=True))


class Meter:
    """Runs jobs and reads what they used; through `connection` it finds the database's processes."""

    def __init__(self, client: Client, connection: Connection, folder: Path) -> None:
        self.client = client
        self.connection = connection
        self.folder = folder
        self.files: list[tuple[Question, str]] = []
        self.idle: dict[Contender, Used] = {}
        self.token = engine.token()

    def file(self, question: Question) -> str:
        """The bodies, one per line, where the client reads them once."""
        for known, path in self.files:
            if known is question:
                return path
        path = str(self.folder / f"{len(self.files)}.json")
        Path(path).write_text("\n".join(question.bodies), encoding="utf-8")
        self.files.append((question, path))
        return path

    def answers(self, contender: Contender, question: Question, count: int) -> list[object]:
        """The data of the first answers, parsed."""
        done = self.ask(contender, question, 0, count, connections=1, keep=True)
        return [orjson.loads(answer)["data"] for answer in done["answers"]]

    def ask(
        self,
        contender: Contender,
        question: Question,
        start: int,
        count: int,
        *,
        status: int = 200,
        connections: int = CONNECTIONS,
        keep: bool = False,
    ) -> dict[str, Any]:
        done = self.client.run(
            port=contender.port, token=self.token, bodies=self.file(question), start=start, count=count,
            status=status, connections=connections, keep=keep, most_seconds=MOST_SECONDS,
        )  # fmt: skip
        if done["wrong"] is not None:
            raise RuntimeError(f"{contender.name} answered {question.name} with:\n{done['wrong']}")
        return done

    async def round(
        self, contender: Contender, question: Question, start: int, count: int, result: Result, *, status: int = 200
    ) -> None:
        done, used = await self.used(contender, lambda: self.ask(contender, question, start, count, status=status))
        idle = self.idle[contender]
        result.gateway.append((used.gateway - idle.gateway * done["took"]) / count)
        result.database.append((used.database - idle.database * done["took"]) / count)
        result.rate.append(count / done["took"])
        result.latencies += done["seconds"]

    async def used(self, contender: Contender, work: Callable[[], T]) -> tuple[T, Used]:
        """What a piece of work uses, whoever it is done for."""
        before, began = await backend_seconds(self.connection, contender.application), cpu_seconds(contender.pid)
        done = work()
        ended = cpu_seconds(contender.pid)
        after = await backend_seconds(self.connection, contender.application)
        return done, Used(ended - began, sum(used - before.get(pid, 0.0) for pid, used in after.items()))

    async def rest(self, contenders: Iterable[Contender]) -> None:
        """Find what each uses per second while nobody asks it, which is no part of a request."""
        for each in contenders:
            _, used = await self.used(each, lambda: time.sleep(IDLE_SECONDS))
            self.idle[each] = Used(used.gateway / IDLE_SECONDS, used.database / IDLE_SECONDS)

    async def compare(
        self, asked: Mapping[Contender, Question], rounds: int, seconds: float, *, status: int = 200
    ) -> dict[str, Result]:
        """`rounds` rounds of about `seconds` for each contender, after warming each up."""
        counts = {each: self.count(each, question, seconds, status) for each, question in asked.items()}
        await self.rest(each for each in asked if each not in self.idle)
        results = {each.name: Result() for each in asked}
        for number in range(rounds):
            turn = number % len(asked)
            for each in (*list(asked)[turn:], *list(asked)[:turn]):
                start = number * counts[each]
                await self.round(each, asked[each], start, counts[each], results[each.name], status=status)
        return results

    def count(self, contender: Contender, question: Question, seconds: float, status: int) -> int:
        """How many requests take that long, found by warming up: every plan is made, every connection is open."""
        count = 4 * CONNECTIONS
        while True:
            took: float = self.ask(contender, question, 0, count, status=status)["took"]
            if took >= seconds / 4:
                return max(CONNECTIONS, round(count * seconds / took))
            count *= 4
