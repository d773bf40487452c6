"""Access that was withdrawn before its time: one token by its id, or all that an actor had until then."""

import datetime
import enum
from collections.abc import Iterable
from dataclasses import dataclass

from domain.actor import Actor


class Revoked(enum.StrEnum):
    """What a revocation names."""

    TOKEN = "TOKEN"  # noqa: S105  # a word, no secret
    ACTOR = "ACTOR"


@dataclass(frozen=True, slots=True)
class Revocation:
    """`name` is the id of a token (jti) or the subject of an actor; `revoked_at` is aware, by the database's clock."""

    kind: Revoked
    name: str
    revoked_at: datetime.datetime


class Revocations:
    """All that count, to look actors up in. An actor may come back with a token issued after the revocation."""

    def __init__(self, found: Iterable[Revocation] = ()) -> None:
        self.tokens: set[str] = set()
        self.actors: dict[str, datetime.datetime] = {}
        self.add(found)

    def add(self, found: Iterable[Revocation]) -> None:
        for one in found:
            if one.kind is Revoked.TOKEN:
                self.tokens.add(one.name)
            else:
                before = self.actors.get(one.name)
                self.actors[one.name] = one.revoked_at if before is None else max(before, one.revoked_at)

    def cover(self, actor: Actor) -> bool:
        """Whether this actor's access was withdrawn. Of whom we do not know since when they have it, it was."""
        if actor.token_id is not None and actor.token_id in self.tokens:
            return True
        revoked_at = self.actors.get(actor.subject)
        return revoked_at is not None and (actor.issued_at is None or actor.issued_at <= revoked_at)

    def __len__(self) -> int:
        return len(self.tokens) + len(self.actors)
