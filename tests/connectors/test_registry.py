"""Manifests and the connectors' file: read in full, wrong ones refused by place, secrets never shown."""

from pathlib import Path

import pytest

from connectors import manifest, registry
from connectors.base import Capability, Instance
from connectors.manifest import QUALITY, BadManifest, Kind, Proof, RateLimit

RULES = "\n".join(f'{rule} = "done"' for rule in QUALITY)
ACME = f"""
name = "Acme WMS"
kind = "warehouse"
owner = "logistics"
api_version = "2026-07"
proven_against = "simulator"
capabilities = ["stock_pull"]
hosts = ["api.acme.example", "*.acme.test"]

[options.url]
about = "Address of the API"
default = "https://api.acme.example"

[options.account]
about = "Number of the account"

[secrets.token]
about = "Access token"

[rate_limit]
requests = 2
burst = 40

[quality]
{RULES}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "manifest.toml").write_text(ACME)
    return tmp_path


def configured(tmp_path: Path, text: str) -> tuple[registry.Entry, manifest.Manifest]:
    file = tmp_path / "connectors.toml"
    file.write_text(text)
    (tmp_path / "acme").mkdir(exist_ok=True)
    (tmp_path / "acme" / "manifest.toml").write_text(ACME)
    return registry.entries(file)["east"], registry.folders(tmp_path)["acme"]


def test_a_folder_is_found_by_its_manifest(root: Path) -> None:
    known = registry.folders(root)["acme"]
    assert (known.id, known.name, known.kind, known.proven_against) == (
        "acme",
        "Acme WMS",
        Kind.WAREHOUSE,
        Proof.SIMULATOR,
    )
    assert known.capabilities == {Capability.STOCK_PULL}
    assert known.rate_limit == RateLimit(requests=2, seconds=1, burst=40)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('kind = "warehouse"', 'kind = "shed"', "kind"),
        ('["stock_pull"]', '["stock_pull", "magic"]', "capabilities"),
        ('owner = "logistics"', 'owner = ""', "owner"),
        ('owner = "logistics"', 'owner = "a"\nbanana = 1', "banana"),
        ('paging = "done"', 'paging = "maybe"', "quality.paging"),
        ('paging = "done"\n', "", "paging"),
        ("requests = 2", "requests = 0", "rate_limit.requests"),
        ("name = ", "name == ", "TOML"),
    ],
)
def test_a_wrong_manifest_is_refused_by_its_place(root: Path, old: str, new: str, place: str) -> None:
    assert old in ACME
    (root / "acme" / "manifest.toml").write_text(ACME.replace(old, new))
    with pytest.raises(BadManifest, match=place) as refused:
        registry.folders(root)
    assert "acme/manifest.toml" in str(refused.value)


def test_an_instance_gets_defaults_and_secrets_from_environment_and_file(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("old-token\n")
    text = f"""
[east]
connector = "acme"
options = {{account = "7"}}
locations = {{"WH1" = "east"}}
private = true
[east.secrets]
token = ["env:ACME_TOKEN", "file:{secret}"]
"""
    entry, known = configured(tmp_path, text)
    made = registry.instance("east", entry, known, {"ACME_TOKEN": "new-token"})
    assert made.options == {"account": "7", "url": "https://api.acme.example"}
    assert [one.reveal() for one in made.secrets["token"]] == ["new-token", "old-token"]
    assert (made.location("WH1"), made.vendor_location("east")) == ("east", "WH1")
    assert entry.private
    assert "new-token" not in repr(made)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"needs the option account: Number of the account"),
        ('options = {account = "7"}', "needs the secret token"),
        ('options = {account = "7", banana = "1"}', "sets the option banana"),
        ('options = {account = "7"}\nsecrets = {token = "env:NOT_SET"}', "from env:NOT_SET, which is not there"),
        ('options = {account = "7"}\nsecrets = {token = "file:/nowhere/token"}', "which is not there"),
        ('options = {account = "7"}\nsecrets = {token = "env:EMPTY"}', "which is empty"),
    ],
)
def test_an_instance_that_lacks_something_is_refused(tmp_path: Path, text: str, message: str) -> None:
    entry, known = configured(tmp_path, f'[east]\nconnector = "acme"\n{text}\n')
    with pytest.raises(BadManifest, match=message):
        registry.instance("east", entry, known, {"EMPTY": " "})


def test_a_secret_in_the_file_itself_is_refused_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(BadManifest, match=r"connectors.toml \[east\]: secrets.token") as refused:
        configured(tmp_path, '[east]\nconnector = "acme"\nsecrets = {token = "hunter2"}\n')
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("api.acme.example", True),
        ("API.acme.example", True),
        ("x.acme.test", True),
        ("acme.test", False),
        ("evilacme.test", False),
        ("wms.intern.example", True),
        ("example", False),
    ],
)
def test_only_listed_hosts_and_the_operators_own(tmp_path: Path, host: str, allowed: bool) -> None:
    text = '[east]\nconnector = "acme"\noptions = {account = "7", url = "https://wms.intern.example/api"}\n'
    entry, known = configured(tmp_path, text)
    assert registry.allows(known, entry, host) is allowed


def test_the_folders_of_this_repository_are_in_order() -> None:
    for folder, known in registry.folders().items():
        assert known.id == folder


def test_a_folder_makes_its_connector_by_name() -> None:
    with pytest.raises(ModuleNotFoundError, match="acme"):
        registry.create("acme", Instance("east"), lambda base: pytest.fail(base))
