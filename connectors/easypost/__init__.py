"""EasyPost: one account for parcels of many carriers."""

from connectors.base import Instance
from connectors.easypost.client import EasyPost
from connectors.http import Open


def create(instance: Instance, http: Open) -> EasyPost:
    return EasyPost(instance, http(instance.option("url")))
