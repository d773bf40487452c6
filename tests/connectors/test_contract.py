"""Every folder keeps the contract of a connector; a new one is found by its manifest."""

import pytest

from connectors import registry
from connectors.base import Capability
from tests.contract import abilities, deliveries, faults, folder, papers, samples, secrecy, storms, words
from tests.contract.folder import Folder
from tests.simulators.base import Fault

NAMES = sorted(registry.folders())
CALLS = [(name, method) for name, known in registry.folders().items() for method in abilities.asking(known)]
WEBHOOKS = [name for name, known in registry.folders().items() if Capability.WEBHOOKS in known.capabilities]


def of(name: str) -> Folder:
    return folder.read(registry.HERE / name, f"connectors.{name}", f"tests.simulators.{name}")


@pytest.mark.parametrize("name", NAMES)
def test_its_papers_are_complete_and_it_imports_only_what_folders_may(name: str) -> None:
    root = registry.HERE / name
    assert papers.incomplete(root) + papers.strange_imports(root, f"connectors.{name}") == []


@pytest.mark.parametrize("name", NAMES)
def test_it_can_do_what_its_manifest_declares_and_nothing_besides(name: str) -> None:
    assert abilities.differing(of(name)) + abilities.uncalled(of(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_its_samples_are_complete_and_mapped_exactly(name: str) -> None:
    assert samples.malformed(of(name)) + samples.uncovered(of(name)) + samples.inexact(of(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_its_mapping_is_pure_takes_more_fields_and_misses_needed_ones_by_their_path(name: str) -> None:
    assert samples.impure(of(name)) + samples.intolerant(of(name)) + samples.unmissed(of(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_word_that_nobody_knows_is_unknown_and_kept(name: str) -> None:
    assert words.unknown(of(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_its_orders_say_when_they_were_placed(name: str) -> None:
    assert samples.unplaced(of(name)) == []


@pytest.mark.parametrize("name", NAMES)
async def test_it_shows_no_secret(name: str) -> None:
    one = of(name)
    made = [one.create(instance, abilities.never) for instance in one.instances("http://127.0.0.1:9")]
    assert [finding for connector in made for finding in secrecy.leaking(connector)] == []


@pytest.mark.parametrize("fault", faults.ERRORS, ids=lambda fault: fault.value.replace(" ", "_"))
@pytest.mark.parametrize(("name", "method"), CALLS)
async def test_a_fault_is_its_error_and_is_asked_once(name: str, method: str, fault: Fault) -> None:
    assert await faults.faulty(of(name), method, fault) == []


@pytest.mark.parametrize(("name", "method"), CALLS)
async def test_a_cancelled_call_leaves_no_request_open(name: str, method: str) -> None:
    assert await faults.left_open(of(name), method) == []


@pytest.mark.parametrize(("name", "method"), CALLS)
async def test_many_callers_of_a_broken_system_send_few_requests(name: str, method: str) -> None:
    assert await storms.unbounded(of(name), method) == []


@pytest.mark.parametrize(("name", "method"), CALLS)
async def test_no_more_is_asked_than_the_vendor_grants(name: str, method: str) -> None:
    assert await storms.hasty(of(name), method) == []


@pytest.mark.parametrize("name", WEBHOOKS)
async def test_a_genuine_delivery_is_taken_and_no_other(name: str) -> None:
    assert await deliveries.wrong(of(name)) == []
