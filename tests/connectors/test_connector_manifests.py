"""What a manifest promises is what its connector does; a ceiling holds in every window."""

from importlib.resources import files

import pytest
from connectors.market import GATEWAY, MIRAKL, URLS, Market, secrets
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.connectors import manifest as manifests
from entrepot.connectors.manifest import Manifest
from entrepot.connectors.port import Access, Ceiling, Connector, bucket
from entrepot.connectors.registry import CONNECTORS, connect

SPECIAL = {"orders_api": "2026-01-01", "marketplace_id": "A1PA6795UKMFR9", "marketplace": "EBAY_DE"}
SECRETS = ("key", "secret", "refresh_token", "session_token", "verification_token")
KINDS = {
    "orders": "order",
    "debits": "debit",
    "refunds": "refund",
    "returns": "return",
    "shipments": "shipment",
    "cycles": "cycle",
    "transactions": "transaction",
    "shops": "shop",
    "offer-details": "offer-detail",
    "threads": "thread",
}
PACKAGES = {name: f"entrepot.connectors.{name.replace('-', '_')}" for name in CONNECTORS}


def connector_of(name: str, market: Market) -> Connector:
    """Bound to nowhere: with every credential its manifest knows."""
    fields = manifests.load(PACKAGES[name]).credentials
    given = {word: (lambda word=word: SPECIAL.get(word, f"http://{word}.example")) for word in fields}
    return connect(name, Access(f"{name}/main", "http://system.example", given))


@pytest.fixture(params=sorted(PACKAGES))
def both(request: pytest.FixtureRequest, market: Market) -> tuple[Manifest, Connector]:
    return manifests.load(PACKAGES[request.param]), connector_of(request.param, market)


def test_every_connector_has_a_manifest_of_its_name() -> None:
    assert set(PACKAGES) == set(CONNECTORS)
    for name, package in PACKAGES.items():
        assert manifests.load(package).name == name


def test_operations_and_sources_are_those_of_the_manifest(both: tuple[Manifest, Connector]) -> None:
    manifest, connector = both
    assert set(manifest.operations) == set(connector.operations)
    assert set(manifest.sources) == set(connector.sources)
    for name, row in manifest.operations.items():
        operation = connector.operations[name]
        assert (operation.money, operation.partner_key, operation.settle_s) == (
            row.money,
            row.partner_key,
            row.settle_s,
        )
        assert operation.can_read_back
    for name, source in manifest.sources.items():
        assert (connector.sources[name].name, connector.sources[name].flow) == (name, source.flow)
        assert connector.sources[name].every_s == source.every_s


def test_every_kind_of_record_has_a_flow_and_a_reader(both: tuple[Manifest, Connector]) -> None:
    manifest, connector = both
    assert set(manifest.flows) <= set(connector.translators)


def test_a_source_and_its_records_belong_to_one_flow() -> None:
    manifest = manifests.load(PACKAGES["mirakl"])
    for source, kind in KINDS.items():
        assert manifest.sources[source].flow == manifest.flows[kind], source


def test_every_secret_is_declared_sensitive(both: tuple[Manifest, Connector]) -> None:
    manifest, _ = both
    for name, field in manifest.credentials.items():
        assert field.sensitive is (any(word in name for word in SECRETS)), name
        assert field.label


def test_a_manifest_says_where_its_ceilings_come_from() -> None:
    for package in PACKAGES.values():
        assert files(package).joinpath("manifest.toml").read_text().startswith("# ")


def test_an_account_may_be_granted_other_ceilings_and_another_time_to_settle() -> None:
    access = Access(MIRAKL, URLS["mirakl"], secrets("mirakl"), {"PA01": (Ceiling(1, 60),)}, settle_s=5)
    operation = connect("mirakl", access).operations["mirakl.confirm-debit"]
    assert operation.limit is not None
    assert (operation.limit.name, operation.limit.capacity) == ("mirakl.confirm-debit", 1)
    assert operation.settle_s == 5


def test_the_gateway_honours_our_key_and_the_marketplace_does_not(market: Market) -> None:
    assert all(one.partner_key and one.money for one in market.gateway.operations.values())
    assert not any(one.partner_key for one in market.mirakl.operations.values())
    assert (market.gateway.account, market.mirakl.account) == (GATEWAY, MIRAKL)


CEILINGS = st.lists(
    st.builds(Ceiling, st.integers(min_value=1, max_value=200), st.integers(min_value=1, max_value=3_600).map(float)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=200, deadline=None)
@given(ceilings=CEILINGS, pauses=st.lists(st.integers(min_value=0, max_value=50), max_size=120))
def test_a_bucket_never_lets_more_through_than_any_ceiling_in_any_window(
    ceilings: list[Ceiling], pauses: list[int]
) -> None:
    limit = bucket("x", ceilings)
    assert limit is not None
    tokens, now, let = limit.capacity, 0.0, list[float]()
    for pause in pauses:
        now += pause
        tokens = min(limit.capacity, tokens + pause * limit.per_s)
        if tokens >= 1:
            tokens -= 1
            let.append(now)
    for ceiling in ceilings:
        for first in let:
            inside = [at for at in let if first <= at < first + ceiling.per_s]
            assert len(inside) <= ceiling.calls


def test_without_a_ceiling_there_is_no_bucket() -> None:
    assert bucket("x", []) is None
