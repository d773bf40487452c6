"""One contender as a process of its own, under the server options of `ordergraph serve`.

    python -m tests.benchmarks.serve floor DSN APPLICATION_NAME

Prints its port. Ends when its standard input does, so that it never outlives the benchmark.
"""

import importlib
import os
import socket
import sys
import threading

import uvicorn
import uvloop


async def serve(name: str, dsn: str, application: str) -> None:
    # Each process loads only its own contender, so that its memory is its own.
    contender = importlib.import_module(f"tests.benchmarks.{name}")
    async with contender.opened(dsn, application) as app:
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(
            app, http="httptools", ws="websockets-sansio", ws_per_message_deflate=False, ws_ping_interval=None,
            log_config=None, access_log=False, server_header=False, proxy_headers=False, timeout_keep_alive=75,
        )  # fmt: skip
        await uvicorn.Server(config).serve(sockets=[listener])


def end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    uvloop.run(serve(*sys.argv[1:4]))
