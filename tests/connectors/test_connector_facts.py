"""What the linter is told of a connector is what its code does."""

import subprocess
import sys

import pytest
from connectors.market import Market
from connectors.test_connector_manifests import connector_of

from entrepot.app import connect_all
from entrepot.blueprint.entries import Pattern
from entrepot.blueprint.lint.samples import base_text
from entrepot.blueprint.load import loads
from entrepot.blueprint.model import MANUAL
from entrepot.connectors import manifest as manifests
from entrepot.connectors import registry
from entrepot.connectors.facts import facts, facts_of
from entrepot.flows.runs import RUNS

PATTERNS = set(Pattern.__args__)  # type: ignore[attr-defined]  # the words of a Literal
SHIPPED = sorted(registry.CONNECTORS)


def test_there_are_facts_of_every_connector_and_of_what_nobody_calls() -> None:
    assert set(facts()) >= {*registry.CONNECTORS, MANUAL}
    assert {name for name, known in facts().items() if not known.calls} == {MANUAL}
    assert registry.facts() is facts()


@pytest.mark.parametrize("name", SHIPPED)
def test_read_back_is_said_where_the_code_can_look_and_nowhere_else(name: str, market: Market) -> None:
    connector = connector_of(name, market)
    said = {operation: write.read_back for operation, write in facts()[name].writes.items()}
    assert said == {operation: found.can_read_back for operation, found in connector.operations.items()}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_manifest_speaks_the_words_of_the_blueprint(name: str, market: Market) -> None:
    known = facts()[name]
    assert known.patterns
    assert known.patterns <= PATTERNS
    assert known.models <= {"operator", "syndication"}
    assert known.needed <= known.credentials
    called = {row.code for row in manifest(name).sources.values()} | {
        row.code for row in manifest(name).operations.values()
    }
    bound = connector_of(name, market)
    looked_up = {one.limit.name for one in bound.lookups.values() if one.limit}
    together = {row.together_code for row in manifest(name).operations.values()}
    assert set(known.ceilings) <= called | looked_up | together | set(manifest(name).also_called)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_source_belongs_to_a_flow_the_hub_runs(name: str) -> None:
    rows = manifest(name)
    assert {row.flow for row in rows.sources.values()} | set(rows.flows.values()) <= set(RUNS)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_manifests_own_intervals_keep_the_published_ceilings(name: str) -> None:
    known = facts()[name]
    for source, row in manifest(name).sources.items():
        for ceiling in known.ceilings.get(row.code, ()):
            assert row.every_s * ceiling.calls >= ceiling.per_s, source


def test_a_published_deadline_says_where_it_is_published() -> None:
    rows = [row for name in SHIPPED for row in manifest(name).deadlines.values()]
    assert rows
    assert all(row.within_s > 0 and row.source for row in rows)


def test_facts_are_the_manifest_word_by_word() -> None:
    known, rows = facts_of(manifest("mirakl")), manifest("mirakl")
    assert known.sweeps["offers"] == "OF51"
    assert [(c.calls, c.per_s) for c in known.ceilings["TL02"]] == [(20, 60), (60, 3600)]
    assert known.writes["mirakl.refund"].money is rows.operations["mirakl.refund"].money is True


def test_a_queue_of_events_is_looked_into_as_often_as_the_plan_says_and_needs_all_of_its_credentials() -> None:
    known = facts_of(manifest("backoffice"))
    assert known.sweeps["events"] == "sqs"
    assert set(known.needed_once.values()) == {"queue_url"} and "queue_url" not in known.needed
    assert set(known.needed_once) == {"aws_region", "aws_access_key_id", "aws_secret_access_key"}


def test_a_sellers_plan_is_held_to_what_each_channel_demands_today() -> None:
    walmart = facts_of(manifest("walmart"))
    assert walmart.duties == {"acknowledge", "ship", "cancelled"}
    assert walmart.deadlines_s == {"acknowledge": 4 * 3600}  # the others count from the ship-by date, or have ended
    assert facts_of(manifest("ebay")).deadlines_s == {}


def test_a_system_that_others_connect_is_called_by_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_URL", "https://market.example")
    plan = loads(base_text().replace("sellers:\n", "  erp/main: {system: erp}\nsellers:\n"), facts=facts())
    assert set(plan.accounts) == {"market/main", "erp/main"}
    assert set(connect_all(plan)) == {"market/main"}


def test_asking_for_facts_loads_no_connector() -> None:
    """`entrepot check` answers at once: it reads manifests, not wires."""
    code = "import sys; from entrepot.connectors.facts import facts; facts(); print(*sorted(m for m in sys.modules if m.endswith(('.wire', '.connector', 'psycopg'))))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def manifest(name: str) -> manifests.Manifest:
    return manifests.load(f"entrepot.connectors.{name.replace('-', '_')}")
