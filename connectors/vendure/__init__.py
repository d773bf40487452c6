"""Vendure: orders, fulfillments and stock of a headless shop."""

from connectors.base import Instance
from connectors.http import Open
from connectors.vendure.client import Vendure


def create(instance: Instance, http: Open) -> Vendure:
    return Vendure(instance, http(instance.option("url")))
