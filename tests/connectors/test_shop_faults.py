"""Whatever goes wrong at Shopify's or Amazon's end is one of the four errors, for every ability that goes out."""

from types import ModuleType

import pytest

import connectors.amazon
import connectors.shopify
import tests.simulators.amazon
import tests.simulators.shopify
from connectors.base import Capability
from connectors.errors import BadPayload, ConnectorError, RateLimited, Unauthorized, Unreachable
from tests.simulators.base import Fault, opener

EXPECTED: dict[Fault, type[ConnectorError]] = {
    Fault.UNAUTHORIZED: Unauthorized,
    Fault.RATE_LIMITED: RateLimited,
    Fault.BROKEN: Unreachable,
    Fault.TIMEOUT: Unreachable,
    Fault.CUT: Unreachable,
    Fault.DRIP: Unreachable,
    Fault.WRONG_TYPE: BadPayload,
}
SHOPS = [(connectors.shopify, tests.simulators.shopify), (connectors.amazon, tests.simulators.amazon)]
ABILITIES = [(folder, simulator, one) for folder, simulator in SHOPS for one in simulator.CALLS]


@pytest.mark.parametrize("fault", EXPECTED)
@pytest.mark.parametrize(("folder", "simulator", "ability"), ABILITIES)
async def test_a_fault_is_its_error_and_is_not_asked_again(
    folder: ModuleType, simulator: ModuleType, ability: Capability, fault: Fault
) -> None:
    async with simulator.Server().running() as server, opener(0.2) as http:
        connector = folder.create(simulator.instance(server.url), http)
        if folder is connectors.amazon:
            await connector.pull_stock(None, None)  # It has a token.
        server.every, before = fault, len(server.seen)
        with pytest.raises(EXPECTED[fault]):
            await simulator.CALLS[ability](connector)
        # A refused token is fetched anew, which is refused too.
        again = folder is connectors.amazon and fault is Fault.UNAUTHORIZED
        assert len(server.seen) - before == (2 if again else 1)
