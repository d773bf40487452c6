"""Who wins does not depend on the order of the claims, and is who is trusted first, then who told it last."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from domain.precedence import Claim, Precedence, winner

AT = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
LATER = AT + dt.timedelta(microseconds=1)
SYSTEMS = ("erp", "pos", "shop", "wms")


def claim(system: str, at: dt.datetime = AT, *, first_hand: bool = True) -> Claim:
    return Claim(system, system, at, first_hand)


def test_rank_then_first_hand_then_time_then_name() -> None:
    assert winner([claim("erp", LATER), claim("wms")], ("wms",)) == claim("wms")
    assert winner([claim("erp", LATER, first_hand=False), claim("wms")], ()) == claim("wms")
    assert winner([claim("erp", first_hand=False), claim("wms")], ("erp",)) == claim("erp", first_hand=False)
    assert winner([claim("erp"), claim("wms", LATER)], ()) == claim("wms", LATER)
    assert winner([claim("wms"), claim("erp")], ()) == claim("erp")
    assert winner([], ("erp",)) is None


def test_the_status_goes_by_the_order_where_nothing_else_is_said() -> None:
    assert Precedence(("shop",)).of_status == ("shop",)
    assert Precedence(("shop",), ("wms",)).of_status == ("wms",)


CLAIMS = st.lists(
    st.builds(Claim, st.sampled_from(SYSTEMS), st.none(), st.sampled_from([AT, LATER]), st.booleans()),
    unique_by=lambda one: one.system,
    min_size=1,
)


RANKINGS = st.lists(st.sampled_from(SYSTEMS), unique=True).map(tuple)


@given(CLAIMS, RANKINGS, st.data())
def test_any_order_and_any_grouping_of_claims_has_the_same_winner(
    claims: list[Claim], ranking: tuple[str, ...], data: st.DataObject
) -> None:
    best = winner(claims, ranking)
    assert best in claims
    assert winner(data.draw(st.permutations(claims)), ranking) == best
    place = data.draw(st.integers(0, len(claims)))
    halves = (winner(claims[:place], ranking), winner(claims[place:], ranking))
    assert winner([one for one in halves if one is not None], ranking) == best
