"""Pure: what the system says, as records. A field is read where it is needed, so that one that is missing is named."""

from connectors.base import Instance, Read
from connectors.payload import Node, each_read
from domain.records import StockRecord


def stock(told: Node, instance: Instance) -> Read[StockRecord]:
    """The counts of a page, or of a delivery: one that cannot be read harms no other."""
    return each_read(
        told["levels"].items(), lambda level: level["sku"].text(), lambda level: (_level(level, instance),)
    )


def _level(level: Node, instance: Instance) -> StockRecord:
    return StockRecord(
        sku=level["sku"].text(),
        location=instance.location(level["place"].id()),
        occurred_at=level["updatedAt"].instant(),
        on_hand=level["onHand"].integer(),
        damaged=level["damaged"].maybe_integer(),
    )
