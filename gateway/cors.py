"""Which other sites may call from a browser (https://fetch.spec.whatwg.org/#http-cors-protocol).

No cookie is ever read, so `Access-Control-Allow-Credentials` is never sent: a page can only use a token it holds.
"""

import dataclasses
from collections.abc import Mapping
from typing import Final

from gateway.errors import Headers

ALLOWED_METHODS: Final = b"GET, POST, PUT, DELETE"
ALLOWED_HEADERS: Final = (
    b"authorization, content-type, accept, idempotency-key, last-event-id, traceparent, x-graphql-event-stream-token, "
    b"x-request-id"
)
EXPOSED_HEADERS: Final = b"retry-after, www-authenticate"
# Two hours is the most that Chromium keeps.
PREFLIGHT_AGE: Final = b"7200"


@dataclasses.dataclass(frozen=True, slots=True)
class Cors:
    """`origins` as browsers send them (`https://shop.example`), or one `*` for every site."""

    origins: frozenset[bytes]

    def allows(self, origin: bytes) -> bool:
        return origin in self.origins or b"*" in self.origins

    def headers(self, origin: bytes) -> Headers:
        if not self.allows(origin):
            return ()
        return (
            (b"access-control-allow-origin", b"*" if b"*" in self.origins else origin),
            (b"access-control-expose-headers", EXPOSED_HEADERS),
        )

    def preflight(self, origin: bytes) -> Headers:
        if not self.allows(origin):
            return ()
        return (
            *self.headers(origin)[:1],
            (b"access-control-allow-methods", ALLOWED_METHODS),
            (b"access-control-allow-headers", ALLOWED_HEADERS),
            (b"access-control-max-age", PREFLIGHT_AGE),
        )

    def refuses(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a GET was sent by a page of another site that we do not know.

        A browser sends a plain GET for any page without asking us first. It would run as nobody and its answer stays
        unreadable, but it would still cost us the work and the page could time it.
        """
        site = headers.get(b"sec-fetch-site", b"none")
        return site in (b"cross-site", b"same-site") and not self.allows(headers.get(b"origin", b""))


NO_OTHER_SITE: Final = Cors(frozenset())
