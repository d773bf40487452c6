"""The long run: `make chaos MINUTES=N`, or python -m tests.chaos MINUTES [SEED]. The last line is the verdict."""

import asyncio
import secrets
import sys
import time

from tests.chaos.suite import Suite, Verdict
from tests.chaos.world import redis_server

BAR = 30


class Progress:
    """A bar on a terminal, a line per fault elsewhere."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        passed = time.monotonic() - self.began
        if sys.stdout.isatty():
            done = min(BAR, int(BAR * passed / self.seconds))
            print(f"\r\033[K[{'#' * done}{'.' * (BAR - done)}] {passed:4.0f} s  {text}", end="", flush=True)
        else:
            print(f"{passed:5.0f} s  {text}", flush=True)


async def follow(minutes: float, seed: int) -> Verdict:
    """Half of the time with PostgreSQL as bus, half with Redis where there is one."""
    progress = Progress(minutes * 60)
    buses = [False, True] if redis_server() else [False]
    total = Verdict()
    for redis in buses:
        progress.say("bus: Redis" if redis else "bus: PostgreSQL")
        verdict = await Suite(seed, progress.say, minutes * 60 / len(buses), redis=redis).run()
        total.problems += verdict.problems
        for name in ("deliveries", "resets", "connects", "writes", "faults"):
            setattr(total, name, getattr(total, name) + getattr(verdict, name))
    return total


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbelow(10**6)
    verdict = asyncio.run(follow(minutes, seed))
    if sys.stdout.isatty():
        print()
    for problem in verdict.problems:
        print(problem)
    if not redis_server():
        print("without the runs over Redis: there is no redis-server here")
    print(f"seed {seed}: {verdict.line}")
    return 1 if verdict.problems else 0


if __name__ == "__main__":
    sys.exit(main())
