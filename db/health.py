"""Whether the database answers in time and has the shape that this version of Ordergraph expects."""

import asyncio

import asyncpg
from alembic.script import ScriptDirectory

import db.migrate
import db.pool
from db.pool import DatabaseError, Pool

PATIENCE_SECONDS = 1.0
REVISION = "SELECT version_num FROM alembic_version"
COMMIT = "SELECT current_setting('synchronous_commit')"


async def forgets(dsn: str) -> bool:
    """Whether a crash of the database may take back what it confirmed, and with it positions that clients have."""
    connection = await db.pool.connect(dsn, application="ordergraph doctor")
    try:
        return bool(await connection.fetchval(COMMIT) == "off")
    finally:
        await connection.close()


class Health:
    """Made once, because it reads the migrations' files."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.head = db.migrate.head()
        scripts = ScriptDirectory(str(db.migrate.FOLDER))
        self.known = {script.revision for script in scripts.walk_revisions()}

    async def trouble(self) -> str | None:
        """What is wrong, in a sentence for who runs this; None when nothing is."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                revision = await self.pool.fetchval(REVISION)
        except TimeoutError:
            return f"The database did not answer within {PATIENCE_SECONDS:g} s."
        except asyncpg.UndefinedTableError:
            return "The database was never migrated: run `ordergraph migrate`."
        except (OSError, *DatabaseError) as error:
            return f"The database cannot be reached ({type(error).__name__})."
        # One that we do not know was made by a newer version, which replaces us just now and keeps us working.
        if revision != self.head and (revision is None or revision in self.known):
            return f"The database is at revision {revision}, this version needs {self.head}: run `ordergraph migrate`."
        return None
