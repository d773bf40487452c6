"""Tokens of an OpenID Connect provider, which here is a server of our own that counts how often it is asked."""

import asyncio
import datetime
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.actor import Role, of_role
from domain.errors import BadInput, Unavailable
from gateway import oidc
from gateway.auth import Authenticator
from gateway.errors import InvalidToken
from gateway.oidc import KeySet, Oidc, OidcTokens
from gateway.tokens import OwnTokens

NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
ISSUER = "https://login.example"
ROLES = {"om-pii": "support+pii:read", "om-support": "support", "om-shopper": "customer"}
SECRET = "our-own-secret-" * 4
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def published(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, key_id: str | None, **more: Any) -> dict[str, Any]:
    algorithm = jwt.get_algorithm_by_name("RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256")
    described = json.loads(algorithm.to_jwk(key.public_key()))
    return (
        {key: value for key, value in described.items() if key != "key_ops"}
        | ({"kid": key_id} if key_id else {})
        | more
    )


class Provider:
    def __init__(self) -> None:
        self.keys: list[Any] = [published(RSA_KEY, "rsa-1", use="sig"), published(EC_KEY, "ec-1")]
        self.status = 200
        self.delay = 0.0
        self.padding = 0
        self.asked = 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(self.delay)
        if self.status == 302:
            raise web.HTTPFound(self.url)
        return web.Response(status=self.status, text=json.dumps({"keys": self.keys}) + " " * self.padding)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    app = web.Application()
    app.router.add_get("/jwks", provider.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    yield provider
    await runner.cleanup()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def key_set(provider: Provider, clock: Clock) -> AsyncIterator[KeySet]:
    async with aiohttp.ClientSession() as http:
        key_set = KeySet(provider.url, http, clock)
        yield key_set
        await key_set.close()


@pytest.fixture
def authenticator(key_set: KeySet) -> Authenticator:
    settings = Oidc(ISSUER, "ordergraph-api", key_set.url, ROLES, role_claim="realm_access.roles")
    return Authenticator(OwnTokens([SECRET]), OidcTokens(settings, key_set), clock=NOW.timestamp)


def token(key: Any = RSA_KEY, key_id: str | None = "rsa-1", algorithm: str = "RS256", **changed: Any) -> bytes:
    claims = {
        "iss": ISSUER, "aud": ["account", "ordergraph-api"], "sub": "u-1", "exp": int((NOW + HOUR).timestamp()),
        "realm_access": {"roles": ["offline_access", "om-support"]},
    } | changed  # fmt: skip
    payload = {claim: value for claim, value in claims.items() if value is not None}
    headers = {"kid": key_id} if key_id else None
    return b"Bearer " + jwt.encode(payload, key, algorithm=algorithm, headers=headers).encode()


async def refused(authenticator: Authenticator, authorization: bytes) -> str:
    with pytest.raises(InvalidToken) as error:
        await authenticator.actor(authorization)
    return error.value.message


async def test_rsa_and_elliptic_tokens_are_verified_with_one_fetch(
    authenticator: Authenticator, provider: Provider
) -> None:
    expected = of_role(Role.SUPPORT, "oidc:u-1", expires_at=NOW + HOUR)
    assert await authenticator.actor(token()) == expected
    assert await authenticator.actor(token(EC_KEY, "ec-1", "ES256")) == expected
    assert provider.asked == 1


async def test_the_first_mapped_role_decides_and_may_bring_scopes(authenticator: Authenticator) -> None:
    actor = await authenticator.actor(token(realm_access={"roles": ["om-support", "om-pii"]}))
    assert (actor.role, actor.may("pii:read")) == (Role.SUPPORT, True)
    shopper = await authenticator.actor(token(realm_access={"roles": "om-shopper"}, customer_id="C-1"))
    assert (shopper.role, shopper.customer_id) == (Role.CUSTOMER, "C-1")
    assert "--customer" in await refused(authenticator, token(realm_access={"roles": "om-shopper"}))


@pytest.mark.parametrize("claim", [None, {}, {"roles": None}, {"roles": ["admin"]}, {"roles": [{}]}, "admin", 5])
async def test_a_role_that_is_not_mapped_is_nobody(authenticator: Authenticator, claim: object) -> None:
    assert "ORDERGRAPH_OIDC_ROLES" in await refused(authenticator, token(realm_access=claim))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"exp": int((NOW - HOUR).timestamp())}, "expired at 2026-11-23T11:00:00Z"),
        ({"nbf": int((NOW + HOUR).timestamp())}, "not valid before 2026-11-23T13:00:00Z"),
        ({"iss": "https://evil.example"}, "not for this service"),
        ({"aud": "account"}, "not for this service"),
        ({"sub": None}, "lacks the claim sub"),
        ({"key": OTHER_KEY}, "signature is wrong"),
        ({"key_id": "rsa-9"}, "does not publish"),
        ({"key_id": None}, "does not publish"),
        ({"key_id": "ec-1"}, "does not fit the key"),
        ({"algorithm": "RS512"}, "algorithm is not accepted"),
        ({"algorithm": "PS256"}, "algorithm is not accepted"),
    ],
)
async def test_a_bad_token_is_refused_with_the_reason(
    authenticator: Authenticator, changed: dict[str, Any], words: str
) -> None:
    assert words in await refused(authenticator, token(**changed))


async def test_a_public_key_is_no_shared_secret(authenticator: Authenticator, key_set: KeySet) -> None:
    """The old trick: sign with HS256 and the provider's public key, and hope that the key is taken as a secret."""
    pem = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    algorithm = jwt.get_algorithm_by_name("HS256")
    head, payload, _ = token()[7:].decode().split(".")
    forged_head = jwt.encode({}, SECRET, algorithm="HS256", headers={"kid": "rsa-1"}).split(".")[0]
    signature = jwt.utils.base64url_encode(algorithm.sign(f"{forged_head}.{payload}".encode(), pem)).decode()
    forged = f"Bearer {forged_head}.{payload}.{signature}".encode()
    assert "signature is wrong" in await refused(authenticator, forged)
    without_own = Authenticator(None, authenticator.oidc, clock=NOW.timestamp)
    assert "algorithm is not accepted" in await refused(without_own, forged)
    assert head != forged_head


async def test_an_unknown_key_makes_us_ask_again_but_at_most_once_a_minute(
    authenticator: Authenticator, provider: Provider, clock: Clock
) -> None:
    await authenticator.actor(token())
    provider.keys.append(published(OTHER_KEY, "rsa-2"))
    for _ in range(3):
        assert "does not publish" in await refused(authenticator, token(OTHER_KEY, "rsa-2"))
    assert provider.asked == 1
    clock.now += 60
    assert (await authenticator.actor(token(OTHER_KEY, "rsa-2"))).subject == "oidc:u-1"
    assert provider.asked == 2
    clock.now += 60
    for number in range(3):
        assert "does not publish" in await refused(authenticator, token(key_id=f"forged-{number}"))
    assert provider.asked == 3


async def test_known_keys_outlive_a_provider_that_is_down_and_nobody_waits_for_it(
    authenticator: Authenticator, provider: Provider, clock: Clock, key_set: KeySet
) -> None:
    await authenticator.actor(token())
    provider.status = 500
    clock.now += oidc.FRESH_SECONDS + 1
    assert (await authenticator.actor(token(sub="u-2"))).subject == "oidc:u-2"
    assert key_set.refreshing is not None
    await key_set.refreshing
    assert provider.asked == 2
    assert set(key_set.keys) == {"rsa-1", "ec-1"}


@pytest.mark.parametrize(("status", "padding"), [(500, 0), (302, 0), (200, oidc.LONGEST_KEY_SET)])
async def test_without_any_key_nobody_can_tell_and_the_next_try_comes_soon(
    authenticator: Authenticator, provider: Provider, clock: Clock, status: int, padding: int
) -> None:
    provider.status, provider.padding = status, padding
    for _ in range(2):
        with pytest.raises(Unavailable):
            await authenticator.actor(token())
    assert provider.asked == 1
    provider.status, provider.padding = 200, 0
    clock.now += oidc.FIRST_RETRY_SECONDS
    assert (await authenticator.actor(token())).role is Role.SUPPORT


async def test_one_fetch_serves_all_who_wait_and_survives_the_one_who_began_it(
    authenticator: Authenticator, provider: Provider
) -> None:
    provider.delay = 0.1
    first = asyncio.create_task(authenticator.actor(token(sub="u-0")))
    await asyncio.sleep(0.02)
    others = [asyncio.create_task(authenticator.actor(token(sub=f"u-{number}"))) for number in range(1, 5)]
    await asyncio.sleep(0.02)
    first.cancel()
    assert [actor.subject for actor in await asyncio.gather(*others)] == [f"oidc:u-{number}" for number in range(1, 5)]
    assert provider.asked == 1


async def test_only_keys_fit_for_signing_are_used(provider: Provider, key_set: KeySet) -> None:
    provider.keys = [
        published(RSA_KEY, "encrypts", use="enc"),
        published(RSA_KEY, "other-algorithm", alg="RS512"),
        published(WEAK_KEY, "weak"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {"kty": "RSA", "kid": "broken"},
        {"kty": ["RSA"]},
        "nonsense",
        published(EC_KEY, None),
    ]
    with pytest.raises(InvalidToken):
        await key_set.key("weak", "RS256")
    assert set(key_set.keys) == {None}


async def test_a_single_key_also_answers_for_tokens_that_name_none(
    authenticator: Authenticator, provider: Provider
) -> None:
    provider.keys = [published(RSA_KEY, "rsa-1")]
    assert (await authenticator.actor(token(key_id=None))).role is Role.SUPPORT


@pytest.mark.parametrize("ours", ["emperor", "support+world:rule", ""])
def test_a_mapping_to_no_role_of_ours_is_refused_at_the_start(ours: str) -> None:
    with pytest.raises(BadInput, match="ORDERGRAPH_OIDC_ROLES"):
        Oidc(ISSUER, "a", "https://login.example/jwks", {"om": ours})
