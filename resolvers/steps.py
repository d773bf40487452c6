"""What happens to the JSON of a statement before it is sent: computed values, live values, merged entities.

Most operations have no steps and their bytes are never parsed.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql import GraphQLError, GraphQLField, GraphQLObjectType, get_named_type
from graphql.language import ast

from resolvers.live import LiveRun
from resolvers.selection import Collector
from resolvers.sources import Computed, Inputs, Live, LiveCall
from resolvers.values import Read, Variables

Path = tuple[str, ...]
Project = Callable[[Any], Any]


@dataclass(slots=True)
class Run:
    """One execution on its way: what steps read, and where they leave errors and facts about sources."""

    variables: Variables
    now: dt.datetime
    live: LiveRun
    errors: list[GraphQLError] = field(default_factory=list)


class Step(Protocol):
    async def apply(self, data: dict[str, Any], run: Run) -> None: ...


async def apply(steps: Sequence[Step], data: dict[str, Any], run: Run) -> None:
    """Computed values first, for they may refuse the request; all live ones at once; then what moves them about."""
    for step in steps:
        if isinstance(step, ComputedStep):
            await step.apply(data, run)
    await asyncio.gather(*(step.apply(data, run) for step in steps if isinstance(step, LiveStep)))
    for step in steps:
        if isinstance(step, MergeStep):
            await step.apply(data, run)


def parents(data: Any, path: Path) -> Iterator[dict[str, Any]]:
    """Every object of the response that holds the last name of `path`; lists are walked, nulls end the walk."""
    found = [data]
    for name in path[:-1]:
        found = [child for parent in found for child in objects(parent.get(name))]
    return iter(found)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)


def arguments(reads: Mapping[str, Read], variables: Variables) -> dict[str, Any]:
    return {name: read(variables) for name, read in reads.items()}


@dataclass(frozen=True, slots=True)
class ComputedStep:
    path: Path
    source: Computed
    reads: Mapping[str, Read]
    project: Project

    async def apply(self, data: dict[str, Any], run: Run) -> None:
        name = self.path[-1]
        given = arguments(self.reads, run.variables)
        for parent in parents(data, self.path):
            parent[name] = self.project(self.source.compute(Inputs(parent[name], given, run.now)))


@dataclass(frozen=True, slots=True)
class LiveStep:
    """All rows of one live field in one batch; what came back is merged with what is stored."""

    path: Path
    source: Live
    reads: Mapping[str, Read]
    project: Project

    async def apply(self, data: dict[str, Any], run: Run) -> None:
        name = self.path[-1]
        given = arguments(self.reads, run.variables)
        holders = [parent for parent in parents(data, self.path) if parent.get(name) is not None]
        calls = [LiveCall(parent[name], given) for parent in holders]
        values = await run.live.values(self.source, self.path, calls)
        for parent, value in zip(holders, values, strict=True):
            parent[name] = self.project(value)


@dataclass(frozen=True, slots=True)
class MergeStep:
    """Makes one value of candidates that were found type by type: entities in order, or the node that is there."""

    path: Path
    merge: Callable[[Any, Run], Any]

    async def apply(self, data: dict[str, Any], run: Run) -> None:
        name = self.path[-1]
        for parent in parents(data, self.path):
            parent[name] = self.merge(parent[name], run)


Check = Callable[[GraphQLObjectType, str, GraphQLField], None]


def projector(collector: Collector, type_: Any, nodes: Sequence[ast.FieldNode], check: Check) -> Project:
    """A function from plain values keyed by GraphQL names to the JSON of a selection; `check` sees every field."""
    named = get_named_type(type_)
    if not isinstance(named, GraphQLObjectType):
        return leaf_projector(named.name)
    parts = []
    for key, same in collector.fields(named, nodes).items():
        name = same[0].name.value
        if name == "__typename":
            parts.append((key, name, constant(named.name)))
        else:
            check(named, name, named.fields[name])
            parts.append((key, name, projector(collector, named.fields[name].type, same, check)))

    def project(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, list | tuple):
            return [project(item) for item in value]
        return {key: part(value.get(name)) for key, name, part in parts}

    return project


def constant(value: str) -> Project:
    return lambda _: value


def leaf_projector(name: str) -> Project:
    if name != "DateTime":
        return lambda value: value

    def project(value: Any) -> Any:
        return instant(value) if isinstance(value, dt.datetime) else value

    return project


def instant(value: dt.datetime) -> str:
    """RFC 3339 in UTC with milliseconds, the one form in which instants leave the gateway."""
    return value.astimezone(dt.UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
