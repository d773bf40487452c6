"""Odoo's JSON-2 API: a method of a model per request, arguments by name. Odoo writes `false` for nothing."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from connectors.base import Instance
from connectors.errors import BadPayload
from connectors.http import Http
from connectors.payload import Node

LIMIT: Final = 100


class Api:
    def __init__(self, instance: Instance, http: Http) -> None:
        self._instance = instance
        self._http = http

    async def call(self, model: str, method: str, **arguments: Any) -> Node:
        """The result; raises as connectors.http does, and BadPayload naming Odoo's own exception where it refuses."""
        database = self._instance.option("database", "")
        headers = {
            "Authorization": f"bearer {self._instance.secret('api_key')}",
            **({"X-Odoo-Database": database} if database else {}),
        }
        path = f"/json/2/{model}/{method}"
        answer = await self._http.request(
            "POST", path, headers=headers, json=arguments, accept=frozenset({400, 404, 409, 422})
        )
        if answer.status >= 400:
            name = str(answer.json()["name"].value)[:60]
            raise BadPayload(f"{self._instance.name} refuses {model}.{method} ({name}).", method)
        return Node(without_false(answer.json().value))

    async def search(self, model: str, domain: Sequence[Any], fields: Sequence[str], *, bounded: bool = True) -> Node:
        """Rows by rising id, which no change moves; LIMIT of them at most if `bounded`."""
        bounds = {"limit": LIMIT} if bounded else {}
        return await self.call(model, "search_read", domain=list(domain), fields=list(fields), order="id", **bounds)

    async def count(self, model: str, domain: Sequence[Any]) -> int:
        return (await self.call(model, "search_count", domain=list(domain))).integer()

    async def rows(self, model: str, ids: Sequence[int], fields: Sequence[str]) -> Node:
        return await self.search(model, [["id", "in", list(ids)]], fields, bounded=False) if ids else Node([])


def without_false(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_false(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_false(inner) for inner in value]
    return None if value is False else value


def moment_of(value: Node) -> dt.datetime:
    """Odoo keeps UTC, and writes it without a zone and with a blank."""
    return value.instant(dt.UTC)


def moment(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"


def target(value: Node) -> str | None:
    """The id that a many2one, written [id, name], leads to."""
    return next(iter(value)).id() if value else None


def ids(rows: Node, *names: str) -> list[int]:
    """What fields of many rows lead to: many2one or lists of ids."""
    found: set[int] = set()
    for row in rows.items():
        for name in names:
            values = list(row[name])
            single = len(values) == 2 and isinstance(values[1].value, str)
            found.update(one.integer() for one in (values[:1] if single else values))
    return sorted(found)
