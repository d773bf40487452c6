"""GraphiQL, from our own files: the page at the path of the API itself, its script and style beside it."""

import functools
import gzip
import hashlib
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http import Reply

FOLDER: Final = Path(__file__).with_name("graphiql")
PAGE: Final = "index.html"
MEDIA_TYPES: Final = {"graphiql.js": "text/javascript", "graphiql.css": "text/css", "licences.txt": "text/plain"}

# Nothing from anywhere else, nothing inline, no frame around it. 'self' covers our WebSocket too (CSP level 3).
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page() -> Reply:
    headers = {
        "cache-control": "no-cache",
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",
    }
    encoded = tuple((name.encode(), value.encode()) for name, value in headers.items())
    return Reply(200, (FOLDER / PAGE).read_bytes(), encoded)


def route() -> Route:
    return Route("/graphiql/{name}", file)


async def file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in MEDIA_TYPES:
        raise HTTPException(404)
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    content, digest = read(name, zipped=zipped)
    headers = {
        "etag": f'"{digest}"',
        # The names stay the same from one version to the next, so a browser has to ask; the answer is a 304.
        "cache-control": "no-cache",
        "cross-origin-resource-policy": "same-origin",
        "vary": "accept-encoding",
        "x-content-type-options": "nosniff",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    if zipped:
        headers["content-encoding"] = "gzip"
    return Response(content, headers=headers, media_type=MEDIA_TYPES[name])


@functools.cache
def read(name: str, *, zipped: bool) -> tuple[bytes, str]:
    """The content as it is sent, and a digest of it; compressed once, when somebody first asks."""
    content = (FOLDER / name).read_bytes()
    if zipped:
        content = gzip.compress(content, mtime=0)
    return content, hashlib.sha256(content).hexdigest()[:32]
