"""What a supervisor asks: is the process alive, may it get requests, what are its numbers."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway import telemetry
from gateway.telemetry import Metrics

NO_STORE = {"cache-control": "no-store"}


def routes(metrics: Metrics, trouble: Callable[[], Awaitable[str | None]]) -> list[Route]:
    """`trouble` says why requests could not be answered just now, None when they can."""

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=NO_STORE)

    async def ready(_: Request) -> Response:
        reason = await trouble()
        if reason is None:
            return JSONResponse({"status": "ok"}, headers=NO_STORE)
        return JSONResponse({"status": "unavailable", "reason": reason}, status_code=503, headers=NO_STORE)

    async def numbers(_: Request) -> Response:
        return Response(metrics.exposition(), headers=NO_STORE | {"content-type": telemetry.CONTENT_TYPE})

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", numbers)]
