"""A command repeated with its key is done once: twice in a row, after a restart, and when its answer was lost."""

import copy
from typing import Any

from connectors.errors import Unreachable
from tests.contract.folder import Folder
from tests.contract.served import call_of, served
from tests.simulators.base import Fault


async def repeated(folder: Folder, method: str) -> list[str]:
    """Compared is what the simulated system has of it afterwards (`effects`), and what the connector answers."""
    call, effects = call_of(folder, method), folder.simulator.effects
    async with served(folder) as of:
        before = _kept(effects(of.server))
        answers = [await call(of.connector())]
        requests, once = len(of.server.seen), _kept(effects(of.server))
        answers.append(await call(of.connector()))
        found = [] if _kept(effects(of.server)) == once else ["done twice, it does something more"]
        if answers[0] != answers[1]:
            found.append(f"{answers[0]!r} is answered, and {answers[1]!r} when it is repeated")
        if before == once:
            return ["it does nothing in the simulator, so nothing is proven"]
    return [*found, *await _unheard(folder, method, requests, once)]


async def _unheard(folder: Folder, method: str, requests: int, once: object) -> list[str]:
    """Its last request was done and the answer lost; whoever asked asks again under the same key."""
    call = call_of(folder, method)
    async with served(folder) as of:
        of.server.faults.extend([*[None] * (requests - 1), Fault.UNHEARD])
        try:
            await call(of.connector())
        except Unreachable:
            pass
        else:
            return ["a lost answer goes unnoticed"]
        await call(of.connector())
        same = _kept(folder.simulator.effects(of.server)) == once
        return [] if same else ["done and asked for again, because the answer was lost, it does something more"]


def _kept(effects: Any) -> Any:
    return copy.deepcopy(effects)
