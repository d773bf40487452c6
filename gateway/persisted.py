"""Automatic persisted queries: a client sends the SHA-256 of a document it sent before instead of the document.

The words and codes are Apollo's (`gateway.errors`). Only documents that were answered are kept, so that nobody fills
the store with rubbish; it holds a bounded number of characters, least recently used out first.
"""

import collections
import hashlib
import re
from collections.abc import Mapping
from typing import Final

from gateway.errors import (
    MalformedRequest,
    PersistedQueryHashMismatch,
    PersistedQueryNotFound,
    PersistedQueryNotSupported,
)

SHA256: Final = re.compile("[0-9a-f]{64}")


class PersistedQueries:
    def __init__(self, characters: int = 4_000_000) -> None:
        self.room = characters
        self.documents: collections.OrderedDict[str, str] = collections.OrderedDict()

    def document(self, sha256: str) -> str:
        try:
            self.documents.move_to_end(sha256)
        except KeyError:
            raise PersistedQueryNotFound from None
        return self.documents[sha256]

    def keep(self, sha256: str, document: str) -> None:
        if sha256 in self.documents or len(document) > self.room:
            return
        self.documents[sha256] = document
        self.room -= len(document)
        while self.room < 0:
            _, oldest = self.documents.popitem(last=False)
            self.room += len(oldest)


def resolve(query: str | None, extension: object, store: PersistedQueries | None) -> tuple[str, str | None]:
    """The document an operation means, and the hash to keep it under once it has been answered.

    `store` None is switched off: then a hash beside a whole document is ignored, a hash alone cannot be served.
    """
    if store is None:
        if query is None:
            raise PersistedQueryNotSupported
        return query, None
    sha256 = requested(extension)
    if query is None:
        return store.document(sha256), None
    if hashlib.sha256(query.encode()).hexdigest() != sha256:
        raise PersistedQueryHashMismatch
    return query, sha256


def requested(extension: object) -> str:
    if not isinstance(extension, Mapping) or extension.get("version") != 1:
        raise MalformedRequest('extensions.persistedQuery must be {"version": 1, "sha256Hash": "..."}.')
    sha256 = extension.get("sha256Hash")
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
        raise MalformedRequest("extensions.persistedQuery.sha256Hash must be 64 lower-case hexadecimal digits.")
    return sha256
