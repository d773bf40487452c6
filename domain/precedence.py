"""Whose word is shown when several systems tell of the same thing: an order of trust per group of fields.

Every claim is kept; only which of them wins is decided here, from the claims alone, so that the order in which they
arrive does not matter.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Precedence:
    """Systems by name, the one to trust first; a group without a list goes by what is said of it here.

    `order`: who makes an order as a whole (lines, amounts, customer, address, cancellation); else by name.
    `status`: what each says of its status; else as for the order.
    `estimated_delivery`: of a parcel; else carriers come before those who shipped it.
    `stock`: counts of an item at a location; else the newest.
    """

    order: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    estimated_delivery: tuple[str, ...] = ()
    stock: tuple[str, ...] = ()

    @property
    def of_status(self) -> tuple[str, ...]:
        return self.status or self.order


@dataclass(frozen=True, slots=True)
class Claim:
    """What a system said last; `value` None: nothing we have a word for. `first_hand`: it does not only hear of it."""

    system: str
    value: object
    told_at: datetime.datetime
    first_hand: bool = True


def rank(system: str, ranking: Sequence[str]) -> int:
    """Lower wins; those that nobody ranked share the last place."""
    return ranking.index(system) if system in ranking else len(ranking)


def winner(claims: Iterable[Claim], ranking: Sequence[str]) -> Claim | None:
    """The best by rank, then who knows first hand, then the newest, then by name. One claim of each system."""
    by_name = sorted(claims, key=lambda claim: claim.system)
    return max(
        by_name,
        key=lambda claim: (-rank(claim.system, ranking), claim.first_hand, claim.told_at),
        default=None,
    )
