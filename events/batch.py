"""Many items at once: those of different things side by side, those of one thing one after the other."""

import asyncio
import collections
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

# A batch takes no more connections than this from others.
AT_ONCE: Final = 4


async def side_by_side(
    items: Sequence[T], subject: Callable[[T], Hashable], work: Callable[[T], Awaitable[R]], at_once: int = AT_ONCE
) -> list[R]:
    """The results of `work` in the order of the items. The first error ends the others and is raised."""
    groups: dict[Hashable, list[int]] = {}
    for index, item in enumerate(items):
        groups.setdefault(subject(item), []).append(index)
    results: dict[int, R] = {}
    places = asyncio.Semaphore(at_once)

    async def one_by_one(indexes: Sequence[int]) -> None:
        async with places:
            for index in indexes:
                results[index] = await work(items[index])

    try:
        async with asyncio.TaskGroup() as tasks:
            for indexes in groups.values():
                tasks.create_task(one_by_one(indexes))
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
    return [results[index] for index in range(len(items))]


def waves(items: Sequence[T], subject: Callable[[T], Hashable], size: int, fewest: int = 1) -> list[list[list[T]]]:
    """Waves to follow one another, each of groups of at most `size`; in a wave, no subject comes twice.

    A wave of less than `fewest` items is one of groups of one.
    """
    found: list[list[T]] = []
    seen: collections.Counter[Hashable] = collections.Counter()
    for item in items:
        number = seen[key := subject(item)]
        seen[key] += 1
        if number == len(found):
            found.append([])
        found[number].append(item)
    return [cut(wave, size if len(wave) >= fewest else 1) for wave in found]


def cut(items: Sequence[T], size: int) -> list[list[T]]:
    """In groups of at most `size`."""
    return [list(items[at : at + size]) for at in range(0, len(items), size)]
