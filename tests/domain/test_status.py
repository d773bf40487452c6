"""The tables below are the vocabulary's own text, read apart from the tables of the code.

The seven moves of lost units were added to it by docs/decisions/0008-lost-units-take-an-order-back.md.
"""

import enum

import pytest

from domain.errors import IllegalMove
from domain.status import (
    FULFILLMENT_MOVES,
    LINE_MOVES,
    ORDER_MOVES,
    RETURN_MOVES,
    SHIPMENT_MOVES,
    TERMINAL_FULFILLMENT,
    TERMINAL_LINE,
    TERMINAL_ORDER,
    TERMINAL_RETURN,
    TERMINAL_SHIPMENT,
    FinancialStatus,
    FulfillmentStatus,
    OrderLineStatus,
    OrderStatus,
    ReturnRollup,
    ReturnStatus,
    ShipmentStatus,
    can_move,
    check_move,
    next_statuses,
)

ORDER = """
PENDING→CONFIRMED|ON_HOLD|CANCELLED
CONFIRMED→ON_HOLD|IN_PROGRESS|PARTIALLY_SHIPPED|SHIPPED|CANCELLED
ON_HOLD→CONFIRMED|IN_PROGRESS|CANCELLED
IN_PROGRESS→CONFIRMED|ON_HOLD|PARTIALLY_SHIPPED|SHIPPED|PARTIALLY_DELIVERED|DELIVERED|CANCELLED
PARTIALLY_SHIPPED→CONFIRMED|ON_HOLD|IN_PROGRESS|SHIPPED|PARTIALLY_DELIVERED|DELIVERED
SHIPPED→PARTIALLY_SHIPPED|PARTIALLY_DELIVERED|DELIVERED|CANCELLED
PARTIALLY_DELIVERED→PARTIALLY_SHIPPED|SHIPPED|DELIVERED
DELIVERED→SHIPPED|PARTIALLY_DELIVERED|COMPLETED
COMPLETED→DELIVERED
UNKNOWN→PENDING|ON_HOLD|CONFIRMED|IN_PROGRESS|PARTIALLY_SHIPPED|SHIPPED|PARTIALLY_DELIVERED|DELIVERED|COMPLETED|CANCELLED
"""
LINE = """
CREATED→PREORDERED|BACKORDERED|ALLOCATED|ON_HOLD|CANCELLED
PREORDERED→ALLOCATED|ON_HOLD|CANCELLED
BACKORDERED→ALLOCATED|ON_HOLD|CANCELLED
ALLOCATED→RELEASED|CREATED|BACKORDERED|ON_HOLD|CANCELLED
ON_HOLD→CREATED|PREORDERED|BACKORDERED|ALLOCATED|RELEASED|CANCELLED
RELEASED→PACKED|SHIPPED|CREATED|ON_HOLD|CANCELLED
PACKED→SHIPPED|DELIVERED|RELEASED|CANCELLED
SHIPPED→DELIVERED|LOST|RETURNED
DELIVERED→RETURN_REQUESTED|LOST
RETURN_REQUESTED→RETURNED|DELIVERED
LOST→DELIVERED|CANCELLED
"""
FULFILLMENT = """
SCHEDULED→OPEN|ON_HOLD|CANCELLED
OPEN→REQUESTED|IN_PROGRESS|ON_HOLD|CANCELLED
ON_HOLD→OPEN|SCHEDULED|CANCELLED
REQUESTED→ACCEPTED|REJECTED|CANCELLED
ACCEPTED→IN_PROGRESS|PACKED|COMPLETED|CANCELLATION_REQUESTED|INCOMPLETE
CANCELLATION_REQUESTED→CANCELLED|ACCEPTED
IN_PROGRESS→PACKED|COMPLETED|INCOMPLETE|CANCELLATION_REQUESTED
PACKED→COMPLETED|IN_PROGRESS
"""
RETURN = """
REQUESTED→APPROVED|DECLINED|CANCELLED
APPROVED→IN_TRANSIT|PARTIALLY_RECEIVED|RECEIVED|CANCELLED|EXPIRED
IN_TRANSIT→PARTIALLY_RECEIVED|RECEIVED
PARTIALLY_RECEIVED→RECEIVED
RECEIVED→INSPECTED
INSPECTED→CLOSED
"""
WORDS = {
    OrderStatus: "PENDING ON_HOLD CONFIRMED IN_PROGRESS PARTIALLY_SHIPPED SHIPPED PARTIALLY_DELIVERED DELIVERED "
    "COMPLETED CANCELLED UNKNOWN",
    OrderLineStatus: "CREATED PREORDERED BACKORDERED ALLOCATED ON_HOLD RELEASED PACKED SHIPPED DELIVERED "
    "RETURN_REQUESTED RETURNED LOST CANCELLED",
    FulfillmentStatus: "SCHEDULED OPEN ON_HOLD REQUESTED ACCEPTED REJECTED IN_PROGRESS PACKED COMPLETED INCOMPLETE "
    "CANCELLATION_REQUESTED CANCELLED",
    ShipmentStatus: "UNKNOWN LABEL_CREATED PICKED_UP IN_TRANSIT OUT_FOR_DELIVERY READY_FOR_PICKUP "
    "DELIVERY_ATTEMPTED DELAYED EXCEPTION DELIVERED RETURNING RETURNED LOST CANCELLED",
    ReturnRollup: "NO_RETURN RETURN_REQUESTED IN_PROGRESS INSPECTION_COMPLETE RETURNED RETURN_FAILED",
}
SHOPIFY_FINANCIAL = "AUTHORIZED EXPIRED PAID PARTIALLY_PAID PARTIALLY_REFUNDED PENDING REFUNDED VOIDED"


def rows(text: str) -> dict[str, set[str]]:
    table = (row.split("→") for row in text.split())
    return {source: set(targets.split("|")) for source, targets in table}


@pytest.mark.parametrize(
    ("text", "kind"),
    [(ORDER, OrderStatus), (LINE, OrderLineStatus), (FULFILLMENT, FulfillmentStatus), (RETURN, ReturnStatus)],
)
def test_moves_are_exactly_the_rows_of_the_vocabulary(text: str, kind: type[enum.StrEnum]) -> None:
    written = rows(text)

    assert {status: set(next_statuses(status)) for status in kind} == {
        status: written.get(status, set()) for status in kind
    }


@pytest.mark.parametrize(("kind", "words"), WORDS.items())
def test_words_and_their_order(kind: type[enum.StrEnum], words: str) -> None:
    assert [status.value for status in kind] == words.split()


def test_financial_words_are_those_of_shopify_and_overcharged() -> None:
    assert set(FinancialStatus) == {*SHOPIFY_FINANCIAL.split(), "OVERCHARGED"}


@pytest.mark.parametrize("kind", [*WORDS, FinancialStatus, ReturnStatus])
def test_every_value_is_its_name(kind: type[enum.StrEnum]) -> None:
    assert all(member.value == member.name for member in kind)


def test_terminal_sets() -> None:
    assert {"CANCELLED"} == TERMINAL_ORDER
    assert {"RETURNED", "CANCELLED"} == TERMINAL_LINE
    assert {"REJECTED", "COMPLETED", "INCOMPLETE", "CANCELLED"} == TERMINAL_FULFILLMENT
    assert {"DELIVERED", "RETURNED", "LOST", "CANCELLED"} == TERMINAL_SHIPMENT
    assert {"DECLINED", "CANCELLED", "EXPIRED", "CLOSED"} == TERMINAL_RETURN


def test_nothing_moves_to_where_it_is() -> None:
    assert not any(status in after for status, after in ORDER_MOVES.items())
    assert not any(status in after for status, after in LINE_MOVES.items())
    assert not any(status in after for status, after in FULFILLMENT_MOVES.items())
    assert not any(status in after for status, after in SHIPMENT_MOVES.items())
    assert not any(status in after for status, after in RETURN_MOVES.items())


def test_a_moving_parcel_may_go_anywhere() -> None:
    moving = [s for s in ShipmentStatus if s not in TERMINAL_SHIPMENT and s is not ShipmentStatus.RETURNING]

    assert len(moving) == 9
    for status in moving:
        assert SHIPMENT_MOVES[status] == set(ShipmentStatus) - {status}


@pytest.mark.parametrize(
    ("source", "targets"),
    [
        (ShipmentStatus.RETURNING, {"RETURNED", "DELIVERED"}),
        (ShipmentStatus.LOST, {"DELIVERED", "RETURNING"}),
        (ShipmentStatus.DELIVERED, {"EXCEPTION"}),
        (ShipmentStatus.CANCELLED, {"IN_TRANSIT"}),
        (ShipmentStatus.RETURNED, set()),
    ],
)
def test_exits_of_a_parcel_at_its_end(source: ShipmentStatus, targets: set[str]) -> None:
    assert set(next_statuses(source)) == targets


def test_rank_rises_with_the_vocabulary() -> None:
    assert [status.rank for status in ShipmentStatus] == list(range(14))


def test_next_statuses_come_in_the_order_of_the_enum() -> None:
    assert next_statuses(OrderStatus.PENDING) == (OrderStatus.ON_HOLD, OrderStatus.CONFIRMED, OrderStatus.CANCELLED)


def test_legal_move_passes() -> None:
    assert can_move(OrderStatus.PENDING, OrderStatus.CONFIRMED)
    check_move(OrderStatus.PENDING, OrderStatus.CONFIRMED)


def test_illegal_move_says_what_where_and_what_instead() -> None:
    with pytest.raises(IllegalMove) as caught:
        check_move(ReturnStatus.APPROVED, ReturnStatus.CLOSED, where="return R-7")

    assert caught.value.code == "ILLEGAL_STATUS_MOVE"
    assert caught.value.message == (
        "return R-7 cannot go from APPROVED to CLOSED. From APPROVED it can go to CANCELLED, IN_TRANSIT, "
        "PARTIALLY_RECEIVED, RECEIVED, EXPIRED. Read its current status and ask for one of these."
    )


def test_illegal_move_from_a_final_status_says_it_is_final() -> None:
    with pytest.raises(IllegalMove, match=r"OrderStatus cannot go from CANCELLED .* nothing: it is final"):
        check_move(OrderStatus.CANCELLED, OrderStatus.CONFIRMED)
