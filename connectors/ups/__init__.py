"""UPS: tracking, alerts about parcels, and times in transit."""

from connectors.base import Instance
from connectors.http import Open
from connectors.ups.client import Ups


def create(instance: Instance, http: Open) -> Ups:
    return Ups(instance, http(instance.option("url")))
