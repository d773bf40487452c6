"""Suppliers that ship for us: by X12 files in a folder or over SFTP, or by a small REST API."""

from connectors.base import Connector, Instance
from connectors.dropship.drop import opened
from connectors.dropship.files import FileSupplier
from connectors.dropship.rest import RestSupplier
from connectors.http import Open


def create(instance: Instance, http: Open) -> Connector:
    url = instance.option("url")
    if url.startswith(("http://", "https://")):
        return RestSupplier(instance, http(url))
    return FileSupplier(instance, opened(instance, http))
