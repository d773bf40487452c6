"""What an import amounts to: rows by table and outcome, orders by outcome, and how the orders of the source stand."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from db.importing.mapping import ImportMapping
from db.importing.staging import Outcome, Staging
from db.pool import Connection

_STANDING = """
WITH ours AS (
    SELECT o.id, o.status, o.attention FROM imported m JOIN orders o ON o.id = m.entity_id
    WHERE m.source = $1 AND m.channel = $2 AND m.kind = 'ORDER'
)
SELECT 'status' AS kind, status AS word, count(*) AS orders FROM ours GROUP BY status
UNION ALL
SELECT 'attention', flag, count(*) FROM ours, unnest(attention) flag GROUP BY flag
UNION ALL
SELECT 'without', 'lines', count(*) FROM ours
WHERE NOT EXISTS (SELECT FROM order_lines l WHERE l.order_id = ours.id) HAVING count(*) > 0
ORDER BY orders DESC, word
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """`counts` are rows; `standing` counts all orders of the source in the channel, by `status`, flag of `attention`,
    and what they are `without`. `resumed`: an earlier process did a part of it; `dry`: nothing was changed."""

    tables: tuple[str, ...]
    counts: Mapping[tuple[str, Outcome], int]
    orders: Mapping[Outcome, int]
    standing: Mapping[tuple[str, str], int]
    rejects: Path | None = None
    seconds: float = 0.0
    resumed: bool = False
    dry: bool = False

    def rows(self, table: str | None = None, outcome: Outcome | None = None) -> int:
        """Rows, of one table or all, of one outcome or all."""
        return sum(
            count
            for (part, became), count in self.counts.items()
            if table in (None, part) and outcome in (None, became)
        )


async def of(connection: Connection, mapping: ImportMapping, staging: Staging) -> Summary:
    standing = await connection.fetch(_STANDING, mapping.source, mapping.channel.code)
    return Summary(
        tables=tuple(mapping.tables),
        counts=await staging.counts(),
        orders=await staging.things(mapping.order.table),
        standing={(row["kind"], row["word"]): row["orders"] for row in standing},
    )
