"""Why the embedded server does not start, each as one sentence a person can act on."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import domain.errors

CHOOSE_FOLDER = "set ORDERGRAPH_DATA_DIR to another folder"
CHOOSE_DATABASE = "set ORDERGRAPH_DATABASE_URL to a PostgreSQL server of yours"


class EmbeddedPostgresError(domain.errors.Unavailable):
    """The embedded PostgreSQL cannot be used; the message is one sentence with the way out."""


def disk_full(folder: Path) -> EmbeddedPostgresError:
    free = shutil.disk_usage(_nearest(folder)).free // 2**20
    return EmbeddedPostgresError(
        f"The disk that holds {folder} is full ({free} MB free, about 150 MB needed): "
        f"free some space or {CHOOSE_FOLDER}."
    )


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into a sentence about `folder`."""
    try:
        yield
    except OSError as error:
        raise _from_os(error, folder) from error


def _from_os(error: OSError, folder: Path) -> EmbeddedPostgresError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(folder)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return EmbeddedPostgresError(
            f"No permission to use {error.filename or folder} as data folder ({error.strerror}): "
            f"run as its owner or {CHOOSE_FOLDER}."
        )
    return EmbeddedPostgresError(f"The data folder {folder} cannot be used ({error}): {CHOOSE_FOLDER}.")


def _nearest(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
