"""Live fields answered by connectors: one round per instance for all rows, each row its own kept answer."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from connectors.answering import Answering
from connectors.base import Capability, Estimate, Lane, Parcel, StockPlace
from connectors.errors import ConnectorError
from connectors.runtime import Answer, Runtime
from domain.live import LiveReason
from domain.records import OrderRecord, OrderRef
from resolvers.sources import LiveCall, LiveFetch, LiveResult

MOST: Final = 100
CODE: Final = "CONNECTOR_"
T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Kind:
    """`item` makes of a row's keys and the arguments (instance, what to ask for), `ask` asks for many.

    `value` None: not known there.
    """

    capability: Capability
    item: Callable[[Answering, Mapping[str, Any]], tuple[str | None, Hashable]]
    ask: Callable[[Any, Sequence[Any]], Awaitable[Sequence[Any]]]
    value: Callable[[Any], Mapping[str, Any] | None]


class LiveSource:
    """A fetcher of the engine. Never raises for what a system does; the reason stands in the results."""

    def __init__(self, kind: Kind, runtime: Runtime, answering: Answering) -> None:
        self.kind = kind
        self.runtime = runtime
        self.answering = answering

    async def __call__(self, calls: Sequence[LiveCall], seconds: float) -> Sequence[LiveResult]:
        results: list[LiveResult] = [LiveResult(reason=LiveReason.NOT_CONNECTED)] * len(calls)
        rounds: dict[str, dict[Hashable, list[int]]] = {}
        for place, call in enumerate(calls):
            instance, item = self.kind.item(self.answering, {**call.arguments, **call.keys})
            if instance is not None:
                rounds.setdefault(instance, {}).setdefault(item, []).append(place)
        found = await asyncio.gather(
            *(self._round(name, list(wanted), calls[0].arguments, seconds) for name, wanted in rounds.items())
        )
        for (name, wanted), answers in zip(rounds.items(), found, strict=True):
            for item, places in wanted.items():
                for place in places:
                    results[place] = answers.get(item, LiveResult(reason=LiveReason.TOO_MANY, source=name))
        return results

    async def _round(
        self, name: str, items: Sequence[Hashable], given: Mapping[str, Any], seconds: float
    ) -> Mapping[Hashable, LiveResult]:
        deadline = min(max(given["timeout"], 50), 5000) / 1000
        wanted = items[:MOST]

        async def ask(connector: Any, some: Sequence[Hashable]) -> Sequence[Any]:
            return await self.kind.ask(connector, some)

        try:
            answers = await self.runtime.batch(
                name,
                self.kind.capability,
                wanted,
                ask,
                deadline=min(deadline, seconds),
                max_age=float(max(0, given["maxAge"])),
            )
        except ConnectorError as error:
            return dict.fromkeys(wanted, _failed(name, error))
        return {item: self._result(name, answer) for item, answer in zip(wanted, answers, strict=True)}

    def _result(self, name: str, answer: Answer[Any] | ConnectorError) -> LiveResult:
        if isinstance(answer, ConnectorError):
            return _failed(name, answer)
        value = self.kind.value(answer.value)
        unknown = LiveReason.NOT_KNOWN_THERE if value is None else None
        return LiveResult(value, answer.fetched_at, unknown, round(answer.latency_ms, 1), name)


def _failed(name: str, error: ConnectorError) -> LiveResult:
    reason = LiveReason.__members__.get(error.code.removeprefix(CODE), LiveReason.FAILED)
    return LiveResult(reason=reason, source=name)


def parcel(answering: Answering, keys: Mapping[str, Any]) -> tuple[str | None, Hashable]:
    name = answering.carrier(keys["carrier"])
    if name is None or not keys["trackingNumber"]:
        return None, None
    return name, Parcel(keys["carrier"], keys["trackingNumber"])


def place(answering: Answering, keys: Mapping[str, Any]) -> tuple[str | None, Hashable]:
    return answering.location(keys["location"]), StockPlace(keys["sku"], keys["location"])


def order(answering: Answering, keys: Mapping[str, Any]) -> tuple[str | None, Hashable]:
    return answering.source(keys["system"]), OrderRef(keys["channel"], keys["number"])


def lane(answering: Answering, keys: Mapping[str, Any]) -> tuple[str | None, Hashable]:
    """Handed over today, or when the work may begin. Without both postal codes nobody can say anything."""
    places = [keys[name] for name in ("fromCountry", "fromPostalCode", "toCountry", "toPostalCode")]
    if not all(places):
        return None, None
    here, sender, there, receiver = places
    today = dt.datetime.now(dt.UTC).date()
    begins = keys["fulfillAt"]
    ready_on = max(today, dt.date.fromisoformat(begins[:10])) if begins else today
    return answering.estimator(), Lane(here, sender, there, receiver, ready_on, keys["service"])


def soonest(estimates: Sequence[Estimate]) -> Mapping[str, Any] | None:
    if not estimates:
        return None
    first = min(estimates, key=lambda one: one.latest)
    return {"service": first.service, "earliest": first.earliest, "latest": first.latest}


def newest_scan(scans: Sequence[Any]) -> Mapping[str, Any] | None:
    """The last scan, and the last estimate that any of them told."""
    if not scans:
        return None
    last = max(scans, key=lambda scan: scan.occurred_at)
    estimates = [scan.estimated_delivery_at for scan in scans if scan.estimated_delivery_at]
    return {
        "status": last.status.value,
        "rawCode": last.raw_code,
        "rawText": last.raw_text,
        "lastEventAt": last.occurred_at,
        "city": last.city,
        "country": last.country,
        "estimatedDeliveryAt": estimates[-1] if estimates else None,
    }


def counted(record: Any) -> Mapping[str, Any] | None:
    return None if record is None else {"onHand": record.on_hand, "countedAt": record.occurred_at}


def order_state(records: Sequence[Any]) -> Mapping[str, Any] | None:
    """What the system says of the order itself; its parcels and work orders have fields of their own."""
    told = next((record for record in records if isinstance(record, OrderRecord)), None)
    if told is None:
        return None
    status = told.status.value if told.status else None
    return {"status": status, "sourceStatus": told.source_status, "changedAt": told.occurred_at}


KINDS: Final[Mapping[str, Kind]] = {
    "tracking": Kind(Capability.TRACKING, parcel, lambda connector, some: connector.track(some), newest_scan),
    "estimates": Kind(Capability.DELIVERY_ESTIMATE, lane, lambda connector, some: connector.estimate(some), soonest),
    "stock": Kind(Capability.STOCK_LOOKUP, place, lambda connector, some: connector.look_up_stock(some), counted),
    "orders": Kind(Capability.ORDER_LOOKUP, order, lambda connector, some: connector.look_up_orders(some), order_state),
}


def fetchers(runtime: Runtime, answering: Answering) -> Mapping[str, LiveFetch]:
    """What the engine asks, by the names that the schema uses."""
    return {name: LiveSource(kind, runtime, answering) for name, kind in KINDS.items()}
