"""Rows of one order put together: the draft, or every flaw that keeps it out. An order lands whole or not at all."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from db.importing import pricing, targets
from db.importing.cells import Cells, Flaw, Joined, Unforeseen
from db.importing.drafts import Handover, LineDraft, OrderDraft
from db.importing.errors import Problem
from db.importing.mapping import ImportMapping
from domain.line import IN_WORK, SHIPPED_OR_LATER
from domain.status import OrderLineStatus

# Found by table and key; rows of a key are one, as they must agree.
Lookup = Mapping[tuple[str, str], Sequence[str]]
HANDOVER = tuple(field.name for field in dataclasses.fields(Handover))


@dataclasses.dataclass(frozen=True, slots=True)
class StagedRow:
    """A row as it was read: its number in the staging table, the table it belongs to, the cells of kept columns."""

    number: int
    part: str
    cells: Sequence[str]


class Refusal(Exception):  # noqa: N818 (it carries what is wrong with one order; nothing failed)
    """The order cannot land; `problems` name the rows that are to blame."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__()
        self.problems = problems


class Builder:
    """Makes drafts by one mapping."""

    def __init__(self, mapping: ImportMapping) -> None:
        self._mapping = mapping
        self._cells = {kind: Cells(mapping, kind) for kind in ("order", "line", "payment") if kind in mapping.sections}

    def lookups(self, rows: Iterable[StagedRow]) -> set[tuple[str, str]]:
        """Tables and keys that must be at hand to build the orders of these rows."""
        wanted = set()
        for row in rows:
            for cells in self._cells.values():
                if cells.section.table == row.part:
                    wanted |= {(other, row.cells[pick.place]) for other, pick in cells.joins.items()}
        return wanted - {(other, "") for other in self._mapping.tables}

    def build(self, key: str, rows: Sequence[StagedRow], lookup: Lookup) -> OrderDraft:
        """The order of `key` from all its rows; Refusal otherwise."""
        order = self._cells["order"]
        own = [row for row in rows if row.part == order.section.table]
        problems: list[Problem] = []
        merged = _merge(order, own, problems)
        joined = self._join(order, merged, lookup, own, problems)
        found, flaws = order.read(merged, joined)
        currency = str(found.get("currency", self._mapping.currency))
        flaws += [*order.exact(found, currency), *_promise_flaws(found)]
        problems += blamed(own, flaws)
        lines = self._lines(rows, lookup, currency, problems)
        paid = self._payments(rows, currency, problems)
        if problems:
            raise Refusal(problems)
        return _draft(key, currency, found, order.text("stage", merged, joined), lines, paid)

    def _join(
        self, cells: Cells, own: Sequence[str], lookup: Lookup, rows: Sequence[StagedRow], problems: list[Problem]
    ) -> Joined:
        joined = {}
        for other, pick in cells.joins.items():
            found = lookup.get((other, own[pick.place]))
            if found is not None:
                joined[other] = found
            elif own[pick.place] and not self._mapping.tables[other].optional:
                flaw = Flaw(pick.label, own[pick.place], f"is in no good row of {other}")
                problems += blamed(rows, [flaw])
        return joined

    def _lines(
        self, rows: Sequence[StagedRow], lookup: Lookup, currency: str, problems: list[Problem]
    ) -> list[dict[str, Any]]:
        cells = self._cells.get("line")
        if cells is None:
            return []
        shared = cells.section.table == self._mapping.order.table
        own = [row for row in rows if row.part == cells.section.table and not (shared and cells.blank(row.cells))]
        found = []
        for row in _distinct(own, cells, "position", "source_line_id"):
            line, flaws = cells.read(row.cells, self._join(cells, row.cells, lookup, [row], problems))
            flaws += cells.exact(line, currency)
            if line.get("quantity") == 0:
                flaws.append(Flaw("quantity", "0", "is no quantity: a line has one unit or more"))
            problems += blamed([row], flaws)
            found.append(line | {"row": row})
        if cells.has("position"):
            _check_positions(found, problems)
        return found

    def _payments(self, rows: Sequence[StagedRow], currency: str, problems: list[Problem]) -> list[dict[str, Any]]:
        cells = self._cells.get("payment")
        if cells is None:
            return []
        own = [row for row in rows if row.part == cells.section.table]
        paid = []
        for row in _distinct(own, cells, "id"):
            payment, flaws = cells.read(row.cells, {})
            problems += blamed([row], [*flaws, *cells.exact(payment, currency)])
            paid.append(payment)
        return paid


def _draft(
    key: str,
    currency: str,
    found: dict[str, Any],
    word: str,
    lines: list[dict[str, Any]],
    paid: list[dict[str, Any]],
) -> OrderDraft:
    handover = Handover(**{name: found.get(name) for name in HANDOVER})
    fallback = found.get("stage") or _stage_by_dates(handover)
    made = _in_order(_staged(line, fallback, cancelled="cancelled_at" in found) for line in lines)
    # Goods that are worked on were accepted, whoever forgot to write down when.
    accepted = found.get("accepted") is True or any(line.stage in SHIPPED_OR_LATER | IN_WORK for line in made)
    amounts, financial_status = pricing.order_amounts(found, made, paid)
    latest: datetime.date | None = found.get("promise_latest")
    return OrderDraft(
        key=key,
        number=found["number"],
        placed_at=found["placed_at"],
        accepted_at=found.get("accepted_at", found["placed_at"] if accepted else None),
        cancelled=fallback is OrderLineStatus.CANCELLED or "cancelled_at" in found,
        foreseen=not any(isinstance(stage, Unforeseen) for stage in _told(lines, fallback)),
        source_status=found.get("source_status") or word or None,
        financial_status=financial_status,
        currency=currency,
        amounts=amounts,
        promise=(found.get("promise_earliest"), latest) if latest is not None else None,
        handover=handover,
        plain={name: found[name] for name in targets.PLAIN_ORDER_COLUMNS if name in found},
        lines=made,
    )


def _told(lines: Iterable[Mapping[str, Any]], fallback: object) -> list[object]:
    """What every line is said to be, or the order when it has none."""
    return [line.get("stage", fallback) for line in lines] or [fallback]


def _staged(line: Mapping[str, Any], fallback: object, *, cancelled: bool) -> LineDraft:
    stage = line.get("stage", fallback)
    stage = stage if isinstance(stage, OrderLineStatus) else OrderLineStatus.CREATED
    # What is on its way or there stays so; only the rest can be cancelled.
    return pricing.line(line, OrderLineStatus.CANCELLED if cancelled and stage not in SHIPPED_OR_LATER else stage)


def _in_order(lines: Iterable[LineDraft]) -> tuple[LineDraft, ...]:
    """By position where there is one, else by what they say, which is the same however the rows were shuffled."""
    ordered = sorted(lines, key=lambda line: (line.position, line.sku, line.title, repr(line)))
    if all(line.position for line in ordered):
        return tuple(ordered)
    return tuple(dataclasses.replace(line, position=place) for place, line in enumerate(ordered, 1))


def _stage_by_dates(handover: Handover) -> OrderLineStatus:
    if handover.delivered_at is not None:
        return OrderLineStatus.DELIVERED
    return OrderLineStatus.SHIPPED if handover.handed_over_at is not None else OrderLineStatus.CREATED


def _promise_flaws(found: Mapping[str, Any]) -> list[Flaw]:
    earliest, latest = found.get("promise_earliest"), found.get("promise_latest")
    if earliest is None or latest is None or earliest <= latest:
        return []
    return [Flaw("promise_earliest", str(earliest), f"is after the last day promised, {latest}")]


def blamed(rows: Iterable[StagedRow], flaws: Sequence[Flaw]) -> list[Problem]:
    """One flaw is enough to refuse a row."""
    return [Problem(row.number, flaw.column, flaw.value, flaw.reason) for row in rows for flaw in flaws[:1]]


def _merge(cells: Cells, rows: Sequence[StagedRow], problems: list[Problem]) -> Sequence[str]:
    """One row from several that must not contradict each other; a blank contradicts nothing."""
    if len(rows) == 1:
        return rows[0].cells
    merged = list(rows[0].cells)
    for place in cells.own:
        told = sorted({row.cells[place] for row in rows} - {""})
        merged[place] = told[0] if told else ""
        if len(told) > 1:
            reason = f"differs among the {len(rows)} rows of this order: {' and '.join(told[:3])}"
            problems += [Problem(row.number, cells.label(place), row.cells[place], reason) for row in rows]
    return merged


def _distinct(rows: Iterable[StagedRow], cells: Cells, *names: str) -> list[StagedRow]:
    """A row that stands there twice, word for word, was exported twice, if one of `names` tells it from its twin."""
    seen: dict[object, StagedRow] = {}
    for row in rows:
        told = any(cells.text(name, row.cells, {}) for name in names)
        seen.setdefault(tuple(row.cells) if told else row.number, row)
    return list(seen.values())


def _check_positions(lines: Iterable[Mapping[str, Any]], problems: list[Problem]) -> None:
    seen: dict[object, StagedRow] = {}
    for line in lines:
        row, position = cast(StagedRow, line["row"]), line.get("position")
        other = seen.setdefault(position, row)
        if position is not None and other is not row:
            reason = "is the position of two lines that differ"
            problems += [Problem(one.number, "position", str(position), reason) for one in (other, row)]
