"""What a pull yields: pages of records, with what could not be read beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from connectors.errors import BadPayload
from domain.records import Record

R_co = TypeVar("R_co", bound=Record, covariant=True)


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry that cannot be read: its id there, or its place on the page, and what is wrong with it."""

    reference: str
    error: BadPayload


@dataclass(frozen=True, slots=True)
class Read(Generic[R_co]):
    """What the entries of a payload say; one that cannot be read harms no other (`payload.each_read`)."""

    records: Sequence[R_co]
    unread: Sequence[Unread] = ()

    def whole(self) -> Sequence[R_co]:
        """For those who asked for nothing besides: raises BadPayload when there is an entry that cannot be read."""
        for one in self.unread:
            raise one.error
        return self.records


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a pull. `cursor` asks for the next part; None: that was all.

    A cursor survives a restart of ours, and changes of what is listed: it must not skip what did not change. A place in
    the order of change or of ids does that; a count of rows does only where rows never move towards the beginning.

    For those who wait: `listed` is how many orders, products or lines of the system are on this page, each of which may
    be several records; `total` how many the pull has in all, where the system says it cheaply, once or on each page.
    `unread` are those that no record could be made of: they are put aside, and the pull goes on.
    """

    records: Sequence[Record]
    cursor: str | None = None
    listed: int = 0
    total: int | None = None
    unread: Sequence[Unread] = ()

    @classmethod
    def of(cls, read: Read[Record], cursor: str | None, listed: int, total: int | None = None) -> "Page":
        return cls(read.records, cursor, listed, total, read.unread)
