"""Template: stock of a warehouse, and webhooks about it."""

from connectors.base import Instance
from connectors.http import Open
from tests.contract.template.client import Template


def create(instance: Instance, http: Open) -> Template:
    return Template(instance, http(instance.option("url")))
