"""Orders of the files into the store, a batch in a transaction: what is new, what changed, what is refused and why."""

import uuid
from collections.abc import Mapping, Sequence

from db.importing import existing, writing
from db.importing.batch import CHANGED_HERE, Batch
from db.importing.building import Builder, Refusal
from db.importing.derived import derive
from db.importing.errors import Problem
from db.importing.ledger import Ledger, Said
from db.importing.mapping import ImportMapping
from db.importing.rows import Found, Setting, Sheets, Stored
from db.importing.staging import Outcome, Staging
from db.pool import Connection


class Orders:
    """Loads orders by one mapping; `names` are the files, as a reason names them."""

    def __init__(self, mapping: ImportMapping, setting: Setting, names: Sequence[str]) -> None:
        self._mapping = mapping
        self._builder = Builder(mapping)
        self._ledger = Ledger(mapping.source, mapping.channel.code, "ORDER")
        self._setting = setting
        self._names = names
        self.part = mapping.order.table

    async def load(self, connection: Connection, staging: Staging, keys: Sequence[str]) -> None:
        """The orders of `keys`, and what became of their rows."""
        batch = await self._built(staging, keys)
        lines = batch.lines()
        locations = {line.location for _, line in lines if line.location is not None}
        found = await existing.referred(connection, {line.sku for _, line in lines}, locations)
        batch.refuse_unknown_locations(found)
        owners = await existing.numbers(
            connection, self._setting.channel_id, [draft.number for draft in batch.drafts.values()]
        )
        said = await self._ledger.said(connection, keys)
        batch.compare(said, owners, found, creates_items=self._mapping.creates_items)
        stored = await self._locked(connection, batch, said)
        if batch.to_write():
            await self._write(connection, batch, found, stored)
        await self._mark(staging, batch)

    async def refuse(self, staging: Staging, key: str, reason: str) -> None:
        """One order that the store itself refuses."""
        rows = await staging.rows(self._mapping.order_tables, [key])
        await staging.mark({}, [Problem(row.number, None, None, reason) for row in rows[key]])

    async def _built(self, staging: Staging, keys: Sequence[str]) -> Batch:
        parts = self._mapping.order_tables
        batch = Batch(await staging.rows(parts, keys))
        lookup = await staging.lookup(self._builder.lookups(row for rows in batch.rows.values() for row in rows))
        broken = await staging.broken(parts, keys)
        to_blame: dict[str, int] = {}
        for key, rows in batch.rows.items():
            if key in broken:
                batch.refuse(key, self._companion(*broken[key]))
                continue
            try:
                batch.drafts[key] = self._builder.build(key, rows, lookup)
            except Refusal as refusal:
                batch.problems.extend(refusal.problems)
                to_blame[key] = refusal.problems[0].row
        places = await staging.places(list(to_blame.values()))
        for key, row in to_blame.items():
            batch.refuse(key, self._companion(*places[row]))
        return batch

    def _companion(self, file: int, line: int) -> str:
        """Why a good row is refused: an order lands whole or not at all."""
        return f"is good, but another row of its order is refused: {self._names[file]} line {line}"

    async def _locked(self, connection: Connection, batch: Batch, said: Mapping[str, Said]) -> dict[str, Stored]:
        """The orders that are to change, locked; one that changed in the last moment is refused."""
        ids = {key: said[key].entity_id for key, outcome in batch.outcomes.items() if outcome is Outcome.UPDATED}
        locked = await existing.lock(connection, list(ids.values())) if ids else {}
        stored = {key: locked[order] for key, order in ids.items() if order in locked}
        for key in ids:
            if key not in stored or stored[key].version != said[key].version:
                batch.refuse(key, CHANGED_HERE, value=batch.drafts[key].number)
        return stored

    async def _write(self, connection: Connection, batch: Batch, found: Found, stored: Mapping[str, Stored]) -> None:
        drafts = batch.to_write()
        found = await self._linked(connection, batch, found)
        carriers = {draft.handover.carrier for _, draft in drafts}
        await existing.make_carriers(connection, [code for code in carriers if code is not None])
        sheets = Sheets(self._setting, found)
        changed: list[uuid.UUID] = []
        for key, draft in drafts:
            known = stored.get(key)
            order, version = sheets.add(draft, derive(draft, self._setting.time_zone), known)
            sheets.rows["imported"].append(self._ledger.entry(key, order, batch.digests[key], version))
            if known is not None:
                changed.append(order)
        await writing.write(connection, sheets.rows, changed)

    async def _linked(self, connection: Connection, batch: Batch, found: Found) -> Found:
        """`found` with the items that are made of lines, where the mapping says so."""
        titles: dict[str, str] = {}
        for _, draft in batch.to_write() if self._mapping.creates_items else ():
            for line in draft.lines:
                if line.sku not in found.items:
                    titles[line.sku] = min(line.title, titles.get(line.sku, line.title))
        if not titles:
            return found
        await existing.make_items(connection, titles)
        made = await existing.referred(connection, titles, ())
        return Found({**found.items, **made.items}, found.locations)

    async def _mark(self, staging: Staging, batch: Batch) -> None:
        outcomes = {row.number: outcome for key, outcome in batch.outcomes.items() for row in batch.rows[key]}
        await staging.mark(outcomes, [problem for problem in batch.problems if problem.row not in outcomes])
        for outcome in (Outcome.LANDED, Outcome.UPDATED, Outcome.UNCHANGED):
            rows = [row for key, found in batch.outcomes.items() if found is outcome for row in batch.rows[key]]
            lent = {pair for pair in self._builder.lookups(rows) if pair[0] in self._mapping.looked_up}
            if lent:
                await staging.mark_used(lent, outcome)
