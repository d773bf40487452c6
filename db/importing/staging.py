"""The rows of the files in a table of their own: joined there by key, each marked with what became of it.

Every row ends with an outcome, written in the transaction that landed it. So the counts add up, whatever happens to
the process, and an import that was killed goes on where no outcome is written yet.
"""

import dataclasses
import enum
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

import orjson

from db.importing.building import StagedRow
from db.importing.errors import Problem
from db.importing.mapping import ImportMapping
from db.importing.reading import Source
from db.pool import Connection

# ruff: noqa: S608  (the only name put into a statement is of the form NAME)

PREFIX = "import_rows_"
# Between two looks at how far the reading is.
TICK = 500


class Outcome(enum.StrEnum):
    """What became of a row."""

    LANDED = "LANDED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    REJECTED = "REJECTED"


@dataclasses.dataclass(frozen=True, slots=True)
class Reject:
    """A row as it goes to the file of rejects: `file` counts the files given."""

    file: int
    line: int
    column: str | None
    value: str | None
    reason: str


class Staging:
    """The table of one import."""

    def __init__(self, connection: Connection, name: str) -> None:
        assert name.startswith(PREFIX)
        assert name.replace("_", "").isalnum()
        self._connection = connection
        self.name = name

    @classmethod
    def named(cls, connection: Connection) -> "Staging":
        return cls(connection, f"{PREFIX}{uuid.uuid4().hex}")

    async def fill(self, sources: Sequence[Source], tick: Callable[[int], None]) -> int:
        """Make the table and copy all rows into it; how many. `tick` hears how many bytes are read.

        Unlogged: were the server to crash, the files would be read again. Room on each page for marking rows.
        """
        await self._connection.execute(
            f'CREATE UNLOGGED TABLE {self.name} (number integer, file integer, line integer, part text COLLATE "C",'
            ' key text COLLATE "C", cells text[], outcome text, problem text, problem_value text, reason text)'
            " WITH (fillfactor = 75)"
        )
        count = 0

        def records() -> Iterable[tuple[object, ...]]:
            nonlocal count
            for file, source in enumerate(sources):
                before = sum(done.read for done in sources[:file])
                for record in source.records():
                    count += 1
                    if count % TICK == 0:
                        tick(before + source.read)
                    outcome = Outcome.REJECTED if record.broken else None
                    told = (outcome, None, record.raw, record.broken)
                    yield (count, file, record.line, source.table.name, record.key, record.cells, *told)

        await self._connection.copy_records_to_table(self.name, records=records())
        await self._connection.execute(f"CREATE UNIQUE INDEX ON {self.name} (number)")
        await self._connection.execute(f"CREATE INDEX ON {self.name} (part, key)")
        await self._connection.execute(f"ANALYZE {self.name}")
        return count

    async def refuse_disagreeing(self, mapping: ImportMapping) -> None:
        """Rows of a key that differ, in tables where a key is one thing: nobody can say which is right."""
        parts = sorted(set(mapping.tables) - set(mapping.order_tables))
        await self._connection.execute(
            f"UPDATE {self.name} r SET outcome = 'REJECTED', problem = $2::jsonb ->> r.part, problem_value = r.key,"
            " reason = 'stands in ' || d.rows || ' rows that differ'"
            f" FROM (SELECT part, key, count(*) AS rows FROM {self.name} WHERE part = ANY($1) AND outcome IS NULL"
            " GROUP BY part, key HAVING count(DISTINCT cells) > 1) d WHERE r.part = d.part AND r.key = d.key",
            parts,
            orjson.dumps({part: mapping.tables[part].key for part in parts}).decode(),
        )

    async def is_whole(self, rows: int) -> bool:
        """Whether the table still holds the rows it was filled with."""
        if await self._connection.fetchval("SELECT to_regclass($1)", self.name) is None:
            return False
        return bool(await self._connection.fetchval(f"SELECT count(*) = $1 FROM {self.name}", rows))

    async def keys(self, part: str) -> int:
        """How many things of `part` wait."""
        return int(
            await self._connection.fetchval(
                f"SELECT count(DISTINCT key) FROM {self.name} WHERE part = $1 AND outcome IS NULL", part
            )
        )

    async def batches(self, part: str, size: int) -> AsyncIterator[list[str]]:
        """The keys of `part` that wait, in order."""
        after = ""
        while True:
            found = await self._connection.fetch(
                f"SELECT DISTINCT key FROM {self.name} WHERE part = $1 AND outcome IS NULL AND key > $2"
                " ORDER BY key LIMIT $3",
                part,
                after,
                size,
            )
            if not found:
                return
            keys = [row["key"] for row in found]
            yield keys
            after = keys[-1]

    async def rows(self, parts: Sequence[str], keys: Sequence[str]) -> dict[str, list[StagedRow]]:
        """Good rows of `parts` by their key, in the order of the files."""
        found = await self._connection.fetch(
            f"SELECT number, part, key, cells FROM {self.name}"
            " WHERE part = ANY($1) AND key = ANY($2) AND outcome IS NULL ORDER BY number",
            parts,
            keys,
        )
        grouped: dict[str, list[StagedRow]] = {}
        for row in found:
            grouped.setdefault(row["key"], []).append(StagedRow(row["number"], row["part"], row["cells"]))
        return grouped

    async def broken(self, parts: Sequence[str], keys: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Keys that a refused row of `parts` seems to belong to, with its file and line."""
        found = await self._connection.fetch(
            f"SELECT key, file, line FROM {self.name} WHERE part = ANY($1) AND key = ANY($2) AND outcome = 'REJECTED'",
            parts,
            keys,
        )
        return {row["key"]: (row["file"], row["line"]) for row in found}

    async def lookup(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
        """Cells by table and key; rows of a key agree, so any will do."""
        pairs = list(wanted)
        found = await self._connection.fetch(
            f"SELECT DISTINCT ON (r.part, r.key) r.part, r.key, r.cells FROM {self.name} r"
            " JOIN unnest($1::text[], $2::text[]) w (part, key) ON r.part = w.part AND r.key = w.key"
            " WHERE r.cells IS NOT NULL AND r.outcome IS DISTINCT FROM 'REJECTED'",
            [part for part, _ in pairs],
            [key for _, key in pairs],
        )
        return {(row["part"], row["key"]): row["cells"] for row in found}

    async def places(self, numbers: Sequence[int]) -> dict[int, tuple[int, int]]:
        """File and line of rows."""
        found = await self._connection.fetch(
            f"SELECT number, file, line FROM {self.name} WHERE number = ANY($1)", numbers
        )
        return {row["number"]: (row["file"], row["line"]) for row in found}

    async def mark(self, outcomes: Mapping[int, Outcome], problems: Iterable[Problem]) -> None:
        """Write down what became of rows; of several problems of a row the first."""
        told = {problem.row: problem for problem in reversed(list(problems))}
        numbers = [*outcomes, *(number for number in told if number not in outcomes)]
        await self._connection.execute(
            f"UPDATE {self.name} r SET outcome = u.outcome, problem = u.problem, problem_value = u.value,"
            " reason = u.reason FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[])"
            " u (number, outcome, problem, value, reason) WHERE r.number = u.number",
            numbers,
            [outcomes.get(number, Outcome.REJECTED) for number in numbers],
            [told[number].column if number in told else None for number in numbers],
            [told[number].value if number in told else None for number in numbers],
            [told[number].reason if number in told else None for number in numbers],
        )

    async def mark_used(self, wanted: Iterable[tuple[str, str]], outcome: Outcome) -> None:
        """Mark rows that lent their columns to an order; new beats changed beats unchanged."""
        pairs = list(wanted)
        await self._connection.execute(
            f"UPDATE {self.name} r SET outcome = $3 FROM unnest($1::text[], $2::text[]) w (part, key)"
            " WHERE r.part = w.part AND r.key = w.key AND r.cells IS NOT NULL"
            " AND (r.outcome IS NULL OR r.outcome = 'UNCHANGED' AND $3 <> 'UNCHANGED'"
            " OR r.outcome = 'UPDATED' AND $3 = 'LANDED')",
            [part for part, _ in pairs],
            [key for _, key in pairs],
            outcome,
        )

    async def refuse_left(self, parts: Sequence[str], reason: str) -> None:
        """Rows that nothing became of."""
        await self._connection.execute(
            f"UPDATE {self.name} SET outcome = 'REJECTED', reason = $2 WHERE part = ANY($1) AND outcome IS NULL",
            parts,
            reason,
        )

    async def counts(self) -> dict[tuple[str, Outcome], int]:
        found = await self._connection.fetch(
            f"SELECT part, outcome, count(*) AS rows FROM {self.name} GROUP BY part, outcome"
        )
        return {(row["part"], Outcome(row["outcome"])): row["rows"] for row in found}

    async def things(self, part: str) -> dict[Outcome, int]:
        """Keys of `part` by outcome; a key some of whose rows are refused is refused."""
        found = await self._connection.fetch(
            "SELECT outcome, count(*) AS things FROM ("
            "SELECT key, CASE WHEN bool_or(outcome = 'REJECTED') THEN 'REJECTED' ELSE min(outcome) END AS outcome"
            f" FROM {self.name} WHERE part = $1 AND key IS NOT NULL GROUP BY key) k GROUP BY outcome",
            part,
        )
        return {Outcome(row["outcome"]): row["things"] for row in found}

    async def rejects(self) -> AsyncIterator[Reject]:
        """All refused rows by file and line. Needs a transaction."""
        async for row in self._connection.cursor(
            f"SELECT file, line, problem, problem_value, reason FROM {self.name} WHERE outcome = 'REJECTED'"
            " ORDER BY file, line, number"
        ):
            yield Reject(row["file"], row["line"], row["problem"], row["problem_value"], row["reason"])

    async def drop(self) -> None:
        await self._connection.execute(f"DROP TABLE IF EXISTS {self.name}")
