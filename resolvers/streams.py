"""What every streaming transport starts operations with.

`Streams` is implemented by `resolvers.subscriptions`; transports know only this.
"""

from typing import Protocol

from domain.actor import Actor
from events.sink import Sink
from resolvers.answer import Answer, GraphQLRequest


class Running(Protocol):
    """An operation that has been started. `close` is idempotent; afterwards nothing more is pushed."""

    def close(self) -> None: ...


class Streams(Protocol):
    async def start(
        self,
        request: GraphQLRequest,
        actor: Actor,
        sink: Sink,
        *,
        after: str | None = None,
        allow_mutation: bool = True,
    ) -> Running | Answer:
        """Start any operation. A query or mutation pushes one payload and ends its sink with COMPLETE.

        A request that ends before it has data is answered with an `Answer` whose `failure` is set, and the sink is not
        touched. `after` is the cursor a transport resumes from (Last-Event-ID, extensions.cursor); an argument of the
        operation wins over it.
        """
        ...
