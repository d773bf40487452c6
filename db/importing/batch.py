"""Orders on their way into the store together: what was built of their rows, and what was decided on each."""

import dataclasses
import uuid
from collections.abc import Mapping

from db.importing.building import StagedRow
from db.importing.drafts import LineDraft, OrderDraft
from db.importing.errors import Problem
from db.importing.ledger import Said, digest
from db.importing.rows import Found
from db.importing.staging import Outcome


@dataclasses.dataclass(frozen=True)
class Batch:
    """By key. An order has an outcome, or its rows are among the problems."""

    rows: Mapping[str, list[StagedRow]]
    drafts: dict[str, OrderDraft] = dataclasses.field(default_factory=dict)
    digests: dict[str, bytes] = dataclasses.field(default_factory=dict)
    outcomes: dict[str, Outcome] = dataclasses.field(default_factory=dict)
    problems: list[Problem] = dataclasses.field(default_factory=list)

    def refuse(self, key: str, reason: str, *, value: str | None = None) -> None:
        """Refuse all rows of an order."""
        self.drafts.pop(key, None)
        self.outcomes.pop(key, None)
        self.problems.extend(Problem(row.number, None, value, reason) for row in self.rows[key])

    def lines(self) -> list[tuple[str, LineDraft]]:
        return [(key, line) for key, draft in self.drafts.items() for line in draft.lines]

    def to_write(self) -> list[tuple[str, OrderDraft]]:
        """What is new or changed, in order of the key."""
        return sorted(
            ((key, draft) for key, draft in self.drafts.items() if self.outcomes[key] is not Outcome.UNCHANGED),
            key=lambda one: one[0],
        )

    def refuse_unknown_locations(self, found: Found) -> None:
        for key, line in self.lines():
            if line.location is not None and line.location not in found.locations and key in self.drafts:
                self.refuse(key, "ships from a location that is in no good row", value=line.location)

    def compare(
        self, said: Mapping[str, Said], owners: Mapping[str, uuid.UUID], found: Found, *, creates_items: bool
    ) -> None:
        """Decide by what the source said last, and by what has the number already (`owners`)."""
        claimed: dict[str, str] = {}
        for key, draft in sorted(self.drafts.items()):
            last, owner = said.get(key), owners.get(draft.number)
            # That an item has come to be known since changes the line, though the source says the same.
            links = b"" if creates_items else bytes(line.sku in found.items for line in draft.lines)
            self.digests[key] = digest(draft.canonical() + links)
            if owner is not None and (last is None or owner != last.entity_id):
                self.refuse(key, "has the number of an order that did not come from it", value=draft.number)
            elif claimed.setdefault(draft.number, key) != key:
                self.refuse(key, f"has the number of another order, {claimed[draft.number]}", value=draft.number)
            elif last is None:
                self.outcomes[key] = Outcome.LANDED
            elif last.digest == self.digests[key]:
                self.outcomes[key] = Outcome.UNCHANGED
            elif last.version == last.now:
                self.outcomes[key] = Outcome.UPDATED
            else:
                self.refuse(key, CHANGED_HERE, value=draft.number)


CHANGED_HERE = "says something new of an order that was changed here since it was imported"
