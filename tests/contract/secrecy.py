"""Secrets of an instance are in nothing that is shown, be it as they are or as they travel."""

import base64
import logging
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog.testing

from connectors.base import Connector, Instance


def shown(instance: Instance, things: Mapping[str, object]) -> list[str]:
    """Which of `things`, by what they are called, show a secret of the instance in their text or repr."""
    secrets = {key: one.reveal() for key, values in instance.secrets.items() for one in values}
    return [
        f"{what} shows the secret {key}"
        for what, thing in things.items()
        for key, secret in secrets.items()
        if any(form in text for form in _forms(secret) for text in _texts(thing))
    ]


def _forms(secret: str) -> set[str]:
    """Also in a form, and within Base64, where it begins at one of three places of a letter."""
    raw = secret.encode()
    whole = (base64.b64encode(bytes(skipped) + raw).decode()[4 if skipped else 0 :] for skipped in range(3))
    inside = (form[:-4] for form in whole)
    return {secret, urllib.parse.quote(secret, safe=""), *(form for form in inside if len(form) >= 8)}


def _texts(thing: object) -> list[str]:
    """With what an error came from: a traceback prints that too."""
    above = [one for one in (getattr(thing, "__cause__", None),) if one is not None]
    return [repr(thing), str(thing), *(text for one in above for text in _texts(one))]


def leaking(connector: Connector) -> list[str]:
    return shown(connector.instance, {"the connector": connector, "the instance": connector.instance})


class _Ear(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(self.format(record))


@contextmanager
def overheard() -> Iterator[list[str]]:
    """All that any logger says at DEBUG, whoever's library it is, tracebacks included."""
    heard: list[str] = []
    root, ear = logging.getLogger(), _Ear(heard)
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    with structlog.testing.capture_logs() as ours:
        try:
            yield heard
        finally:
            root.setLevel(level)
            root.removeHandler(ear)
            heard.extend(map(str, ours))
