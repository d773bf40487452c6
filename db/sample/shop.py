"""The shop while its last weeks are told: a clock, chance, sites, shelves, and stories that take turns by time."""

import dataclasses
import datetime
import heapq
import itertools
import random
from collections.abc import Generator
from typing import TYPE_CHECKING, Final, TypeAlias

from db.sample import places, shelves
from db.sample.book import Book
from domain.route import Node

if TYPE_CHECKING:
    from db.sample.orders import Order

# A story does something, yields the instant at which it goes on, and so forth; what lies in the future never happens.
Story: TypeAlias = Generator[datetime.datetime, None, None]
OPENED: Final = datetime.timedelta(days=50)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A location at work."""

    facts: places.Site
    node: Node

    @property
    def initial(self) -> str:
        return self.facts.initial

    def morning(self, days_ago: int, now: datetime.datetime) -> datetime.datetime:
        """Nine o'clock on the last open day but `days_ago` - 1 before today."""
        day = now.astimezone(self.node.calendar.tz).date()
        for _ in range(days_ago):
            day -= datetime.timedelta(days=1)
            while not self.node.calendar.is_open(day):
                day -= datetime.timedelta(days=1)
        return self.at(day, 9)

    def at(self, day: datetime.date, hour: float) -> datetime.datetime:
        wall = datetime.datetime.combine(day, datetime.time(), self.node.calendar.tz)
        return wall.astimezone(datetime.UTC) + datetime.timedelta(hours=hour)


class Shop:
    """`run` lets every story go on until `now`; then `orders` and `shelves` are as they would be at that instant."""

    def __init__(self, now: datetime.datetime, seed: int) -> None:
        self.now = now.astimezone(datetime.UTC)
        self.clock = self.now - OPENED
        # The same sample for the same seed is the point; nothing here is secret.
        self.chance = random.Random(seed)  # noqa: S311
        self.book = Book(seed)
        self.sites = {initial: self._site(facts) for initial, facts in places.SITES.items()}
        self.shelves = shelves.stocked(self.book, self.chance, self.clock)
        self.deliveries: list[shelves.Delivery] = []
        self.orders: list[Order] = []
        self._turns: list[tuple[datetime.datetime, int, Story]] = []
        self._count = itertools.count()

    def _site(self, facts: places.Site) -> Site:
        node = places.node(facts, self.book.id("location", facts.code), self.now.date())
        return Site(facts, node)

    def start(self, story: Story, at: datetime.datetime | None = None) -> None:
        heapq.heappush(self._turns, (at or self.clock, next(self._count), story))

    def run(self) -> None:
        while self._turns and self._turns[0][0] <= self.now:
            at, _, story = heapq.heappop(self._turns)
            self.clock = max(self.clock, at)
            following = next(story, None)
            if following is not None:
                self.start(story, following)

    def later(self, *, days: float = 0, hours: float = 0, minutes: float = 0) -> datetime.datetime:
        """That long after now, give or take a few minutes."""
        pause = datetime.timedelta(days=days, hours=hours, minutes=minutes)
        return self.clock + pause + datetime.timedelta(seconds=self.chance.randint(5, 240))

    def worked_at(self, site: Site) -> datetime.datetime:
        """When somebody at `site` gets to what arrives now."""
        day = site.node.calendar.work_day(self.clock)
        begun = max(site.at(day, 7.5), self.clock)
        return begun + datetime.timedelta(minutes=self.chance.randint(15, 110))
