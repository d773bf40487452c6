"""The ledger of quality: which tests of tests/connectors/test_contract.py prove a rule, and when it may be left out.

A rule that is done is proven by its tests; one that is exempt must have nothing to prove, where that can be told.
"""

from collections.abc import Mapping
from typing import Final

from connectors.base import Capability
from connectors.manifest import Manifest
from tests.contract.folder import Folder

PROOFS: Final[Mapping[str, tuple[str, ...]]] = {
    "samples": (
        "test_its_samples_are_complete_and_mapped_exactly",
        "test_its_orders_say_when_they_were_placed",
    ),
    "required_fields": ("test_its_mapping_is_pure_takes_more_fields_and_misses_needed_ones_by_their_path",),
    "unknown_values": ("test_a_word_that_nobody_knows_is_unknown_and_kept",),
    "paging": (
        "test_a_pull_ends_goes_on_after_a_restart_and_leaves_nothing_out",
        "test_a_pull_that_was_interrupted_loses_nothing_and_told_again_changes_nothing",
        "test_an_entry_that_cannot_be_read_harms_no_other",
    ),
    "typed_errors": (
        "test_a_fault_is_its_error_and_is_asked_once",
        "test_a_cancelled_call_leaves_no_request_open",
        "test_many_callers_of_a_broken_system_send_few_requests",
    ),
    "webhook_signature": (
        "test_a_genuine_delivery_is_taken_and_no_other",
        "test_deliveries_twice_and_in_any_order_end_the_same",
    ),
    "ids_stable": ("test_what_is_told_again_has_its_id_again_and_what_changed_another",),
    "idempotent_commands": ("test_a_command_repeated_with_its_key_is_done_once",),
    "rate_limit": ("test_no_more_is_asked_than_the_vendor_grants",),
    "no_secrets_shown": ("test_it_shows_no_secret", "test_a_fault_is_its_error_and_is_asked_once"),
    "simulator": ("test_it_can_do_what_its_manifest_declares_and_nothing_besides",),
    "readme": ("test_its_papers_are_complete_and_it_imports_only_what_folders_may",),
}
PULLS: Final = frozenset(
    {Capability.ORDERS_PULL, Capability.STOCK_PULL, Capability.SUPPLY_PULL, Capability.RETURNS_PULL}
)
COMMANDS: Final = frozenset({Capability.STOCK_PUSH, Capability.FULFILLMENT_REQUESTS})
# Rules that a folder with one of these abilities cannot leave out.
NEEDED: Final[Mapping[str, frozenset[Capability]]] = {
    "paging": PULLS,
    "idempotent_commands": COMMANDS,
    "webhook_signature": frozenset({Capability.WEBHOOKS}),
    "typed_errors": frozenset(Capability) - {Capability.WEBHOOKS},
}


def excused(folder: Folder) -> list[str]:
    """Rules that are left out although there is something to prove, and done although there is nothing."""
    found = []
    for rule, abilities in NEEDED.items():
        there = sorted(folder.manifest.capabilities & abilities)
        if there and not done(folder.manifest, rule):
            found.append(f"{rule} is exempt, and {there[0].value} is declared.")
        if not there and done(folder.manifest, rule):
            found.append(f"{rule} is done, and nothing that is declared needs it.")
    limited = folder.manifest.rate_limit is not None or folder.manifest.operations
    if done(folder.manifest, "rate_limit") and not limited:
        found.append("rate_limit is done, and the manifest has no limit.")
    return found


def done(manifest: Manifest, rule: str) -> bool:
    return manifest.quality[rule] == "done"
