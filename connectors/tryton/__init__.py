"""Tryton: sales, deliveries, stock and purchases of an ERP."""

from connectors.base import Instance
from connectors.http import Open
from connectors.tryton.client import Tryton


def create(instance: Instance, http: Open) -> Tryton:
    return Tryton(instance, http(instance.option("url")))
