"""Amazon: orders of a seller, stock at Amazon, offered quantities, tracking and notifications."""

from connectors.amazon.client import Amazon
from connectors.base import Instance
from connectors.http import Open


def create(instance: Instance, http: Open) -> Amazon:
    return Amazon(instance, http(instance.option("url")), http(instance.option("login_url")))
