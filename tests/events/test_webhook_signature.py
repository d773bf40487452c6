"""Signatures as every library of Standard Webhooks checks them."""

import base64

from events.webhooks import signature


def test_the_published_vector_of_the_standard() -> None:
    """From the tests of the libraries at https://github.com/standard-webhooks/standard-webhooks."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_has_256_random_bits_and_is_shown_with_its_mark() -> None:
    first, second = signature.new_secret(), signature.new_secret()
    assert (len(first), first == second) == (32, False)
    assert base64.b64decode(signature.shown(first).removeprefix("whsec_")) == first


def test_two_secrets_make_two_signatures_of_the_same_content() -> None:
    headers = signature.headers([b"a" * 32, b"b" * 32], "evt_1", 1_700_000_000, b"{}")
    assert headers["webhook-signature"].split(" ") == [
        signature.sign(secret, "evt_1", 1_700_000_000, b"{}") for secret in (b"a" * 32, b"b" * 32)
    ]
