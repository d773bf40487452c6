"""The tables that are printed, and the same as JSON."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.rounds import Result, Used, ratio

NAMES = {"floor": "floor", "engine": "engine", "strawberry_documented": "Strawberry"}


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio to reach: CPU of `these` over CPU of `those`, at most or at least `bound`."""

    question: str
    these: str
    those: str
    bound: float
    at_most: bool

    @property
    def wanted(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.bound:g}"

    def reached(self, figure: float) -> bool:
        return figure <= self.bound if self.at_most else figure >= self.bound


TARGETS = (
    Target("one", "engine", "floor", 1.4, at_most=True),
    Target("many", "engine", "floor", 1.3, at_most=True),
    Target("one", "strawberry_documented", "engine", 8, at_most=False),
    Target("many", "strawberry_documented", "engine", 40, at_most=False),
)
MOST_REFUSAL = 0.005
MOST_GROWTH = 1.3


@dataclass(slots=True)
class Report:
    machine: str
    meanings: dict[str, str] = field(default_factory=dict)
    results: dict[str, dict[str, Result]] = field(default_factory=dict)
    refusals: dict[str, Result] = field(default_factory=dict)
    idle: dict[str, Used] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    cache: dict[str, float] = field(default_factory=dict)
    sizes: tuple[int, int] = (0, 0)
    growth: dict[str, Result] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        yield from ("", self.machine, "")
        yield from table(self.figures())
        yield from ("", "CPU per request in microseconds (medians of the rounds); latencies at 4 connections.", "")
        yield from table(self.ratios())
        yield from ("", *self.facts())

    def figures(self) -> Iterator[Sequence[str]]:
        yield ("question", "answered by", "gateway", "database", "sum", "requests/s", "p50 ms", "p99 ms")
        for question, contenders in self.results.items():
            for name, result in contenders.items():
                cpu = (result.gateway, result.database, result.both)
                yield (
                    self.meanings[question] if name == next(iter(contenders)) else "",
                    NAMES.get(name, name),
                    *(micro(statistics.median(each)) for each in cpu),
                    f"{statistics.median(result.rate):,.0f}",
                    *(f"{result.percentile(percent) * 1e3:.2f}" for percent in (50, 99)),
                )

    def ratios(self) -> Iterator[Sequence[str]]:
        yield ("CPU ratio", "gateway + database", "gateway alone", "wanted", "")
        for target in TARGETS:
            these, those = (self.results[target.question][name] for name in (target.these, target.those))
            both, alone = ratio(these.both, those.both), ratio(these.gateway, those.gateway)
            verdict = verdict_of(target.reached(both), target.reached(alone))
            named = f"{target.question}: {NAMES[target.these]} / {NAMES[target.those]}"
            yield (named, f"{both:.2f}", f"{alone:.2f}", target.wanted, verdict)

    def facts(self) -> Iterator[str]:
        for name, result in self.refusals.items():
            used = statistics.median(result.both)
            yield f"Refused, {name}: {used * 1e3:.2f} ms CPU (wanted <= 5 ms: {said(used <= MOST_REFUSAL)})."
        hits, looks = self.cache["hits"], self.cache["hits"] + self.cache["misses"]
        yield f"Plan cache: {hits:,.0f} hits of {looks:,.0f} looks, {hits / looks:.3%}."
        idle = ", ".join(
            f"{NAMES[name]} {(used.gateway + used.database) * 1e3:.1f}" for name, used in self.idle.items()
        )
        yield f"Idle, not counted above, in ms CPU per second: {idle}."
        peaks = ", ".join(f"{NAMES[name]} {used / 2**20:.0f} MiB" for name, used in self.memory.items())
        yield f"Peak memory of the process: {peaks}."
        yield from self.growth_facts()

    def growth_facts(self) -> Iterator[str]:
        for name in ("floor", "engine") if self.growth else ():
            small, large = self.growth[f"{name} small"], self.growth[f"{name} large"]
            cpu, p50 = ratio(large.both, small.both), large.percentile(50) / small.percentile(50)
            verdict = f" (wanted <= {MOST_GROWTH}: {said(cpu <= MOST_GROWTH)})" if name == "engine" else ""
            few, many = (micro(statistics.median(result.both)) for result in (small, large))
            yield (
                f"One order, {name}: {many} µs CPU of {self.sizes[1]:,} orders, {few} of {self.sizes[0]:,}: "
                f"{cpu:.2f} times{verdict}; p50 {p50:.2f} times."
            )

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": self.machine,
            "questions": {name: summaries(results) for name, results in self.results.items()},
            "ratios": list(self.ratios())[1:],
            "refused": summaries(self.refusals),
            "idle": {name: {"gateway": used.gateway, "database": used.database} for name, used in self.idle.items()},
            "memory": self.memory,
            "plan_cache": self.cache,
            "growth": summaries(self.growth),
        }


def summaries(results: Mapping[str, Result]) -> dict[str, Any]:
    return {
        name: {
            "gateway_seconds": result.gateway,
            "database_seconds": result.database,
            "requests_per_second": result.rate,
            "requests": len(result.latencies),
            "p50_seconds": result.percentile(50),
            "p99_seconds": result.percentile(99),
        }
        for name, result in results.items()
    }


def table(rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest entry: words to the left, figures to the right."""
    found = [list(row) for row in rows]
    widths = [max(len(row[column]) for row in found) for column in range(len(found[0]))]
    words = [not any(part[:1].isdigit() for part in column) for column in zip(*found[1:], strict=True)]
    words[0] = True
    for row in found:
        parts = zip(row, widths, words, strict=True)
        yield "  ".join(part.ljust(width) if word else part.rjust(width) for part, width, word in parts).rstrip()


def micro(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f}"


def said(yes: bool) -> str:
    return "yes" if yes else "NO"


def verdict_of(both: bool, alone: bool) -> str:
    if both == alone:
        return said(both)
    return f"sum {said(both)}, gateway alone {said(alone)}"
