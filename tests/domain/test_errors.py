import re

import pytest

import domain.errors
from domain.errors import Conflict, IllegalMove, OrdergraphError


def subclasses(kind: type[OrdergraphError]) -> list[type[OrdergraphError]]:
    return [found for child in kind.__subclasses__() for found in (child, *subclasses(child))]


DOMAIN_ERRORS = [kind for kind in subclasses(OrdergraphError) if kind.__module__ == "domain.errors"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("BadInput", "BAD_USER_INPUT"),
        ("QueryTooComplex", "QUERY_TOO_COMPLEX"),
        ("Unauthenticated", "UNAUTHENTICATED"),
        ("Forbidden", "FORBIDDEN"),
        ("NotFound", "NOT_FOUND"),
        ("Conflict", "CONFLICT"),
        ("SourceConflict", "SOURCE_CONFLICT"),
        ("IllegalMove", "ILLEGAL_STATUS_MOVE"),
        ("Overloaded", "OVERLOADED"),
        ("DeadlineExceeded", "DEADLINE_EXCEEDED"),
        ("Unavailable", "SERVICE_UNAVAILABLE"),
    ],
)
def test_code_of_each_error(name: str, code: str) -> None:
    assert getattr(domain.errors, name).code == code


def test_every_error_has_its_own_code_and_stands_in_the_tree_on_top() -> None:
    tree = domain.errors.__doc__ or ""

    assert len(DOMAIN_ERRORS) == 11
    assert len({kind.code for kind in DOMAIN_ERRORS}) == 11
    for kind in DOMAIN_ERRORS:
        assert re.search(rf"─ {kind.__name__} +{kind.code} ", tree), kind


def test_message_is_kept() -> None:
    error = IllegalMove("what, where, what to do")

    assert isinstance(error, Conflict)
    assert error.message == str(error) == "what, where, what to do"
