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


@contextlib.contextmanager
def counted(name: str) -> Iterator[Callable[[int], None]]:
    """For work whose end is not known: how much is done, on a terminal at each call, else every few seconds."""
    due = time.monotonic() + LINE_SECONDS
    terminal = sys.stderr.isatty()

    def show(amount: int) -> None:
        nonlocal due
        if terminal:
            print(f"\r{name}: {amount:,} records", end="", file=sys.stderr, flush=True)
        elif time.monotonic() >= due:
            due = time.monotonic() + LINE_SECONDS
            print(f"{name}: {amount:,} records", file=sys.stderr, flush=True)

    yield show
    if terminal:
        print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
