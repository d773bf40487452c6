"""Cursors: what was written is read, anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from events.cursor import Cursor, Signer

words = st.text("abcdef0123456789-", min_size=1, max_size=30)
cursors = st.builds(Cursor, words, st.integers(0, 2**63 - 1), words)


@given(cursors)
def test_what_is_written_is_read(cursor: Cursor) -> None:
    signer = Signer(b"secret")
    assert signer.read(signer.write(cursor)) == cursor


@given(cursors, st.integers(0, 10_000), st.sampled_from("AZaz09-_"))
def test_a_changed_cursor_is_refused(cursor: Cursor, place: int, letter: str) -> None:
    signer = Signer(b"secret")
    text = signer.write(cursor)
    place %= len(text) - 1  # the last letter may carry bits that base64 ignores
    changed = text[:place] + letter + text[place + 1 :]
    if changed == text:
        return
    with pytest.raises(BadInput, match="not written by this gateway"):
        signer.read(changed)


@given(st.text(max_size=80))
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        Signer(b"secret").read(text)


def test_another_gateways_cursor_is_refused() -> None:
    text = Signer(b"one").write(Cursor("e", 7, "s"))
    with pytest.raises(BadInput):
        Signer(b"two").read(text)
