"""Secrets of an instance are in nothing that is shown."""

from collections.abc import Mapping

from connectors.base import Connector, Instance


def shown(instance: Instance, things: Mapping[str, object]) -> list[str]:
    """Which of `things`, by what they are called, show a secret of the instance in their text or repr."""
    secrets = {key: one.reveal() for key, values in instance.secrets.items() for one in values}
    return [
        f"{what} shows the secret {key}"
        for what, thing in things.items()
        for key, secret in secrets.items()
        if any(secret in text for text in _texts(thing))
    ]


def _texts(thing: object) -> list[str]:
    """With what an error came from: a traceback prints that too."""
    above = [one for one in (getattr(thing, "__cause__", None),) if one is not None]
    return [repr(thing), str(thing), *(text for one in above for text in _texts(one))]


def leaking(connector: Connector) -> list[str]:
    return shown(connector.instance, {"the connector": connector, "the instance": connector.instance})
