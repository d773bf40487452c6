"""Breaker, budget, limiter, cache: what holds whatever the order of events."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.breaker import Breaker, State
from connectors.budget import Budget, pause
from connectors.flights import Cache
from connectors.limiter import Limiter, Rate


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@given(st.lists(st.sampled_from(["call", "retry"]), max_size=300))
def test_retries_never_exceed_the_start_and_the_share(events: list[str]) -> None:
    budget, calls, retries = Budget(share=0.1, most=3.0), 0, 0
    for event in events:
        if event == "call":
            calls += 1
            budget.called()
        elif budget.spend():
            retries += 1
        assert 0.0 <= budget.left <= 3.0
        assert retries <= 3.0 + 0.1 * calls + 1e-9


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_bounded(attempt: int, chance: float) -> None:
    assert 0.0 <= pause(attempt, lambda: chance) < 5.0


@given(st.floats(0.01, 10), st.integers(1, 20), st.lists(st.floats(0, 30), min_size=1, max_size=100))
def test_no_window_has_more_than_burst_and_rate(interval: float, burst: int, steps: list[float]) -> None:
    clock = Clock()
    limiter, sent = Limiter(clock, Rate(1.0, interval, burst)), []
    for step in steps:
        clock.time += step
        sent.append(clock.time + limiter.take())
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            allowed = burst + (sent[last] - sent[first]) / interval
            assert last - first + 1 <= allowed + 1e-6


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_pause_of_the_vendor_is_kept_and_never_shortened(first: float, second: float) -> None:
    clock = Clock()
    limiter = Limiter(clock, None)
    assert limiter.take() == 0.0
    limiter.pause(first)
    limiter.pause(second)
    assert abs(limiter.wait() - max(first, second)) < 1e-6
    clock.time += max(first, second)
    assert limiter.wait() < 1e-6


def test_a_bucket_that_rested_is_full_and_no_fuller() -> None:
    clock = Clock()
    limiter = Limiter(clock, Rate(1.0, 1.0, 3))
    assert [limiter.take() for _ in range(4)] == [0.0, 0.0, 0.0, 1.0]
    clock.time += 1_000
    assert [limiter.take() for _ in range(4)] == [0.0, 0.0, 0.0, 1.0]


@given(st.lists(st.tuples(st.sampled_from(["good", "bad", "dropped"]), st.floats(0, 20)), max_size=100))
def test_a_breaker_follows_its_model(events: list[tuple[str, float]]) -> None:
    """Calls one after another, against a model of a few lines."""
    clock = Clock()
    breaker, row, until = Breaker(clock, failures=3, seconds=10.0), 0, None
    for outcome, step in events:
        clock.time += step
        admitted = breaker.admit()
        assert admitted == (until is None or clock.time >= until)
        if not admitted:
            assert breaker.state is State.OPEN
            continue
        if outcome == "good":
            breaker.succeeded()
            row, until = 0, None
        elif outcome == "bad":
            breaker.failed()
            row += 1
            until = clock.time + 10.0 if row >= 3 else None
        else:
            breaker.abandoned()
        assert (breaker.state is State.CLOSED) == (until is None)


def test_only_one_call_tries_whether_it_is_back() -> None:
    clock = Clock()
    breaker = Breaker(clock, failures=1, seconds=10.0)
    assert breaker.admit()
    breaker.failed()
    assert (breaker.admit(), breaker.state, breaker.retry_after) == (False, State.OPEN, 10.0)
    clock.time += 10.0
    assert [breaker.admit() for _ in range(3)] == [True, False, False]
    breaker.abandoned()
    assert breaker.admit()
    breaker.failed()
    assert not breaker.admit()
    clock.time += 10.0
    assert breaker.admit()
    breaker.succeeded()
    assert [breaker.admit() for _ in range(3)] == [True, True, True]


def test_an_answer_from_before_it_opened_does_not_close_it() -> None:
    breaker = Breaker(Clock(), failures=1)
    assert breaker.admit()
    assert breaker.admit()
    breaker.failed()
    breaker.succeeded()
    assert breaker.state is State.OPEN


def test_a_cache_is_bounded_and_forgets_what_is_used_least() -> None:
    clock = Clock()
    cache: Cache[int] = Cache(clock, size=2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a", 5.0) == 1
    cache.put("c", 3)
    assert (len(cache), cache.get("b", 5.0), cache.get("a", 5.0)) == (2, None, 1)
    clock.time += 5.0
    assert cache.get("a", 5.0) is None
    assert cache.get("a", 5.1) == 1
