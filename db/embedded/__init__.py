"""A PostgreSQL of our own for demos, tests and small installations: our folder, our lock, our child process."""

from db.embedded.errors import EmbeddedPostgresError
from db.embedded.folder import DataFolder
from db.embedded.programs import Programs, look
from db.embedded.server import FAST_SETTINGS, EmbeddedPostgres

__all__ = ["FAST_SETTINGS", "DataFolder", "EmbeddedPostgres", "EmbeddedPostgresError", "Programs", "look"]
