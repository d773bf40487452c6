"""Shopify: orders, fulfillments, returns and stock of a shop, by its Admin API."""

from connectors.base import Instance
from connectors.http import Open
from connectors.shopify.client import Shopify


def create(instance: Instance, http: Open) -> Shopify:
    return Shopify(instance, http(instance.option("url")), http(instance.option("files_url")))
