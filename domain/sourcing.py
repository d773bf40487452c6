"""Which node sends which units: one that has everything, else several, else what is on its way, else nobody.

Pure: it decides on what it is told. Allocation checks the stock again under lock.
"""

import dataclasses
import datetime
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from domain.errors import BadInput
from domain.promise import ON_HAND, Basis, Promise, Supply, Timing, promise
from domain.route import Destination, Node, Transit
from domain.stock import Incoming

NOT_AVAILABLE: Final = "NOT_AVAILABLE"


@dataclasses.dataclass(frozen=True, slots=True)
class Demand:
    """Units of one line still to be sourced; `preorder_ships_on` is set while the item is on preorder."""

    line_id: str
    item_id: uuid.UUID
    quantity: int
    preorder_ships_on: datetime.date | None = None

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise BadInput(f"Line {self.line_id} asks for {self.quantity} units. Ask for at least one.")


@dataclasses.dataclass(frozen=True, slots=True)
class Offer:
    """What one eligible node can do: it is active, sells to the channel and reaches the destination.

    `available` is `NodeStock.available` per item. `incoming` holds only units that may be sold ahead (backorder
    policy CONTINUE) and are not promised yet. `transit` None means the customer collects. Lower `priority` first.
    """

    node: Node
    transit: Transit | None
    available: Mapping[uuid.UUID, int]
    incoming: Mapping[uuid.UUID, Sequence[Incoming]] = dataclasses.field(default_factory=dict)
    priority: int = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """Units of one line within a group."""

    line_id: str
    item_id: uuid.UUID
    quantity: int


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Units that leave one node together; without `offer` they are nowhere and `problem` says NOT_AVAILABLE."""

    pieces: tuple[Piece, ...]
    offer: Offer | None = None
    promise: Promise | None = None
    problem: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """Every unit asked for, in exactly one group."""

    groups: tuple[Group, ...]
    # Nodes and deliveries that were left out because no day can be computed for them: a fault in their calendar.
    problems: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return all(group.promise is not None for group in self.groups)

    @property
    def latest(self) -> datetime.date | None:
        """The day by which everything is there (the promise of a SHIP_COMPLETE order); None unless complete."""
        days = [group.promise.latest for group in self.groups if group.promise is not None]
        return max(days) if days and self.complete else None


def source(
    demands: Iterable[Demand], offers: Iterable[Offer], timing: Timing, destination: Destination | None = None
) -> Plan:
    """Distribute `demands` over `offers`; what cannot be promised is a group without dates, never an error."""
    asked = tuple(demands)
    _check_lines(asked)
    run = _Run(offers, timing, destination)
    regular = [demand for demand in asked if demand.preorder_ships_on is None]
    groups = run.on_hand(regular) + run.incoming(regular)
    groups += run.preorder([demand for demand in asked if demand.preorder_ships_on is not None])
    missing = tuple(piece for demand in asked if (piece := run.rest(demand)))
    if missing:
        groups.append(Group(missing, problem=NOT_AVAILABLE))
    return Plan(tuple(groups), tuple(run.problems))


def _check_lines(demands: tuple[Demand, ...]) -> None:
    counts = Counter(demand.line_id for demand in demands)
    twice = [line for line, count in counts.items() if count > 1]
    if twice:
        raise BadInput(f"Line {twice[0]} is asked for twice. Ask for each line once, with all its units.")


@dataclasses.dataclass(frozen=True, slots=True)
class _Receipt:
    """One delivery due at one node, with the promise it allows."""

    seat: int
    expected_at: datetime.datetime
    promise: Promise


class _Run:
    """One sourcing run: what is still asked for, and what each offer has left."""

    def __init__(self, offers: Iterable[Offer], timing: Timing, destination: Destination | None) -> None:
        self.problems: list[str] = []
        self._timing = timing
        self._destination = destination
        self._taken: Counter[str] = Counter()
        ranked = sorted(offers, key=lambda offer: (offer.priority, offer.node.code, str(offer.node.id)))
        seats = [(offer, days) for offer in ranked if (days := self._promise(offer, ON_HAND))]
        self._offers = [offer for offer, _ in seats]
        self._promises = [days for _, days in seats]
        self._left = [{item: max(0, units) for item, units in offer.available.items()} for offer in self._offers]

    def rest(self, demand: Demand) -> Piece | None:
        units = demand.quantity - self._taken[demand.line_id]
        return Piece(demand.line_id, demand.item_id, units) if units else None

    def on_hand(self, demands: list[Demand]) -> list[Group]:
        """The fewest groups a greedy choice finds; a node that has everything always wins, the earliest first."""
        groups: list[Group] = []
        while open_pieces := self._open(demands):
            covers = [self._cover(seat, open_pieces) for seat in range(len(self._offers))]
            best = min(range(len(covers)), key=lambda seat: self._cost(seat, covers[seat], open_pieces), default=None)
            if best is None or not covers[best]:
                break
            self._take(best, covers[best])
            groups.append(Group(tuple(covers[best]), self._offers[best], self._promises[best]))
        return groups

    def incoming(self, demands: list[Demand]) -> list[Group]:
        """What is left, from deliveries on their way: the one with the earliest promise first."""
        by_receipt: dict[tuple[int, datetime.datetime], tuple[_Receipt, list[Piece]]] = {}
        for item in dict.fromkeys(demand.item_id for demand in demands):
            waiting = [demand for demand in demands if demand.item_id == item and self.rest(demand)]
            for receipt, units in self._receipts(item) if waiting else ():
                pieces = self._serve(waiting, units)
                if pieces:
                    key = (receipt.seat, receipt.expected_at)
                    by_receipt.setdefault(key, (receipt, []))[1].extend(pieces)
        return [
            Group(tuple(pieces), self._offers[receipt.seat], receipt.promise) for receipt, pieces in by_receipt.values()
        ]

    def preorder(self, demands: list[Demand]) -> list[Group]:
        """Preorders leave the preferred node from their release day; availability has limited how many are sold."""
        by_day: dict[datetime.date, list[Piece]] = {}
        for demand in demands:
            if demand.preorder_ships_on is not None and (piece := self.rest(demand)):
                by_day.setdefault(demand.preorder_ships_on, []).append(piece)
        return [group for day, pieces in sorted(by_day.items()) for group in self._preorder(day, pieces)]

    def _preorder(self, day: datetime.date, pieces: list[Piece]) -> list[Group]:
        for offer in self._offers:
            days = self._promise(offer, Supply(Basis.PREORDER, ships_from=day))
            if days:
                self._taken.update({piece.line_id: piece.quantity for piece in pieces})
                return [Group(tuple(pieces), offer, days)]
        return []

    def _promise(self, offer: Offer, supply: Supply) -> Promise | None:
        """None when a calendar gives no day: one badly configured node must not take the others down."""
        try:
            return promise(self._timing, offer.node, offer.transit, self._destination, supply)
        except BadInput as error:
            self.problems.append(f"{offer.node.code}: {error.message}")
            return None

    def _open(self, demands: list[Demand]) -> list[Piece]:
        return [piece for demand in demands if (piece := self.rest(demand))]

    def _cover(self, seat: int, wanted: list[Piece]) -> list[Piece]:
        """What this offer can send; lines of one item share its units, each alone would be promised twice."""
        left = dict(self._left[seat])
        covered = []
        for piece in wanted:
            units = min(piece.quantity, left.get(piece.item_id, 0))
            if units:
                left[piece.item_id] -= units
                covered.append(dataclasses.replace(piece, quantity=units))
        return covered

    def _cost(self, seat: int, cover: list[Piece], wanted: list[Piece]) -> tuple[object, ...]:
        """Smaller is better: whole lines, units, days, then the seat, which is the order of priority."""
        whole = len(set(cover) & set(wanted))
        units = sum(piece.quantity for piece in cover)
        window = self._promises[seat]
        return (-whole, -units, window.latest, window.earliest, seat)

    def _take(self, seat: int, pieces: list[Piece]) -> None:
        for piece in pieces:
            self._left[seat][piece.item_id] -= piece.quantity
            self._taken[piece.line_id] += piece.quantity

    def _receipts(self, item: uuid.UUID) -> list[tuple[_Receipt, int]]:
        due: Counter[tuple[int, datetime.datetime]] = Counter()
        for seat, offer in enumerate(self._offers):
            for supply in offer.incoming.get(item, ()):
                due[seat, supply.expected_at] += max(0, supply.quantity)
        receipts = [
            (_Receipt(seat, expected_at, days), units)
            for (seat, expected_at), units in due.items()
            if (days := self._promise(self._offers[seat], Supply(Basis.INCOMING, expected_at=expected_at)))
        ]
        return sorted(receipts, key=lambda pair: (pair[0].promise.latest, pair[0].expected_at, pair[0].seat))

    def _serve(self, waiting: list[Demand], units: int) -> list[Piece]:
        served = []
        for demand in waiting:
            piece = self.rest(demand)
            if piece and units:
                given = dataclasses.replace(piece, quantity=min(units, piece.quantity))
                units -= given.quantity
                self._taken[demand.line_id] += given.quantity
                served.append(given)
        return served
