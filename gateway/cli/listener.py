"""The socket we serve on, taken before anything slow is begun."""

import errno
import socket
import time

import domain.errors

RETRY_SECONDS = 0.1


class PortRefused(domain.errors.Unavailable):
    """The port cannot be listened on."""


def bind(host: str, port: int, patience: float = 0.0) -> socket.socket:
    """A bound socket; PortRefused says why not, after `patience` seconds for an earlier run to let go."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return _bind(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                raise refused(error, host, port) from error
        time.sleep(RETRY_SECONDS)


def refused(error: OSError, host: str, port: int) -> PortRefused:
    if error.errno == errno.EADDRINUSE:
        return PortRefused(f"Port {port} on {host} is taken: stop what listens there, or choose another by --port.")
    if error.errno == errno.EACCES:
        return PortRefused(f"Port {port} needs rights this user lacks: choose one above 1023 by --port.")
    return PortRefused(f"Cannot listen on {host} port {port} ({error.strerror}): check --host and --port.")


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
