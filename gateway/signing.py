"""The secret of our own tokens: given, or made once beside the embedded database."""

import os
import secrets

from db.embedded import DataFolder
from gateway.settings import Settings

FILE = "token-secret"


def with_secret(settings: Settings) -> Settings:
    """Settings that have a secret to sign with. With a database of the owner's nothing is made up: processes on
    several machines must share one secret, so there it stays unset and our own tokens are off."""
    if settings.token_secret is not None or settings.database_url is not None:
        return settings
    return settings.changed(token_secret=_made_once(DataFolder.claim(settings.data_dir)))


def _made_once(folder: DataFolder) -> str:
    """Of two processes that start at once one writes the file and both read it."""
    path = folder.path / FILE
    if not path.exists():
        draft = folder.path / f"{FILE}.{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_hex(32)}\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
