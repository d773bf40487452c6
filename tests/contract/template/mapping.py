"""Pure: what the system says, as records. A field is read where it is needed, so that one that is missing is named."""

from collections.abc import Sequence

from connectors.base import Instance
from connectors.payload import Node
from domain.records import StockRecord


def stock(told: Node, instance: Instance) -> Sequence[StockRecord]:
    """The counts of a page, or of a delivery."""
    return tuple(_level(level, instance) for level in told["levels"].items())


def _level(level: Node, instance: Instance) -> StockRecord:
    return StockRecord(
        sku=level["sku"].text(),
        location=instance.location(level["place"].id()),
        occurred_at=level["updatedAt"].instant(),
        on_hand=level["onHand"].integer(),
        damaged=level["damaged"].maybe_integer(),
    )
