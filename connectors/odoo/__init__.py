"""Odoo: sales, deliveries, stock and purchases of an ERP, through its JSON-2 API."""

from connectors.base import Instance
from connectors.http import Open
from connectors.odoo.client import Odoo


def create(instance: Instance, http: Open) -> Odoo:
    return Odoo(instance, http(instance.option("url")))
