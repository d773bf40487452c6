"""What SQL of one field may know while a plan is made: the caller's rights, the arguments, and a place for binds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from domain.actor import Actor, RowScope
from resolvers.sources import Row
from resolvers.values import ABSENT, Value, Variables

Getter = Callable[[Variables, Actor], Any]


@dataclass(frozen=True, slots=True)
class Rights:
    """The part of an actor that shapes SQL. Two actors with equal rights share plans; what differs is bound."""

    scopes: frozenset[str]
    rows: RowScope
    some_channels: bool
    anonymous: bool

    @classmethod
    def of(cls, actor: Actor) -> "Rights":
        return cls(actor.scopes, actor.order_rows, actor.channels is not None, actor.role is None)

    @property
    def pii(self) -> bool:
        return "pii:read" in self.scopes


class Binds:
    """The bound parameters of one plan, by name, and how each gets its value at run time."""

    def __init__(self) -> None:
        self.getters: dict[str, Getter] = {}

    def add(self, getter: Getter, type_: Any) -> sa.BindParameter[Any]:
        name = f"p{len(self.getters)}"
        self.getters[name] = getter
        return sa.bindparam(name, type_=type_)


@dataclass(frozen=True, slots=True)
class Scope:
    rights: Rights
    binds: Binds
    arguments: Mapping[str, Value]
    # The row that the row of this field hangs from, such as the order of a line.
    around: Row | None = None

    def argument(self, name: str) -> Value:
        return self.arguments.get(name, ABSENT)

    def bind(self, value: Value, type_: Any, convert: Callable[[Any], Any] | None = None) -> sa.BindParameter[Any]:
        """A parameter with the content of `value`; `convert` raises BadInput for content that cannot be meant."""
        read = value.read
        if isinstance(type_, sa.ARRAY) or type_ is sa.Text:
            convert = storable if convert is None else chained(convert, storable)
        if convert is None:
            return self.binds.add(lambda variables, _: read(variables), type_)
        return self.binds.add(lambda variables, _: convert(read(variables)), type_)

    def actor(self, read: Callable[[Actor], Any], type_: Any) -> sa.BindParameter[Any]:
        """A parameter with something of the caller, such as the customer whose orders these are."""
        return self.binds.add(lambda _, actor: read(actor), type_)


def chained(first: Callable[[Any], Any], then: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: then(first(value))


def storable(value: Any) -> Any:
    """Text that PostgreSQL cannot hold (NUL, half a surrogate pair) equals nothing there: it travels as null."""
    if isinstance(value, list):
        return [storable(item) for item in value]
    if not isinstance(value, str) or (value.isascii() and "\x00" not in value):
        return value
    try:
        return None if b"\x00" in value.encode() else value
    except UnicodeEncodeError:
        return None
