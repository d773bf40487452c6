"""Who asks: own tokens, API keys, what is refused and in which words, and what is remembered."""

import base64
import datetime
import json
from typing import Any

import jwt
import pytest

import db.api_keys
import db.pool
from db.api_keys import ApiKeyRow
from db.reader import PoolReader
from domain.actor import ANONYMOUS, Actor, Role, of_role
from domain.errors import BadInput
from domain.revocation import Revocation, Revocations, Revoked
from gateway import auth, claims
from gateway.api_keys import ApiKeys, NewApiKey, new_api_key
from gateway.auth import Authenticator
from gateway.errors import InvalidToken
from gateway.tokens import OwnTokens, issue_token

NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
SECRET = "current-secret-" * 4
BEFORE = "previous-secret-" * 3


class Clock:
    def __init__(self) -> None:
        self.now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticator(clock: Clock) -> Authenticator:
    return Authenticator(OwnTokens([SECRET, BEFORE]), clock=clock)


def bearer(token: str) -> bytes:
    return f"Bearer {token}".encode()


def signed(
    secret: str = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **changed: Any
) -> str:
    """A token of our form with some claims changed; None takes a claim away."""
    said = {
        "iss": "ordergraph", "aud": "ordergraph", "sub": "test", "role": "support",
        "exp": int((NOW + HOUR).timestamp()),
    } | changed  # fmt: skip
    payload = {claim: value for claim, value in said.items() if value is not None}
    return jwt.encode(payload, secret, algorithm=algorithm, headers=headers)


def by_hand(header: object, payload: object, signature: bytes = b"") -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    return f"{part(json.dumps(header).encode())}.{part(json.dumps(payload).encode())}.{part(signature)}"


async def refused(authenticator: Authenticator, authorization: bytes) -> str:
    with pytest.raises(InvalidToken) as error:
        await authenticator.actor(authorization)
    assert not authenticator.remembered
    return error.value.message


async def test_no_header_is_anonymous_and_so_is_an_empty_form_field(authenticator: Authenticator) -> None:
    assert authenticator.known(None) is ANONYMOUS
    assert await authenticator.actor(None) is ANONYMOUS
    for empty in (b"Bearer", b"Bearer ", b"bearer  "):
        assert await authenticator.actor(empty) is ANONYMOUS


async def test_an_issued_token_is_the_actor_it_was_issued_for(authenticator: Authenticator) -> None:
    token = issue_token(
        SECRET, Role.ASSISTANT, ttl=HOUR, now=NOW, customer_id="C-7", channels=frozenset({"web", "app"}),
        extra_scopes=frozenset({"pii:read"}),
    )  # fmt: skip
    assert await authenticator.actor(bearer(token)) == of_role(
        Role.ASSISTANT, "assistant:C-7", customer_id="C-7", channels=frozenset({"web", "app"}),
        extra_scopes=frozenset({"pii:read"}), expires_at=NOW + HOUR, issued_at=NOW,
        token_id=jwt.decode(token, options={"verify_signature": False})["jti"],
    )  # fmt: skip


async def test_a_revoked_token_is_refused_new_and_remembered(clock: Clock) -> None:
    revoked = Revocations()
    authenticator = Authenticator(OwnTokens([SECRET]), clock=clock, revocations=revoked)
    one, other = bearer(signed(jti="t1", iat=int(NOW.timestamp()))), bearer(signed(jti="t2"))
    assert (await authenticator.actor(one)).token_id == "t1"
    revoked.add([Revocation(Revoked.TOKEN, "t1", NOW)])
    with pytest.raises(InvalidToken, match="was revoked"):
        authenticator.known(one)
    with pytest.raises(InvalidToken, match="was revoked"):
        await authenticator.actor(one)
    actor = await authenticator.actor(other)
    assert actor.token_id == "t2"
    revoked.add([Revocation(Revoked.ACTOR, actor.subject, NOW)])
    with pytest.raises(InvalidToken, match="was revoked"):
        await authenticator.actor(other)


def test_a_providers_clock_may_be_ahead_of_ours() -> None:
    assert claims.issued_at({"iat": NOW.timestamp()}) == NOW - datetime.timedelta(seconds=10)
    assert claims.issued_at({}) is None


async def test_an_issued_token_has_the_registered_claims_and_an_id_of_its_own(authenticator: Authenticator) -> None:
    first, second = (issue_token(SECRET, Role.INTEGRATOR, ttl=HOUR, now=NOW, source="erp") for _ in range(2))
    assert first != second
    payload = jwt.decode(first, options={"verify_signature": False})
    jti = payload.pop("jti")
    assert len(jti) == 16
    assert payload == {
        "iss": "ordergraph", "aud": "ordergraph", "sub": "integrator:erp", "role": "integrator", "source": "erp",
        "iat": int(NOW.timestamp()), "exp": int((NOW + HOUR).timestamp()),
    }  # fmt: skip
    assert (await authenticator.actor(bearer(first))).source == "erp"


def test_a_token_for_an_impossible_actor_or_under_a_weak_secret_is_not_issued() -> None:
    with pytest.raises(BadInput, match="--customer"):
        issue_token(SECRET, Role.CUSTOMER, ttl=HOUR, now=NOW)
    with pytest.raises(BadInput, match="shorter than 32 bytes"):
        issue_token("short", Role.ADMIN, ttl=HOUR, now=NOW)
    with pytest.raises(BadInput, match="ORDERGRAPH_TOKEN_SECRET"):
        OwnTokens([SECRET, "short"])


async def test_tokens_of_the_secret_before_are_good_while_it_is_kept(clock: Clock) -> None:
    token = bearer(issue_token(BEFORE, Role.SUPPORT, ttl=HOUR, now=NOW))
    assert (await Authenticator(OwnTokens([SECRET, BEFORE]), clock=clock).actor(token)).role is Role.SUPPORT
    assert "signature is wrong" in await refused(Authenticator(OwnTokens([SECRET]), clock=clock), token)


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (signed(exp=int((NOW - HOUR).timestamp())), "expired at 2026-11-23T11:00:00Z"),
        (signed(nbf=int((NOW + HOUR).timestamp())), "not valid before 2026-11-23T13:00:00Z (nbf)"),
        (signed(iat=int((NOW + HOUR).timestamp())), "not valid before 2026-11-23T13:00:00Z (iat)"),
        (signed(exp=None), "lacks the claim exp"),
        (signed(sub=None), "lacks the claim sub"),
        (signed(exp=True), "no number of seconds"),
        (signed(exp="soon"), "no number of seconds"),
        (signed(exp=10**30), "no instant"),
        (signed(aud="elsewhere"), "not for this service"),
        (signed(aud=None), "lacks the claim aud"),
        (signed(iss="elsewhere"), "not for this service"),
        (signed(iss=None), "lacks the claim iss"),
        (signed(role="emperor"), "nobody we know"),
        (signed(role=None), "nobody we know"),
        (signed(role=["admin"]), "role is no text"),
        (signed(role="customer"), "nobody we know"),
        (signed(scopes=["world:rule"]), "nobody we know"),
        (signed(scopes="pii:read"), "scopes is no list"),
        (signed(channels=[1]), "channels is no list"),
        (signed("another-secret-" * 3), "signature is wrong"),
        (signed(algorithm="HS384"), "algorithm is not accepted"),
        (signed()[:-4] + "AAAA", "signature is wrong"),
        (by_hand({"alg": "none", "typ": "JWT"}, {"role": "admin"}), "algorithm is not accepted"),
        (by_hand({"alg": "None"}, {"role": "admin"}), "algorithm is not accepted"),
        (by_hand({"typ": "JWT"}, {"role": "admin"}), "not accepted"),
        (by_hand({"alg": ["HS256"]}, {"role": "admin"}), "not accepted"),
        (by_hand({"alg": "RS256", "kid": "1"}, {"role": "admin"}, b"x"), "algorithm is not accepted"),
        (by_hand(["HS256"], {}), "malformed"),
        (by_hand({"alg": "HS256"}, ["admin"], b"x"), "signature is wrong"),
        ("a.b", "malformed"),
        ("...", "malformed"),
        ("nonsense", "malformed"),
        ("x" * 8193, "longer than 8192 bytes"),
        ("og_abc_def", "API keys are not accepted"),
    ],
)
async def test_a_bad_token_is_refused_with_the_reason_and_never_repeated(
    authenticator: Authenticator, token: str, words: str
) -> None:
    message = await refused(authenticator, bearer(token))
    assert words in message
    assert token not in message


@pytest.mark.parametrize("header", [b"Basic dXNlcjpwYXNz", b"eyJh.eyJh.x", b"Bearer\xff", b"Bearer \xff\xfe"])
async def test_what_is_no_bearer_token_is_refused_never_anonymous(authenticator: Authenticator, header: bytes) -> None:
    assert await refused(authenticator, header)


async def test_a_payload_changed_in_any_place_is_refused(authenticator: Authenticator) -> None:
    head, payload, signature = signed().split(".")
    for place in range(0, len(payload), 7):
        changed = payload[:place] + ("A" if payload[place] != "A" else "B") + payload[place + 1 :]
        assert "signature is wrong" in await refused(authenticator, bearer(f"{head}.{changed}.{signature}"))


async def test_clocks_may_disagree_by_ten_seconds(authenticator: Authenticator, clock: Clock) -> None:
    token = bearer(signed(nbf=int(NOW.timestamp()) + 10))
    assert (await authenticator.actor(token)).role is Role.SUPPORT
    clock.now = (NOW + HOUR).timestamp() + 9.9
    assert authenticator.known(token) is not None
    assert (await authenticator.actor(bearer(signed()))).role is Role.SUPPORT
    clock.now = (NOW + HOUR).timestamp() + 10
    assert authenticator.known(token) is None
    with pytest.raises(InvalidToken, match="expired at"):
        await authenticator.actor(token)


async def test_a_verified_token_is_remembered_by_its_digest_and_only_so_many(
    authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "REMEMBERED", 3)
    headers = [bearer(signed(sub=f"user-{number}")) for number in range(4)]
    actors = [await authenticator.actor(header) for header in headers]
    assert [authenticator.known(header) for header in headers] == [None, *actors[1:]]
    assert all(len(digest) == 32 for digest in authenticator.remembered)


def row(key: NewApiKey, **changed: Any) -> ApiKeyRow:
    values: dict[str, Any] = {
        "prefix": key.prefix, "secret_sha256": key.secret_sha256, "name": "erp", "role": "integrator", "scopes": None,
        "customer_id": None, "source": "erp", "channels": None, "expires_at": None, "revoked_at": None,
    }  # fmt: skip
    return ApiKeyRow(**values | changed)


class Rows:
    def __init__(self, *rows: ApiKeyRow) -> None:
        self.rows = {one.prefix: one for one in rows}
        self.asked: list[str] = []

    async def find(self, prefix: str) -> ApiKeyRow | None:
        self.asked.append(prefix)
        return self.rows.get(prefix)


async def test_an_api_key_is_its_row_and_is_looked_up_once_a_second(clock: Clock) -> None:
    key = new_api_key()
    rows = Rows(row(key, channels=["b2b"]))
    authenticator = Authenticator(keys=ApiKeys(rows.find), clock=clock)
    expected = of_role(Role.INTEGRATOR, f"key:{key.prefix}", source="erp", channels=frozenset({"b2b"}))
    for _ in range(3):
        assert await authenticator.actor(bearer(key.key)) == expected
    assert rows.asked == [key.prefix]
    clock.now += 0.99
    assert authenticator.known(bearer(key.key)) == expected
    rows.rows[key.prefix] = row(key, revoked_at=NOW)
    clock.now += 0.01
    assert authenticator.known(bearer(key.key)) is None
    assert await refused(authenticator, bearer(key.key)) == "The API key was revoked."


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"expires_at": NOW}, "expired at 2026-11-23T12:00:00Z"),
        ({"revoked_at": NOW}, "was revoked"),
        ({"role": "emperor"}, "nobody we know"),
        ({"source": None}, "nobody we know"),
        ({"scopes": ["world:rule"]}, "nobody we know"),
        ({"secret_sha256": b""}, "is unknown"),
        ({"secret_sha256": bytes(32)}, "is unknown"),
    ],
)
async def test_an_api_key_that_is_over_or_makes_no_sense_is_refused(
    clock: Clock, changed: dict[str, Any], words: str
) -> None:
    key = new_api_key()
    authenticator = Authenticator(keys=ApiKeys(Rows(row(key, **changed)).find), clock=clock)
    assert words in await refused(authenticator, bearer(key.key))


async def test_an_unknown_prefix_and_a_wrong_secret_look_the_same(clock: Clock) -> None:
    key, other = new_api_key(), new_api_key()
    authenticator = Authenticator(keys=ApiKeys(Rows(row(key)).find), clock=clock)
    swapped = f"og_{key.prefix}_{other.key.split('_', 2)[2]}"
    assert await refused(authenticator, bearer(swapped)) == await refused(authenticator, bearer(other.key))


@pytest.mark.parametrize("key", ["og_", "og_abc", "og_abc_", "og__secret", "og_a-b_c", "og_" + "a" * 200 + "_b"])
async def test_a_malformed_api_key_is_refused_without_a_look_at_the_database(clock: Clock, key: str) -> None:
    rows = Rows()
    assert "malformed" in await refused(Authenticator(keys=ApiKeys(rows.find), clock=clock), bearer(key))
    assert rows.asked == []


def test_api_keys_hold_256_random_bits_and_are_stored_as_a_digest() -> None:
    keys = {new_api_key().key for _ in range(100)}
    assert len(keys) == 100
    key = new_api_key()
    mark, prefix, secret = key.key.split("_", 2)
    assert (mark, prefix, len(prefix), len(secret)) == ("og", key.prefix, 16, 43)
    assert secret not in repr((key.prefix, key.secret_sha256))


async def test_an_api_key_is_found_in_the_database(pool: db.pool.Pool) -> None:
    key = new_api_key()
    await pool.execute(
        "INSERT INTO api_keys (prefix, secret_sha256, name, role, scopes, channels, expires_at)"
        " VALUES ($1, $2, 'tools', 'support', '{pii:read}', '{web}', $3)",
        key.prefix, key.secret_sha256, datetime.datetime(2126, 1, 1, tzinfo=datetime.UTC),
    )  # fmt: skip
    reader = PoolReader(pool)
    authenticator = Authenticator(keys=ApiKeys(lambda prefix: db.api_keys.by_prefix(reader, prefix)))
    actor: Actor = await authenticator.actor(bearer(key.key))
    assert (actor.role, actor.channels, actor.may("pii:read")) == (Role.SUPPORT, frozenset({"web"}), True)
    assert await refused(Authenticator(keys=authenticator.keys), bearer(new_api_key().key)) == "The API key is unknown."
