"""How long to wait before a receiver is tried again."""

import pytest

from domain.webhook import LONGEST_ASKED, LONGEST_PAUSE, pause


@pytest.mark.parametrize(("attempts", "least", "most"), [(1, 0.75, 1.25), (2, 1.5, 2.5), (5, 12.0, 20.0)])
def test_each_pause_is_twice_as_long_within_its_spread(attempts: int, least: float, most: float) -> None:
    assert (pause(attempts, 0.0, None), pause(attempts, 1.0, None)) == (least, most)


def test_pauses_stop_growing() -> None:
    assert pause(11, 0.5, None) == pause(1000, 0.5, None) == LONGEST_PAUSE


def test_a_receiver_may_ask_for_longer_but_not_for_ever_and_not_for_shorter() -> None:
    assert pause(1, 0.5, 60.0) == 60.0
    assert pause(1, 0.5, 1e9) == LONGEST_ASKED
    assert pause(5, 0.5, 1.0) == 16.0
