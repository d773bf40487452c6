"""Tills: sales, returns and counts of a physical shop, told by webhook."""

from connectors.base import Instance
from connectors.http import Open
from connectors.pos.webhooks import Pos


def create(instance: Instance, http: Open) -> Pos:
    return Pos(instance)
