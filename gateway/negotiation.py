"""What a client sends and accepts, read from `Content-Type` and `Accept`; real clients send a handful of values."""

import enum
import functools
from typing import Final

JSON: Final = "application/json"
GRAPHQL: Final = "application/graphql-response+json"
HTML: Final = "text/html"

# A value longer than any client of good will sends is read anew each time, so that it cannot fill the cache.
CACHED_LENGTH: Final = 256


class Media(enum.Enum):
    """What is sent back; the value is the Content-Type."""

    JSON = b"application/json; charset=utf-8"
    GRAPHQL = b"application/graphql-response+json; charset=utf-8"
    HTML = b"text/html; charset=utf-8"


def accepted(accept: bytes | None, *, html: bool = False) -> Media | None:
    """The best of our types for an Accept header, None when none will do; `html` when there is a page to show.

    No header and `*/*` mean a client from before application/graphql-response+json: it gets application/json.
    """
    if accept is None:
        return Media.JSON
    return _cached_choice(accept, html) if len(accept) <= CACHED_LENGTH else _choice(accept, html)


def is_json(content_type: bytes) -> bool:
    if len(content_type) > CACHED_LENGTH:
        return False
    return _is_json(content_type)


def _choice(accept: bytes, html: bool) -> Media | None:
    qualities: dict[str, float] = {}
    for part in accept.decode("latin-1").lower().split(","):
        media_range, quality = _media_range(part)
        if quality is not None:
            qualities[media_range] = max(quality, qualities.get(media_range, 0.0))
    # Best first: the higher quality, then a type named over one meant by a wildcard, then this order.
    order = (HTML, GRAPHQL, JSON) if html else (GRAPHQL, JSON)
    named = [(qualities[kind], kind) for kind in order if kind in qualities]
    wildcard = qualities.get("application/*", qualities.get("*/*", 0.0))
    candidates = [*named, (0.0 if JSON in qualities else wildcard, JSON)]
    quality, kind = max(candidates, key=lambda candidate: candidate[0])
    return MEDIA[kind] if quality > 0 else None


_cached_choice = functools.lru_cache(maxsize=256)(_choice)

MEDIA: Final = {JSON: Media.JSON, GRAPHQL: Media.GRAPHQL, HTML: Media.HTML}


def _media_range(part: str) -> tuple[str, float | None]:
    """One range and its quality; None when a parameter asks for something we never send."""
    media_range, *parameters = (piece.strip() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = min(max(float(value), 0.0), 1.0)
            except ValueError:
                return media_range, None
        elif name.strip() == "charset" and not _is_utf8(value):
            return media_range, None
    return media_range, quality


@functools.lru_cache(maxsize=256)
def _is_json(content_type: bytes) -> bool:
    media_type, *parameters = (piece.strip() for piece in content_type.decode("latin-1").lower().split(";"))
    pairs = [parameter.partition("=") for parameter in parameters]
    return media_type == JSON and all(_is_utf8(value) for name, _, value in pairs if name.strip() == "charset")


def _is_utf8(charset: str) -> bool:
    return charset.strip().strip('"') in ("utf-8", "utf8")
