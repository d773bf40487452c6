"""What can go wrong before or during an import as a whole; a single bad row is a `Problem` and ends nothing."""

import dataclasses

from domain.errors import BadInput, Conflict


class BadMapping(BadInput):
    """The mapping itself is wrong: nothing was read."""


class BadFiles(BadInput):
    """The files are not those the mapping describes: nothing was imported."""


class AlreadyRunning(Conflict):
    """Another import of the same source into the same channel holds the lock."""


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """Why a row was refused. `row` is its number in the staging table, `value` what stood in `column`."""

    row: int
    column: str | None
    value: str | None
    reason: str
