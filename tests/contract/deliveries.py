"""Webhooks: a genuine delivery is taken with either of two secrets; a forged, changed, cut or old one is refused.

The secret is the manifest's whose name begins with `webhook_`. A vendor that signs no time has in its simulator
`AGELESS`, which says why an old delivery cannot be told.
"""

import base64
import dataclasses
import datetime as dt
from typing import Any, Final

import aiohttp

from connectors.base import Delivery, Forged, Instance, Secret, WebhookRequest
from connectors.errors import BadPayload
from connectors.http import Http
from tests.contract.folder import Folder

AT: Final = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)
OLD: Final = dt.timedelta(hours=1)
OTHER: Final = "whsec_" + base64.b64encode(b"a-secret-of-somebody-else").decode()


async def wrong(folder: Folder) -> list[str]:
    async with folder.simulator.Server().running() as server, aiohttp.ClientSession() as session:
        given: Instance = folder.simulator.instance(server.url)
        keys = [key for key in folder.manifest.secrets if key.startswith("webhook_")]
        if len(keys) != 1:
            return [f"One secret of the manifest should begin with webhook_ and not {len(keys)}"]
        of, ours = _Verifier(folder, given, session, keys[0]), given.secrets[keys[0]][0].reveal()
        good = folder.simulator.delivery(ours, AT)
        return [
            *_accepted(of, good, ours, folder.simulator.delivery(OTHER, AT)),
            *await _refused(of, good, ours, folder.simulator.delivery(OTHER, AT)),
            *([] if hasattr(folder.simulator, "AGELESS") else _old(of, good, ours)),
        ]


@dataclasses.dataclass(frozen=True)
class _Verifier:
    folder: Folder
    instance: Instance
    session: aiohttp.ClientSession
    key: str

    def connector(self, *secrets: str) -> Any:
        kept = {**self.instance.secrets, self.key: tuple(Secret(one) for one in secrets)}
        of = dataclasses.replace(self.instance, secrets=kept)
        return self.folder.create(of, lambda base: Http(self.session, base, seconds=30.0))

    def verified(self, request: WebhookRequest, *secrets: str) -> object:
        """The delivery, or what was raised."""
        try:
            return self.connector(*secrets).verify(request)
        except Exception as error:  # noqa: BLE001, RUF100  # whatever it is, it is looked at
            return error


def _accepted(of: _Verifier, good: WebhookRequest, ours: str, others: WebhookRequest) -> list[str]:
    told = {
        "genuine": of.verified(good, ours),
        "genuine, by the newer of two secrets": of.verified(others, OTHER, ours),
        "genuine, by the older of two secrets": of.verified(good, OTHER, ours),
    }
    found = [f"a delivery that is {what} is {_short(one)}" for what, one in told.items() if not _has_id(one)]
    if told["genuine"] != of.verified(good, ours):
        found.append("the same delivery is another the second time")
    return found


def _has_id(told: object) -> bool:
    return isinstance(told, Delivery) and bool(told.id)


async def _refused(of: _Verifier, good: WebhookRequest, ours: str, others: WebhookRequest) -> list[str]:
    bare = dataclasses.replace(good, headers={})
    told = {
        "signed by somebody else": of.verified(others, ours),
        "unsigned": of.verified(bare, ours),
        "given where no secret is set": of.verified(good),
    }
    found = [f"a delivery that is {what} is {_short(one)}" for what, one in told.items() if type(one) is not Forged]
    cut = dataclasses.replace(good, body=good.body[: len(good.body) // 2])
    ended = of.verified(cut, ours)
    if isinstance(ended, Delivery):
        try:
            await of.connector(ours).records_of(ended, cut.body)
        except BadPayload as error:
            ended = error
    if type(ended) not in (Forged, BadPayload):
        found.append(f"a delivery that is cut is {_short(ended)}")
    return found


def _old(of: _Verifier, good: WebhookRequest, ours: str) -> list[str]:
    ages = {"old": AT + OLD, "of the future": AT - OLD}
    told = {what: of.verified(dataclasses.replace(good, received_at=at), ours) for what, at in ages.items()}
    return [f"a delivery that is {what} is {_short(one)}" for what, one in told.items() if type(one) is not Forged]


def _short(told: object) -> str:
    if isinstance(told, Delivery):
        return "taken" if told.id else "without an id"
    return type(told).__name__
