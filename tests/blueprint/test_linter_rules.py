"""What the samples cannot show: rules in their variations, and knowledge of connectors that do not ship."""

from pathlib import Path

import pytest

from entrepot.blueprint.lint.facts import CallCeiling, ConnectorFacts, Facts, WriteFacts
from entrepot.blueprint.lint.look import circles
from entrepot.blueprint.lint.modes import OPENED, TRADE, of_the_trade
from entrepot.blueprint.lint.samples import base_text, sampled
from entrepot.blueprint.load import examine_text
from entrepot.blueprint.owning import OBJECTS

BASE = base_text()
MANUAL = ConnectorFacts("manual", calls=False)


def told(tmp_path: Path, sample: str, facts: Facts | None = None) -> list[str]:
    return [finding.code for finding in sampled(sample, tmp_path, facts=facts or {}).findings]


def connectors(**known: object) -> Facts:
    """The base plan's two connectors, the marketplace's as it is said here."""
    facts: dict[str, object] = {
        "party": "marketplace",
        "models": frozenset({"operator"}),
        "credentials": frozenset({"api_key"}),
        **known,
    }
    return {"mirakl": ConnectorFacts("mirakl", **facts), "manual": MANUAL}  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("writes", "codes"),
    [
        ({"pay": WriteFacts(partner_key=False, read_back=False)}, ["E305"]),
        ({"pay": WriteFacts(partner_key=True, read_back=False)}, []),
        ({"pay": WriteFacts(partner_key=False, read_back=True)}, []),
        (
            {
                "pay": WriteFacts(partner_key=False, read_back=True),
                "tell": WriteFacts(partner_key=False, read_back=False),
            },
            ["E305"],
        ),
    ],
)
def test_a_write_is_repeated_by_their_key_or_looked_up(
    tmp_path: Path, writes: dict[str, WriteFacts], codes: list[str]
) -> None:
    sample = "flows:\n  payouts:\n    to: [market, erp]\n"
    assert told(tmp_path, sample, connectors(writes=writes)) == codes


@pytest.mark.parametrize(("every", "codes"), [("59s", ["E309"]), ("60s", []), ("1h", [])])
def test_an_interval_keeps_every_ceiling_of_its_call(tmp_path: Path, every: str, codes: list[str]) -> None:
    known = connectors(sweeps={"orders": "OR11"}, ceilings={"OR11": (CallCeiling(100, 60), CallCeiling(60, 3600))})
    assert told(tmp_path, f"accounts:\n  market/main:\n    sweeps: {{orders: {every}}}\n", known) == codes


def test_a_pattern_is_right_when_one_end_can_do_it(tmp_path: Path) -> None:
    sample = "flows:\n  orders:\n    pattern: queue\n"
    assert (
        told(tmp_path, sample, connectors(patterns=frozenset({"event"}))) == []
    )  # software nobody knows stands at the other end
    both = {
        **connectors(patterns=frozenset({"event"})),
        "manual": ConnectorFacts("manual", calls=False, patterns=frozenset({"file"})),
    }
    assert told(tmp_path, sample, both) == [
        "E308",
        "E308",
        "E308",
    ]  # and neither end can do the base plan's safety checks
    assert (
        told(
            tmp_path,
            sample,
            {**both, "manual": ConnectorFacts("manual", calls=False, patterns=frozenset({"queue", "scheduled-job"}))},
        )
        == []
    )


def test_a_published_deadline_bounds_the_promise(tmp_path: Path) -> None:
    assert told(tmp_path, "flows: {}\n", connectors(deadlines_s={"acknowledge": 48 * 3600})) == []
    assert told(tmp_path, "flows: {}\n", connectors(deadlines_s={"acknowledge": 24 * 3600})) == ["E314"]


@pytest.mark.parametrize(
    ("pattern", "latency", "codes"),
    [
        ("scheduled-job", "finance-close", []),
        ("file", "finance-close", []),
        ("event", "finance-close", ["E301"]),
        ("direct-api", "finance-close", ["E301"]),
        ("scheduled-job", "near-real-time", ["E301"]),
        ("queue", "near-real-time", ["E301"]),
    ],
)
@pytest.mark.parametrize("moved", ["settlement", "statement", "commission", "payout"])
def test_money_that_closes_by_cycle_moves_in_batches(
    tmp_path: Path, moved: str, pattern: str, latency: str, codes: list[str]
) -> None:
    sample = f"flows:\n  payouts: {{object: {moved}, pattern: {pattern}, also: scheduled-job, latency: {latency}, to: [market]}}\n"
    assert told(tmp_path, sample) == codes


@pytest.mark.parametrize("moved", ["offer", "listing", "stock-pool"])
@pytest.mark.parametrize(
    ("name", "latency", "codes"),
    [
        ("offers", "near-real-time", []),
        ("offers", "checkout-blocking", []),
        ("offers", "same-day-operational", ["E302"]),
        ("offers", "next-cycle-enrichment", ["E302"]),
        ("listing-content", "next-cycle-enrichment", []),
    ],
)
def test_what_is_sold_is_fresh_and_content_may_follow(
    tmp_path: Path, moved: str, name: str, latency: str, codes: list[str]
) -> None:
    flow = (
        BASE.split("  orders:\n")[1]
        .split("  payouts:\n")[0]
        .replace("object: leg", f"object: {moved}")
        .replace("to: [erp]", "to: [market]")
    )
    flow = flow.replace("latency: near-real-time", f"latency: {latency}").replace(
        "pattern: event", "pattern: direct-api"
    )
    assert told(tmp_path, f"flows:\n  {name}:\n{flow}") == codes


@pytest.mark.parametrize(
    ("within", "window", "codes"),
    [
        ("48h", "12h", []),
        ("48h", "36h", []),
        ("48h", "37h", ["W302"]),
        ("48h", "48h", ["E304"]),
        ("48h", "3d", ["E304"]),
    ],
)
def test_retries_end_before_the_deadline_with_time_for_a_person(
    tmp_path: Path, within: str, window: str, codes: list[str]
) -> None:
    assert (
        told(tmp_path, f"flows:\n  orders:\n    deadline: {{within: {within}}}\n    retry: {{window: {window}}}\n")
        == codes
    )


@pytest.mark.parametrize(
    ("within", "codes"),
    [("48h", []), ("2d", ["E306"]), ("2 working-days", ["E306"]), ("2 working-days, calendar: FR", [])],
)
def test_days_need_a_calendar_and_hours_none(tmp_path: Path, within: str, codes: list[str]) -> None:
    assert told(tmp_path, f"flows:\n  orders:\n    deadline: {{within: {within}}}\n") == codes


@pytest.mark.parametrize(
    ("capture", "life", "codes"),
    [
        ("per-leg", "48h", []),
        ("per-leg", "47h", ["E310"]),
        ("on-shipment", "71h", ["E103", "E310"]),
        ("on-shipment", "72h", ["E103"]),
    ],
)
def test_the_authorisation_lives_until_the_charge(tmp_path: Path, capture: str, life: str, codes: list[str]) -> None:
    """Acceptance takes 48 h, shipping 24 h more where the buyer is charged after it."""
    sample = (
        f"accounts:\n  market/main: {{capture: {capture}}}\nflows:\n"
        f"  orders:\n    deadline: {{obligation: capture-before-expiry, starts: authorised, within: {life}}}\n"
        "  payouts:\n    object: shipment\n    latency: same-day-operational\n    to: [market]\n    retry: {window: 12h}\n    deadline: {obligation: ship, within: 24h}\n"
    )
    assert sorted(told(tmp_path, sample)) == codes


def test_an_actor_stands_for_every_system_of_its_party(tmp_path: Path) -> None:
    assert told(tmp_path, "flows:\n  orders: {from: marketplace, to: [erp@erp]}\n") == []
    assert told(tmp_path, "flows:\n  orders: {to: [erp@erp-eu]}\n") == ["E022"]
    assert told(tmp_path, "flows:\n  orders: {to: [pim@erp]}\n") == ["E213"]
    assert told(tmp_path, "flows:\n  orders: {to: [nobody]}\n") == ["E022"]


def test_stock_of_a_dropshipper_may_be_ours_and_that_of_a_third_party_not(tmp_path: Path) -> None:
    ours = "{where: {seller_model: dropship}, update: [oms], correct: [oms]}"
    theirs = "{update: [seller], correct: [seller]}"
    field = "ownership:\n  stock-pool:\n    fields:\n      quantity: [{}, {}]\n"
    assert told(tmp_path, field.format(ours, theirs)) == []
    assert told(
        tmp_path, field.format("{where: {seller_model: marketplace}, update: [erp], correct: [erp]}", theirs)
    ) == ["E208"]
    assert told(
        tmp_path,
        field.format("{where: {category: X}, update: [seller], correct: [seller]}", "{update: [erp], correct: [erp]}"),
    ) == ["E208"]


def test_where_we_are_the_seller_our_warehouse_counts_our_stock(tmp_path: Path) -> None:
    accounts = "accounts:\n  market/ours: {system: market, model: syndication, capture: none, acceptance_window: 48h}\n"
    field = "ownership:\n  offer:\n    fields:\n      quantity: [{where: {account: ACCOUNT}, update: [oms], correct: [oms]}, {update: [seller], correct: [seller]}]\n"
    assert told(tmp_path, accounts + field.replace("ACCOUNT", "market/ours")) == []
    assert told(tmp_path, accounts + field.replace("ACCOUNT", "market/main")) == ["E208"]


def test_a_join_may_lead_over_what_the_object_belongs_to(tmp_path: Path) -> None:
    """The OMS knows baskets only; a leg of the marketplace is found there over its basket."""
    systems = "systems:\n  oms: {connector: manual, party: oms, environment: sandbox}\n"
    flow = "flows:\n  orders:\n    to: [oms]\n    degraded: {oms: keep-and-send-later}\n"
    over = "identifiers:\n  basket: {market: commercial_id, oms: customer_order, environment_prefix: true}\n"
    assert told(tmp_path, systems + flow) == ["E501"]
    assert told(tmp_path, systems + flow + over) == []
    assert (
        told(tmp_path, systems + flow + over.replace("market:", "erp:")) == []
    )  # erp and market are joined by the leg itself
    assert told(tmp_path, systems + flow + "identifiers:\n  offer: {market: offer_id, oms: sku}\n") == [
        "E501"
    ]  # an offer carries no leg


def test_each_model_asks_for_the_failures_it_can_meet() -> None:
    operator, syndication = of_the_trade(frozenset({"operator"})), of_the_trade(frozenset({"syndication"}))
    assert "seller-kyc-expired" in operator
    assert "seller-kyc-expired" not in syndication
    assert set(of_the_trade(frozenset({"operator", "syndication"}))) == {*operator, *syndication}
    assert of_the_trade(frozenset()) == ()
    assert not set(operator) & set(OPENED)
    assert set(TRADE) == {"operator", "syndication"}


def test_every_object_has_an_owner_or_is_told(tmp_path: Path) -> None:
    gone = "".join(f"  {name}: # nothing\n" for name in OBJECTS if name not in ("leg", "payout"))
    assert told(tmp_path, f"ownership:\n{gone}") == ["W201"] * (len(OBJECTS) - 2)


def test_circles_are_found_once_and_begin_with_their_last_name() -> None:
    assert circles({"a": "b", "b": "c", "c": "a", "d": "a", "e": None, "f": "f", "g": "x"}) == [
        ["c", "a", "b", "c"],
        ["f", "f"],
    ]
    long: dict[str, str | None] = {str(n): str(n + 1) for n in range(50_000)}
    assert circles(long) == []


def test_a_broken_flow_leaves_no_failure_without_one() -> None:
    """The flow that names the mode cannot be read; nobody is told that no flow names it."""
    text = BASE.replace(
        "  ship-late: *mode",
        BASE.split("  ack-missed: &mode\n")[1]
        .split("  ack-at-risk")[0]
        .join(["  ship-late:\n", ""])
        .replace("flow: any", "flow: orders"),
    )
    named = text.replace("failures: [ack-missed]", "failures: [ack-missed, ship-late]")
    assert [finding.code for finding in examine_text(named).findings] == []
    broken = named.replace("latency: near-real-time", "latency: soon")
    assert [finding.code for finding in examine_text(broken).findings] == ["E016"]
