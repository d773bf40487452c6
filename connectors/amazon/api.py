"""The Selling Partner API over HTTP: a token of Login with Amazon, and what it says of its limits."""

import contextlib
from collections.abc import Mapping
from typing import Final

from connectors.base import Instance
from connectors.errors import RateLimited, Unauthorized
from connectors.http import Http, Response, Token, retry_after

TOO_MANY: Final = 429


class Api:
    def __init__(self, instance: Instance, http: Http, login: Http) -> None:
        self.instance = instance
        self._http = http
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
        method: str,
        path: str,
        *,
        params: Mapping[str, str],
        json: object = None,
        accept: frozenset[int] = frozenset(),
    ) -> Response:
        async def work(token: str) -> Response:
            answer = await self._http.request(
                method,
                path,
                headers={"x-amz-access-token": token},
                params=params,
                json=json,
                accept=accept | {TOO_MANY},
            )
            if answer.status == TOO_MANY:
                raise RateLimited(f"Amazon asks {self.instance.name} for fewer requests.", wait(answer.headers))
            return answer

        return await self._token.use(work)


def wait(headers: Mapping[str, str]) -> float | None:
    """Seconds until one more request is granted: `x-amzn-RateLimit-Limit` is how many it grants per second."""
    told = retry_after(headers)
    if told is not None:
        return told
    with contextlib.suppress(ValueError, ZeroDivisionError):
        return max(0.0, 1.0 / float(headers.get("x-amzn-ratelimit-limit", "0")))
    return None
