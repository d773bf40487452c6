"""What happened since, for clients that can only ask."""

import strawberry

from resolvers.fields import argument
from schema.subscription import OrderUpdate


@strawberry.type(description="What happened after a cursor, oldest first, and the cursor to go on from.")
class ChangePage:
    nodes: list[OrderUpdate] = strawberry.field(
        description="Changes of orders, or a Reset when what was missed cannot be told any more."
    )
    cursor: str = strawberry.field(description="Ask for what comes after this: nothing is missed, nothing told twice.")
    has_more: bool = strawberry.field(description="Whether there may be more already: ask again at once.")


FIRST = argument("first", int, "How many at most, 1 to 100.", default=20)
WAIT = argument(
    "wait",
    str,
    'How long to wait when there is nothing, such as `"30s"` or `"500ms"`, up to `"60s"`.',
    default="0s",
)
