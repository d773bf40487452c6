"""The Selling Partner API over HTTP: a token of Login with Amazon, and what it says of its limits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from connectors.base import Instance
from connectors.errors import Unauthorized
from connectors.http import Allowance, Http, Response, Token, number, shared_headers

TOO_MANY: Final = 429


class Api:
    def __init__(self, instance: Instance, http: Http, login: Http) -> None:
        self.instance = instance
        self._http = http
        self._http.reading = granted
        self._login = login
        self._token = Token(self._fetch)

    async def _fetch(self) -> tuple[str, float]:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self.instance.secret("refresh_token"),
            "client_id": self.instance.secret("client_id"),
            "client_secret": self.instance.secret("client_secret"),
        }
        answer = await self._login.request("POST", "/auth/o2/token", data=form, accept=frozenset({400}))
        if answer.status == 400:
            raise Unauthorized(
                f"Login with Amazon refuses {self.instance.name}. Renew its refresh token or its client."
            )
        told = answer.json()
        return told["access_token"].text(), float(told["expires_in"].number())

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str],
        json: object = None,
        accept: frozenset[int] = frozenset(),
    ) -> Response:
        async def work(token: str) -> Response:
            return await self._http.request(
                method,
                path,
                headers={"x-amz-access-token": token},
                params=params,
                json=json,
                accept=accept,
                operation=operation,
            )

        return await self._token.use(work)


def granted(answer: Response) -> Allowance:
    """`x-amzn-RateLimit-Limit` is how many requests per second the operation grants."""
    told, rate = shared_headers(answer), number(answer.headers, "x-amzn-ratelimit-limit")
    if not rate:
        return told
    return replace(told, rate=rate, wait=told.wait or 1.0 / rate if answer.status == TOO_MANY else None)
