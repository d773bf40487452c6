"""ShipBob: orders given to its warehouses, how far they are, and what lies there."""

from connectors.base import Instance
from connectors.http import Open
from connectors.shipbob.client import ShipBob


def create(instance: Instance, http: Open) -> ShipBob:
    return ShipBob(instance, http(instance.option("url")))
