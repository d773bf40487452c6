"""What a connector said of many things, where all of them went well."""

from collections.abc import Sequence
from typing import TypeVar

from connectors.errors import ConnectorError

T = TypeVar("T")


def well(told: Sequence[T | ConnectorError]) -> list[T]:
    found = [one for one in told if not isinstance(one, ConnectorError)]
    assert len(found) == len(told), told
    return found
