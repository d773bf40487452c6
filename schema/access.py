"""Access that is withdrawn."""

import datetime as dt

import strawberry

from domain.revocation import Revoked

strawberry.enum(Revoked, name="RevokedKind", description="What a revocation names.")


@strawberry.type(description="Access that was withdrawn before its time.")
class Revocation:
    id: strawberry.ID = strawberry.field(description="Its id; an entry ACCESS_REVOKED of the log names it.")
    kind: Revoked = strawberry.field(description="Whether one token is meant or all of an actor.")
    name: str = strawberry.field(description="The token's id, or the actor.")
    revoked_at: dt.datetime = strawberry.field(description="Tokens of the actor issued up to then do not hold.")
