"""The Admin API over HTTP: one document at a time, its errors, and what of a connection did not fit."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from connectors.base import Instance
from connectors.errors import BadPayload, ConnectorError, RateLimited, Unauthorized, Unreachable
from connectors.http import Allowance, Http, Response, shared_headers
from connectors.payload import Node
from connectors.shopify.documents import REST

# No connection of an order goes on for longer.
MOST_PAGES: Final = 200
# What Shopify counts instead of requests.
POINTS: Final = "points"


class Api:
    def __init__(self, instance: Instance, http: Http) -> None:
        self.instance = instance
        self._http = http
        self._http.reading = granted
        # What a document was said to cost, in points, for so many entries a page.
        self._costs: dict[tuple[str, object], float] = {}

    async def ask(self, document: str, variables: Mapping[str, Any]) -> Node:
        """`data` of the answer; what GraphQL calls an error is raised as what it means."""
        headers = {"X-Shopify-Access-Token": self.instance.secret("access_token")}
        body = {"query": document, "variables": variables}
        # Whatever was not asked yet is taken for as dear as the dearest so far.
        page = (document, variables.get("first"))
        cost = self._costs.get(page, max(self._costs.values(), default=1.0))
        told = await self._http.request(
            "POST", "/graphql.json", headers=headers, json=body, operation=POINTS, cost=cost
        )
        answer = told.json()
        if requested := answer["extensions"]["cost"]["requestedQueryCost"]:
            self._costs[page] = float(requested.number())
        if answer["errors"]:
            raise self._error(answer)
        if not answer["data"]:
            raise answer["data"].wrong("an object")
        return answer["data"]

    def _error(self, answer: Node) -> ConnectorError:
        first = next(iter(answer["errors"]), Node(None))
        code = first["extensions"]["code"].maybe_text() or "no code"
        if code == "THROTTLED":
            return RateLimited(f"{self.instance.name} has used up its points at Shopify.", _wait(answer))
        if code == "ACCESS_DENIED":
            return Unauthorized(f"{self.instance.name} lacks a scope for this. Compare its scopes with the README.")
        if code == "INTERNAL_SERVER_ERROR":
            return Unreachable(f"Shopify has a fault of its own, it says to {self.instance.name}.")
        if code == "MAX_COST_EXCEEDED":
            return BadPayload(f"A page of {self.instance.name} costs too much. Set its option `page` lower.", "errors")
        return BadPayload(f"Shopify does not understand our request of {self.instance.name} ({code[:40]}).", "errors")

    async def whole(self, data: Node) -> Node:
        """`data` with all its connections read to their ends; `data` is changed in place."""
        waiting = list(_unfinished(data.value))
        while waiting:
            kind, ident, name, connection = waiting.pop()
            waiting.extend(await self._rest(kind, ident, name, connection))
        return data

    async def _rest(self, kind: str, ident: str, name: str, connection: dict[str, Any]) -> list["_Unfinished"]:
        found: list[_Unfinished] = []
        for _ in range(MOST_PAGES):
            info = Node(connection["pageInfo"], f"{name}.pageInfo")
            if not info["hasNextPage"].flag():
                return found
            variables = {"id": ident, "after": info["endCursor"].text()}
            more = (await self.ask(REST[kind, name], variables))["node"][name]
            found.extend(_unfinished(more["nodes"].value))
            connection["nodes"].extend(one.value for one in more["nodes"].items())
            connection["pageInfo"] = more["pageInfo"].value
        raise BadPayload(f"{name} of a {kind} does not end.", name)


_Unfinished = tuple[str, str, str, dict[str, Any]]


def _unfinished(value: Any) -> Iterator[_Unfinished]:
    """Type and id of what has a connection that goes on, the connection's name, and the connection."""
    if isinstance(value, list):
        for entry in value:
            yield from _unfinished(entry)
    elif isinstance(value, dict):
        for name, entry in value.items():
            info = entry.get("pageInfo") if isinstance(entry, dict) else None
            if info and info.get("hasNextPage") and "id" in value:
                kind = str(value.get("__typename"))
                if (kind, name) not in REST:
                    raise BadPayload(f"A {kind} has more {name} than are read at once.", name)
                yield kind, value["id"], name, entry
            yield from _unfinished(entry)


def granted(answer: Response) -> Allowance:
    """Where the bucket of points stands, as every answer says. Raises BadPayload for what is no JSON."""
    bucket, told = answer.json()["extensions"]["cost"]["throttleStatus"], shared_headers(answer)
    if not bucket["restoreRate"]:
        return told
    left, rate, most = (
        float(bucket[name].number()) for name in ("currentlyAvailable", "restoreRate", "maximumAvailable")
    )
    return replace(told, left=left, rate=rate, most=most)


def _wait(answer: Node) -> float:
    """Seconds until the bucket holds what the refused query needs."""
    cost = answer["extensions"]["cost"]
    bucket = cost["throttleStatus"]
    if not bucket["restoreRate"]:
        return 1.0
    missing = cost["requestedQueryCost"].number() - bucket["currentlyAvailable"].number()
    return max(0.0, float(missing) / max(1.0, float(bucket["restoreRate"].number())))
