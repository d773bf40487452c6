"""How far a long command is: a bar on a terminal, else a line every few seconds; on stderr, away from the results."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import rich.progress

LINE_SECONDS = 5.0


class Shown(Protocol):
    def phase(self, name: str, total: int) -> None: ...
    def done(self, amount: int) -> None: ...


class Bar:
    """One bar per phase."""

    def __init__(self, progress: "rich.progress.Progress") -> None:
        self._progress = progress
        self._task: rich.progress.TaskID | None = None

    def phase(self, name: str, total: int) -> None:
        self._task = self._progress.add_task(name, total=total)

    def done(self, amount: int) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=amount)


class Lines:
    """A line when a phase begins, and one every LINE_SECONDS while it lasts."""

    def __init__(self) -> None:
        self._name = ""
        self._total = 0
        self._due = 0.0

    def phase(self, name: str, total: int) -> None:
        self._name, self._total = name, total
        self._tell(f"{name}: {total:,}")

    def done(self, amount: int) -> None:
        if time.monotonic() >= self._due:
            self._tell(f"{self._name}: {amount:,} of {self._total:,}")

    def _tell(self, line: str) -> None:
        self._due = time.monotonic() + LINE_SECONDS
        print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def shown() -> Iterator[Shown]:
    if not sys.stderr.isatty():
        yield Lines()
        return
    import rich.console
    import rich.progress

    columns = (
        rich.progress.TextColumn("{task.description:>10}"),
        rich.progress.BarColumn(),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeRemainingColumn(elapsed_when_finished=True),
    )
    with rich.progress.Progress(*columns, console=rich.console.Console(stderr=True)) as progress:
        yield Bar(progress)


class Amounts(Protocol):
    """How far a pull is: `listed` of `total`, if that is known, which are so many `records` of ours."""

    @property
    def listed(self) -> int: ...
    @property
    def records(self) -> int: ...
    @property
    def total(self) -> int | None: ...


class Pace:
    """Says how far a pull is, at what rate in this run, and how long it still takes where that can be known."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        # What an earlier run has done says nothing of how quick this one is.
        self._before: tuple[int, int] | None = None

    def told(self, now: Amounts) -> str:
        listed, records = self._before = self._before or (now.listed, now.records)
        seconds = max(self._clock() - self._began, 0.001)
        if now.total is None:
            rate = (now.records - records) / seconds
            return f"{now.records:,} records, {rate:,.0f}/s"
        rate = (now.listed - listed) / seconds
        parts = [f"{now.listed:,} of {whole(now):,} ({now.records:,} records), {rate:,.0f}/s"]
        return ", ".join(parts + ([f"{clock_time((whole(now) - now.listed) / rate)} left"] if rate else []))


def whole(now: Amounts) -> int:
    """What is asked for may have grown meanwhile: then it is never more than all."""
    return max(now.total or 0, now.listed)


def clock_time(seconds: float) -> str:
    return f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02}:{int(seconds % 60):02}"


class PullLines:
    """A line every LINE_SECONDS."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._pace = Pace(clock)
        self._due = clock() + LINE_SECONDS

    def __call__(self, now: Amounts) -> None:
        line = self._pace.told(now)
        if self._clock() >= self._due:
            self._due = self._clock() + LINE_SECONDS
            print(f"{self._name}: {line}", file=sys.stderr, flush=True)


class PullBar:
    """A bar that fills where there is a total, and only moves where there is none."""

    def __init__(self, progress: "rich.progress.Progress", name: str) -> None:
        self._progress = progress
        self._pace = Pace()
        self._task = progress.add_task(name, total=None, told="")

    def __call__(self, now: Amounts) -> None:
        total = None if now.total is None else whole(now)
        self._progress.update(self._task, total=total, completed=now.listed, told=self._pace.told(now))


@contextlib.contextmanager
def pulled(name: str) -> Iterator[Callable[[Amounts], None]]:
    """Shows where a pull stands, each time it is told; what is shown on a terminal is gone afterwards."""
    if not sys.stderr.isatty():
        yield PullLines(name)
        return
    import rich.console
    import rich.progress

    columns = (
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.BarColumn(),
        rich.progress.TextColumn("{task.fields[told]}", markup=False),
    )
    console = rich.console.Console(stderr=True)
    with rich.progress.Progress(*columns, console=console, transient=True) as progress:
        yield PullBar(progress, name)
