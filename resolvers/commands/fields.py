"""Reading the JSON of one item: what GraphQL's types cannot say is checked here, and named by its path."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final

from domain.errors import BadInput
from events.inbox import FAR_AHEAD

Body = Mapping[str, Any]
LONGEST: Final = 512
MOST: Final = 1_000_000_000


class BadField(BadInput):
    """`path` leads to the field inside the item."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


def instant(body: Body, name: str) -> datetime.datetime | None:
    value = body.get(name)
    if value is None:
        return None
    found = datetime.datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise BadField(f"{name} has no time zone. Give an instant, such as 2026-11-23T09:00:00Z.", name)
    return found


def day(body: Body, name: str) -> datetime.date | None:
    value = body.get(name)
    return None if value is None else datetime.date.fromisoformat(value)


def word(body: Body, name: str) -> str:
    """A text that must hold something and may become a key."""
    value: str = body[name]
    if not value.strip() or len(value) > LONGEST or "\x00" in value:
        raise BadField(f"{name} is empty or longer than {LONGEST} characters.", name)
    return value


def text(body: Body, name: str, longest: int = 4 * LONGEST) -> str | None:
    value: str | None = body.get(name)
    if value is not None and (len(value) > longest or "\x00" in value):
        raise BadField(f"{name} is longer than {longest} characters or holds a NUL.", name)
    return value


def count(body: Body, name: str, default: int | None = 0) -> Any:
    """A quantity, zero or more; `default` where it is not given."""
    value = body.get(name)
    if value is None:
        return default
    if not 0 <= value <= MOST:
        raise BadField(f"{name} is {value}. Give 0 to {MOST} units.", name)
    return value


def positive(body: Body, name: str) -> int:
    value: int = count(body, name)
    if value < 1:
        raise BadField(f"{name} is {value}. Give at least one unit.", name)
    return value


def at_most(name: str, value: int | None, limit: int, limit_name: str) -> None:
    if value is not None and value > limit:
        raise BadField(f"{name} is {value}, more than {limit_name} ({limit}).", name)


def country(body: Body, name: str) -> str | None:
    value: str | None = body.get(name)
    if value is not None and not (len(value) == 2 and value.isascii() and value.isupper()):
        raise BadField(f"{name} is no ISO 3166 country: two capital letters, such as DE.", name)
    return value


def no_twice(refs: Iterable[str], name: str) -> None:
    seen: set[str] = set()
    for ref in refs:
        if ref in seen:
            raise BadField(f"{ref} stands twice in {name}. Name each once.", name)
        seen.add(ref)


def check_time(occurred_at: datetime.datetime, now: datetime.datetime) -> None:
    """A clock that runs ahead would make everything later look old."""
    if occurred_at > now + FAR_AHEAD:
        raise BadField("occurredAt is in the future. Check the clock of the source.", "occurredAt")
