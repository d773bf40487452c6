"""Standard Webhooks and plain HMAC: genuine ones pass with either secret, all others do not."""

import base64
import dataclasses
import datetime as dt
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Forged, Secret, WebhookRequest
from connectors.signatures import hmac_base64, standard_webhook

# The example of the specification of Standard Webhooks.
SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
BODY = b'{"test": 2432232314}'
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
SENT = dt.datetime.fromtimestamp(1614265330, dt.UTC)
REQUEST = WebhookRequest(HEADERS, BODY, SENT)


def test_the_example_of_the_specification_is_genuine() -> None:
    told = ("msg_p5jXN8AQM9LWM0D4loKWxJek", SENT)
    assert standard_webhook(REQUEST, (SECRET,)) == told
    assert standard_webhook(REQUEST, (Secret("new"), SECRET)) == told
    several = {**HEADERS, "webhook-signature": "v1a,other v1,AAAA " + HEADERS["webhook-signature"]}
    assert standard_webhook(dataclasses.replace(REQUEST, headers=several), (SECRET,)) == told


@pytest.mark.parametrize("name", list(HEADERS))
@pytest.mark.parametrize("value", [None, "", "v1,", "é", "²", "16142653301", "1614265330.0", "-1"])
def test_any_other_header_is_forged(name: str, value: str | None) -> None:
    headers = {key: text for key, text in {**HEADERS, name: value}.items() if text is not None}
    with pytest.raises(Forged):
        standard_webhook(dataclasses.replace(REQUEST, headers=headers), (SECRET,))


@pytest.mark.parametrize("minutes", [-6, 6])
def test_outside_of_five_minutes_it_is_not_believed(minutes: int) -> None:
    with pytest.raises(Forged, match="clock"):
        standard_webhook(dataclasses.replace(REQUEST, received_at=SENT + dt.timedelta(minutes=minutes)), (SECRET,))


@given(st.binary(max_size=64))
def test_any_other_body_is_forged(body: bytes) -> None:
    if body == BODY:
        return
    with pytest.raises(Forged):
        standard_webhook(dataclasses.replace(REQUEST, body=body), (SECRET,))


def test_without_a_secret_nothing_is_believed() -> None:
    for secrets in ((), (Secret("other"),)):
        with pytest.raises(Forged):
            standard_webhook(REQUEST, secrets)
        with pytest.raises(Forged):
            hmac_base64(dataclasses.replace(REQUEST, headers={"x-hmac": ""}), "x-hmac", secrets)


def test_a_plain_hmac_with_either_secret() -> None:
    signature = base64.b64encode(hmac.digest(b"old", BODY, hashlib.sha256)).decode()
    request = dataclasses.replace(REQUEST, headers={"x-hmac": signature})
    hmac_base64(request, "x-hmac", (Secret("new"), Secret("old")))
    with pytest.raises(Forged):
        hmac_base64(request, "x-hmac", (Secret("new"),))
    with pytest.raises(Forged):
        hmac_base64(dataclasses.replace(request, body=BODY + b" "), "x-hmac", (Secret("old"),))
