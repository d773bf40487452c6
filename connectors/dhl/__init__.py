"""DHL: Shipment Tracking - Unified, for parcels, express and freight of all its divisions."""

from connectors.base import Instance
from connectors.dhl.client import Dhl
from connectors.http import Open


def create(instance: Instance, http: Open) -> Dhl:
    return Dhl(instance, http(instance.option("url")))
