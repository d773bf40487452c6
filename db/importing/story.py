"""What happened to an imported order, as entries of its journal: dated facts of the file first, the import last."""

import dataclasses
import datetime
import uuid
from collections.abc import Iterator, Mapping, Sequence

from db.importing.derived import Derived
from db.importing.drafts import OrderDraft
from domain.status import OrderStatus

_DELIVERED = frozenset({OrderStatus.DELIVERED, OrderStatus.COMPLETED})
_ON_ITS_WAY = _DELIVERED | {OrderStatus.SHIPPED, OrderStatus.PARTIALLY_DELIVERED}


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """`shipment` None: it happened to the order. `data` holds no personal data."""

    type: str
    occurred_at: datetime.datetime
    changed: tuple[str, ...]
    data: Mapping[str, object]
    shipment: uuid.UUID | None = None

    @property
    def identity(self) -> tuple[str, uuid.UUID | None, datetime.datetime]:
        """Told again, it is the same fact."""
        return self.type, self.shipment, self.occurred_at


def entries(
    draft: OrderDraft, derived: Derived, shipments: Sequence[uuid.UUID], imported_at: datetime.datetime
) -> list[Entry]:
    """In the order in which an order lives, whatever its dates say; `shipments` are the ids of the parcels."""
    status: OrderStatus | None = None
    told = []
    for entry, reached in _facts(draft, derived, shipments, imported_at):
        if reached is None or reached is status:
            told.append(entry)
            continue
        words = {**entry.data, "status": {"from": status, "to": reached}}
        told.append(dataclasses.replace(entry, data=words, changed=tuple(sorted({*entry.changed, "status"}))))
        status = reached
    return told


def _facts(
    draft: OrderDraft, derived: Derived, shipments: Sequence[uuid.UUID], imported_at: datetime.datetime
) -> Iterator[tuple[Entry, OrderStatus | None]]:
    """Each entry with the status it led to, as far as the final one lets us know."""
    final = derived.status
    yield Entry("ORDER_PLACED", draft.placed_at, ("lines",), {"lines": len(draft.lines)}), OrderStatus.PENDING
    if draft.accepted_at is not None:
        yield Entry("ORDER_APPROVED", draft.accepted_at, (), {}), OrderStatus.CONFIRMED if draft.lines else None
    handed_over_at, delivered_at = draft.handover.handed_over_at, draft.handover.delivered_at
    left = OrderStatus.SHIPPED if final in _ON_ITS_WAY else final if final is OrderStatus.PARTIALLY_SHIPPED else None
    if handed_over_at is not None:
        for shipment in shipments:
            yield Entry("SHIPMENT_HANDED_OVER", handed_over_at, ("shipments",), {}, shipment), left
    if delivered_at is not None:
        arrived = OrderStatus.DELIVERED if final in _DELIVERED else None
        for shipment in shipments:
            yield Entry("SHIPMENT_DELIVERED", delivered_at, ("shipments",), {}, shipment), arrived
    if final is OrderStatus.CANCELLED:
        yield _cancelled(draft), final
    noted = {"sourceStatus": draft.source_status, "doubts": list(derived.doubts)}
    yield Entry("ORDER_IMPORTED", imported_at, (), {name: value for name, value in noted.items() if value}), final


def _cancelled(draft: OrderDraft) -> Entry:
    """Many exports do not say when; then it is dated by the last thing known to have happened before."""
    at = draft.plain.get("cancelled_at")
    if isinstance(at, datetime.datetime):
        return Entry("ORDER_CANCELLED", at, (), {})
    known = (
        draft.placed_at,
        draft.accepted_at,
        draft.handover.handed_over_at,
        draft.handover.delivered_at,
    )
    last = max(instant for instant in known if isinstance(instant, datetime.datetime))
    return Entry("ORDER_CANCELLED", last, (), {"dated": False})
