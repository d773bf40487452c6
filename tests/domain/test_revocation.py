"""Whose access a revocation ends."""

import datetime as dt

from domain.actor import Actor, Role, of_role
from domain.revocation import Revocation, Revocations, Revoked

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def actor(subject: str = "ann", token_id: str | None = "t1", issued_at: dt.datetime | None = NOW) -> Actor:
    return of_role(Role.ADMIN, subject, token_id=token_id, issued_at=issued_at)


def test_nobody_is_covered_by_no_revocation() -> None:
    assert not Revocations().cover(actor())


def test_a_token_is_known_by_its_id_and_its_actor_may_have_others() -> None:
    revoked = Revocations([Revocation(Revoked.TOKEN, "t1", NOW)])
    assert revoked.cover(actor())
    assert revoked.cover(actor(issued_at=NOW + SECOND))
    assert not revoked.cover(actor(token_id="t2"))
    assert not revoked.cover(actor(token_id=None))
    assert not revoked.cover(actor("t1", token_id="t2"))


def test_an_actor_loses_all_that_was_issued_until_then_and_may_come_back_with_something_new() -> None:
    revoked = Revocations([Revocation(Revoked.ACTOR, "ann", NOW)])
    assert revoked.cover(actor())
    assert revoked.cover(actor(token_id="t9", issued_at=NOW - SECOND))
    assert revoked.cover(actor(issued_at=None))
    assert not revoked.cover(actor(issued_at=NOW + SECOND))
    assert not revoked.cover(actor("bob"))
    assert not revoked.cover(actor("bob", token_id="ann"))


def test_revoked_twice_the_later_counts_in_whatever_order_they_are_learned() -> None:
    found = [Revocation(Revoked.ACTOR, "ann", NOW), Revocation(Revoked.ACTOR, "ann", NOW + 5 * SECOND)]
    for order in (found, found[::-1]):
        revoked = Revocations(order)
        assert revoked.cover(actor(issued_at=NOW + 3 * SECOND))
        assert not revoked.cover(actor(issued_at=NOW + 6 * SECOND))
