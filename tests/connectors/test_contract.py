"""Every folder keeps the contract of a connector; a new one is found by its manifest."""

from collections.abc import AsyncIterator

import pytest
from graphql import GraphQLSchema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import db.pool
from connectors import registry
from connectors.base import Capability
from schema import build
from tests.contract import (
    abilities,
    commands,
    deliveries,
    disorder,
    faults,
    folder,
    ids,
    ledger,
    papers,
    pulls,
    samples,
    secrecy,
    storms,
    unread,
    words,
)
from tests.contract.disorder import Told
from tests.contract.folder import Folder
from tests.contract.served import served
from tests.simulators.base import Fault

NAMES = sorted(registry.folders())
CALLS = [(name, method) for name, known in registry.folders().items() for method in abilities.asking(known)]
PULLS = [(name, method) for name, method in CALLS if method in abilities.PULLING]
COMMANDS = [(name, method) for name, method in CALLS if method in abilities.COMMANDS]
WEBHOOKS = [name for name, known in registry.folders().items() if Capability.WEBHOOKS in known.capabilities]


def of(name: str) -> Folder:
    return folder.read(registry.HERE / name, f"connectors.{name}", f"tests.simulators.{name}")


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.mark.parametrize("name", NAMES)
def test_its_ledger_leaves_nothing_out_that_can_be_proven(name: str) -> None:
    assert ledger.excused(of(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_its_papers_are_complete_and_it_imports_only_what_folders_may(name: str) -> None:
    root = registry.HERE / name
    assert papers.incomplete(root) + papers.unexplained(root, of(name).manifest) == []
    assert papers.strange_imports(root, f"connectors.{name}") == []


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
def test_an_entry_that_cannot_be_read_harms_no_other(name: str) -> None:
    assert unread.harmful(of(name)) == []


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


@pytest.fixture
async def told(request: pytest.FixtureRequest, core: GraphQLSchema, pool: db.pool.Pool) -> AsyncIterator[Told]:
    """The folder's news, and what they lead to when each is told once and in order."""
    async with served(of(request.param)) as system:
        yield await disorder.told(system, core, pool)


@pytest.mark.parametrize("told", WEBHOOKS, indirect=True)
@settings(
    max_examples=10,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(chosen=st.data())
async def test_deliveries_twice_and_in_any_order_end_the_same(told: Told, chosen: st.DataObject) -> None:
    """Invariant: what is known depends on what was sent, not on how often or in which order."""
    again = chosen.draw(st.lists(st.sampled_from([*told.once, *told.anew]), min_size=1, max_size=4))
    assert await told.otherwise(chosen.draw(st.permutations([*told.once, *again]))) == []


@pytest.mark.parametrize("name", NAMES)
async def test_what_is_told_again_has_its_id_again_and_what_changed_another(name: str) -> None:
    assert await ids.unstable(of(name)) == []


@pytest.mark.parametrize(("name", "method"), COMMANDS)
async def test_a_command_repeated_with_its_key_is_done_once(name: str, method: str) -> None:
    assert await commands.repeated(of(name), method) == []


@pytest.mark.parametrize(("name", "method"), PULLS)
async def test_a_pull_ends_goes_on_after_a_restart_and_leaves_nothing_out(name: str, method: str) -> None:
    assert await pulls.torn(of(name), method) == []


@pytest.mark.parametrize(("name", "method"), PULLS)
async def test_a_pull_that_was_interrupted_loses_nothing_and_told_again_changes_nothing(
    name: str, method: str, core: GraphQLSchema, pool: db.pool.Pool
) -> None:
    assert await pulls.lost(of(name), method, core, pool) == []
