"""Tryton's JSON-RPC: sessions, and values that JSON has no words for."""

import base64
import datetime as dt
import decimal
from collections.abc import Mapping
from typing import Any, Final

from connectors.base import Instance
from connectors.errors import BadPayload, Unauthorized, Unreachable
from connectors.http import Http, Token
from connectors.payload import Node

# Sessions end ten minutes after their last use, unless the server is set otherwise.
SESSION_SECONDS: Final = 540.0
PARTS: Final = ("year", "month", "day", "hour", "minute", "second", "microsecond")


class Rpc:
    """Calls by methods' names; the user's preferences are the context of each."""

    def __init__(self, instance: Instance, http: Http) -> None:
        self._instance = instance
        self._http = http
        self._token = Token(self._log_in)
        self._context: Mapping[str, Any] | None = None

    async def call(self, method: str, *params: Any, context: Mapping[str, Any] | None = None) -> Node:
        """The result; raises as connectors.http does, and BadPayload where Tryton refuses."""

        async def authorized(session: str) -> Node:
            if self._context is None:
                self._context = (await self._post("model.res.user.get_preferences", [True, {}], session)).value
            return await self._post(method, [*params, {**(self._context or {}), **(context or {})}], session)

        return await self._token.use(authorized)

    async def _log_in(self) -> tuple[str, float]:
        user = self._instance.option("user")
        password = {"password": self._instance.secret("password")}
        told = (await self._post("common.db.login", [user, password], None)).items()
        session = f"{user}:{told[0].id()}:{told[1].text()}"
        return base64.b64encode(session.encode()).decode(), SESSION_SECONDS

    async def _post(self, method: str, params: list[Any], session: str | None) -> Node:
        headers = {"Authorization": f"Session {session}"} if session else {}
        body = {"id": 1, "method": method, "params": params}
        answer = (await self._http.request("POST", "/rpc/", headers=headers, json=body)).json()
        error = answer["error"]
        if error:
            raise self._refused(error, method)
        if not isinstance(answer.value, dict) or "result" not in answer.value:
            raise answer.wrong("an answer with a result")
        return answer["result"]

    def _refused(self, error: Node, method: str) -> Exception:
        """Tryton names the kind first; its sentence may hold a customer's data and stays out."""
        kind = next(iter(error), Node("unnamed")).value
        name = self._instance.name
        if kind in ("LoginException", "AccessError"):
            return Unauthorized(f"{name} does not let our user do that. Correct its password, or its groups.")
        if kind in ("ConcurrencyException", "RateLimitException"):
            return Unreachable(f"{name} was busy with the same records ({kind}).")
        return BadPayload(f"{name} does not understand {method} ({str(kind)[:40]}).", "error")


def decimal_of(value: Node) -> decimal.Decimal:
    """A Decimal, which Tryton writes as an object."""
    inner = value["decimal"] if isinstance(value.value, dict) else value
    return Node(inner.value, value.path).number()


def day_of(value: Node) -> dt.date | None:
    return dt.date(*(value[part].integer() for part in ("year", "month", "day"))) if value else None


def moment_of(value: Node) -> dt.datetime:
    """A datetime, which Tryton keeps in UTC."""
    given = {part: value[part].integer() for part in PARTS}
    return dt.datetime(
        given["year"],
        given["month"],
        given["day"],
        given["hour"],
        given["minute"],
        given["second"],
        given["microsecond"],
        dt.UTC,
    )


def moment(at: dt.datetime) -> Mapping[str, Any]:
    """The other way round, for a domain."""
    utc = at.astimezone(dt.UTC)
    return {"__class__": "datetime", **{part: getattr(utc, part) for part in PARTS}}
