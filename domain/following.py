"""How often a carrier is asked about a parcel that nobody tells us of."""

import datetime as dt
from typing import Final

from domain.status import ShipmentStatus

# Older ones are asked about no more: carriers forget them, and somebody has to look into it anyway.
FOLLOWED_FOR: Final = dt.timedelta(days=45)
# Of a parcel that its carrier tells of by itself: only to find what was lost on the way.
TOLD: Final = dt.timedelta(hours=12)
NEAR: Final = dt.timedelta(minutes=30)
MOVING: Final = dt.timedelta(hours=2)
WAITING: Final = dt.timedelta(hours=4)
QUIET: Final = dt.timedelta(hours=12)
QUIET_AFTER: Final = dt.timedelta(days=3)

_PAUSES: Final = {
    ShipmentStatus.UNKNOWN: WAITING,
    ShipmentStatus.LABEL_CREATED: WAITING,
    ShipmentStatus.OUT_FOR_DELIVERY: NEAR,
    ShipmentStatus.DELIVERY_ATTEMPTED: NEAR,
    ShipmentStatus.READY_FOR_PICKUP: WAITING,
}


def pause(status: ShipmentStatus, quiet_for: dt.timedelta, *, told: bool) -> dt.timedelta:
    """Until it is asked about again. `quiet_for`: since its last scan, or since it was sent."""
    if told:
        return TOLD
    return QUIET if quiet_for > QUIET_AFTER else _PAUSES.get(status, MOVING)
