"""What the samples cannot show: rules in their variations, and knowledge of connectors that do not ship."""

from pathlib import Path

import pytest

from entrepot.blueprint.lint.facts import CallCeiling, ConnectorFacts, Facts, WriteFacts
from entrepot.blueprint.lint.look import circles
from entrepot.blueprint.lint.modes import OPENED, OPENED_BY_SELLERS, TOLD_BY_CHANNEL, TRADE, of_the_trade, opened
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


@pytest.mark.parametrize(("given", "codes"), [("", []), (", queue_url: env:Q", ["E109"]), (", queue_url: env:Q, region: env:R", [])])  # fmt: skip
def test_a_credential_may_be_needed_only_where_another_is_given(tmp_path: Path, given: str, codes: list[str]) -> None:
    known = connectors(credentials=frozenset({"api_key", "queue_url", "region"}), needed_once={"region": "queue_url"})
    sample = f"systems:\n  market:\n    credentials: {{api_key: env:MARKET_KEY{given}}}\n"
    assert told(tmp_path, sample, known) == codes


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


# --- several sources, channels, modes of sellers

SHOP = """systems:
  shop: {connector: manual, party: marketplace, environment: sandbox}
accounts:
  shop/main: {system: shop, model: syndication, capture: none%s}
"""
FROM_BOTH = """flows:
  orders:
    from: %s
    to: [erp]
    degraded: {market: wait, shop: wait, erp: keep-and-send-later}
identifiers:
  leg: {market: order_id, shop: order_id, erp: reference, environment_prefix: true}
"""


def test_a_flow_may_come_from_several_systems_and_each_has_its_card_and_its_join(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "bare").mkdir()
    assert told(tmp_path / "whole", SHOP % "" + FROM_BOTH % "[market, shop]") == []
    bare = FROM_BOTH.replace("shop: wait, ", "").replace("shop: order_id, ", "") % "[market, shop]"
    assert sorted(told(tmp_path / "bare", SHOP % "" + bare)) == ["E501", "E601"]


@pytest.mark.parametrize(
    ("written", "code", "path", "column"),
    [
        ("markt", "E022", "flows.orders.from", 11),
        ("[market, markt]", "E022", "flows.orders.from.1", 20),
        ("[market, commerce]", "E313", "flows.orders.from.1", 20),
        ("[market, oms@erp]", "E213", "flows.orders.from.1", 20),
        ("[market, market]", "E316", "flows.orders.from.1", 20),
        ("[]", "E016", "flows.orders.from", 11),
        ("[market, {}]", "E016", "flows.orders.from.1", 20),
    ],
)
def test_what_is_wrong_with_a_source_stands_at_that_source(
    tmp_path: Path, written: str, code: str, path: str, column: int
) -> None:
    found = sampled(f"flows:\n  orders:\n    from: {written}\n", tmp_path).findings
    assert [(f.code, f.path, f.position.line, f.position.column) for f in found if f.code == code] == [
        (code, path, 3, column)
    ]


@pytest.mark.parametrize(
    ("demanded_h", "own", "codes"),
    [(4, "", ["E314"]), (72, "", []), (4, ", obligations: {acknowledge: 72h}", [])],
)
def test_a_promise_ends_within_what_the_channels_manifest_demands_unless_the_account_has_a_window_of_its_own(
    tmp_path: Path, demanded_h: int, own: str, codes: list[str]
) -> None:
    shop = ConnectorFacts("shop", calls=False, deadlines_s={"acknowledge": demanded_h * 3600.0})
    sample = SHOP.replace("connector: manual", "connector: shop") % own + FROM_BOTH % "[market, shop]"
    assert told(tmp_path, sample, {**connectors(), "shop": shop}) == codes


@pytest.mark.parametrize(("window", "codes"), [("", []), ("4h", ["E115"]), ("48h", []), ("72h", [])])
def test_a_channel_may_wait_longer_than_we_promise_and_never_shorter(
    tmp_path: Path, window: str, codes: list[str]
) -> None:
    window = f", acceptance_window: {window}" if window else ""
    assert told(tmp_path, SHOP % window + FROM_BOTH % "[market, shop]") == codes


@pytest.mark.parametrize(
    ("within", "codes"),
    [("4h", []), ("90m", []), ("4 days", []), ("0h", []), ("3 working-days", ["E120"]), ("soon", ["E119"]), ("4 weeks", ["E119"])],
)  # fmt: skip
def test_a_duty_is_counted_in_hours_days_or_working_days_of_a_calendar(
    tmp_path: Path, within: str, codes: list[str]
) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "with").mkdir()
    duty = f", obligations: {{cancelled: {within}}}"
    assert told(tmp_path / "without", SHOP % duty) == codes
    assert told(tmp_path / "with", SHOP % f"{duty}, calendar: FR") == [code for code in codes if code != "E120"]


def test_what_only_sellers_flows_open_is_asked_for_where_we_sell(tmp_path: Path) -> None:
    mode = OPENED_BY_SELLERS[0]
    (tmp_path / "operator").mkdir()
    (tmp_path / "both").mkdir()
    (tmp_path / "channels").mkdir()
    without = f"failures:\n  {mode}: # nothing\n"
    assert told(tmp_path / "operator", without) == ["W401"]
    assert told(tmp_path / "both", SHOP % "" + without) == ["E406"]
    named = base_text().split("  ack-missed: &mode\n")[1].split("  ack-at-risk:")[0]
    assert told(tmp_path / "channels", SHOP % "" + f"{without}  {TOLD_BY_CHANNEL}{mode}:\n{named}") == []


def test_a_mode_that_every_plan_needs_is_not_owned_by_the_channels_name_of_it(tmp_path: Path) -> None:
    named = base_text().split("  ack-missed: &mode\n")[1].split("  ack-at-risk:")[0]
    sample = f"failures:\n  gap-found: # nothing\n  {TOLD_BY_CHANNEL}gap-found:\n{named}"
    assert told(tmp_path, SHOP % "" + sample) == ["E406"]
    assert set(opened(frozenset({"operator"}))) == set(OPENED)


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
    both = frozenset({"operator", "syndication"})
    assert set(of_the_trade(both)) == {*operator, *syndication} - set(opened(both))
    assert "dispute-answer-due" in syndication
    assert "dispute-answer-due" not in operator
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
