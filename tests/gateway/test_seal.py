"""Secrets at rest, and how a receiver says when to come back."""

import datetime
import email.utils

import pytest

from gateway.seal import Seal
from gateway.webhooks import retry_after

OLD, NEW = "an-old-key-" * 4, "a-newer-key-" * 4


def test_what_was_closed_with_the_key_before_is_still_read_and_closed_anew_with_the_new_one() -> None:
    closed = Seal([OLD]).close(b"secret")
    assert b"secret" not in closed
    assert Seal([NEW, OLD]).open(closed) == b"secret"
    with pytest.raises(ValueError, match="not known here"):
        Seal([OLD]).open(Seal([NEW, OLD]).close(b"secret"))


def test_changed_content_is_not_read() -> None:
    closed = bytearray(Seal([OLD]).close(b"secret"))
    closed[20] ^= 1
    with pytest.raises(ValueError, match="not known here"):
        Seal([OLD]).open(bytes(closed))


@pytest.mark.parametrize(
    ("text", "seconds"), [("120", 120.0), ("0", 0.0), (None, None), ("soon", None), ("-5", None), ("²", None)]
)
def test_retry_after_in_seconds(text: str | None, seconds: float | None) -> None:
    assert retry_after(text) == seconds


def test_retry_after_as_a_date() -> None:
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
    found = retry_after(email.utils.format_datetime(later, usegmt=True))
    assert found is not None
    assert 80 < found <= 90
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
