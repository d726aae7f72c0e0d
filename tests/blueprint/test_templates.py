"""The plans that ship, one per model: complete for their trade, owned, lint-clean, and put together from one text."""

from collections.abc import Mapping
from datetime import timedelta
from string import Formatter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.blueprint import blocks
from entrepot.blueprint.entries import STANDARD_VALUES
from entrepot.blueprint.files import Files, document_of, examined
from entrepot.blueprint.finding import Severity
from entrepot.blueprint.lint.modes import OPENED_BY_SELLERS, of_the_trade, opened
from entrepot.blueprint.load import DEFAULT, Examined, load
from entrepot.blueprint.model import FailureMode, Plan
from entrepot.blueprint.owning import OBJECTS
from entrepot.blueprint.templates import (
    BACK_OFFICE,
    CHANNEL,
    CHANNELS,
    FIRST,
    MODELS,
    Model,
    account_of,
    files_of,
    with_parties,
)
from entrepot.connectors.facts import facts
from entrepot.flows.runs import RUNS

FLOWS = {
    "operator": {
        "seller-onboarding", "catalog-onboarding", "offer-publication", "price-stock", "checkout-check", "order-creation", "order-acceptance",
        "capture", "shipment", "return-refund", "incident-dispute", "back-office-export", "commission-check", "settlement", "payout",
    },
    "syndication": {
        "listing-content", "listing-offer", "order-intake", "fulfilment-confirm", "cancel-return-refund", "supplier-dropship",
        "back-office-export", "settlement-intake",
    },
}  # fmt: skip
OPENED_BY_OFFERS_AND_MAPPINGS = {
    "offer-under-floor", "offer-above-ceiling", "offer-other-currency", "ownership-refused", "ownership-fight", "correction-unanswered",
    "record-unjoined", "mapping-missing", "action-advised",
}  # fmt: skip
FILES: Mapping[Model, Files] = {model: files_of(model) for model in MODELS}
LOOKS: Mapping[Model, Examined] = {model: examined(files, facts()) for model, files in FILES.items()}


def plan(model: Model) -> Plan:
    found = LOOKS[model].plan
    assert found is not None
    return found


def entries(files: Files, section: str) -> dict[str, str]:
    """Every entry of a section as its text."""
    return {
        block.name: block.text
        for text in files.values()
        for part in blocks.parse(text)
        if part.name == section
        for block in part.blocks
    }


MODES = [(model, mode) for model in MODELS for mode in plan(model).failures.values()]
every_model = pytest.mark.parametrize("model", MODELS)
every_mode = pytest.mark.parametrize(("model", "mode"), MODES, ids=[f"{model}-{mode.name}" for model, mode in MODES])


@every_model
def test_a_plan_as_it_ships_has_neither_errors_nor_warnings(model: Model) -> None:
    said = [str(f) for f in LOOKS[model].findings if f.severity is not Severity.NOTE]
    assert said == []


@every_model
def test_every_object_is_owned_and_can_be_joined(model: Model) -> None:
    found = plan(model)
    assert set(found.ownership) == set(OBJECTS)
    assert set(found.identifiers) == set(OBJECTS)
    assert all(rule.source_of_truth and rule.exceptions in found.teams for rule in found.ownership.values())


@pytest.mark.parametrize("model", ["operator", "syndication"])
def test_every_flow_of_the_trade_is_there(model: Model) -> None:
    assert set(plan(model).flows) == FLOWS[model]
    if model == "operator":
        assert set(RUNS) - set(plan("syndication").flows) <= set(plan(model).flows)


def test_both_have_the_flows_of_both_and_the_one_they_share_twice() -> None:
    assert set(plan("both").flows) == FLOWS["operator"] | FLOWS["syndication"] | {f"{CHANNEL}back-office-export"}


@every_model
def test_every_failure_of_the_trade_is_owned(model: Model) -> None:
    found = plan(model)
    models = frozenset({"operator", "syndication"} if model == "both" else {model})
    assert {*opened(models), *of_the_trade(models)} | OPENED_BY_OFFERS_AND_MAPPINGS <= set(found.failures)


@pytest.mark.parametrize("model", ["syndication", "both"])
def test_what_the_sellers_flows_open_belongs_to_a_flow_of_theirs(model: Model) -> None:
    found = plan(model)
    told = [found.failures.get(CHANNEL + mode) or found.failures[mode] for mode in OPENED_BY_SELLERS]
    assert {mode.name: mode.flow for mode in told if mode.flow not in FLOWS["syndication"]} == {}


@pytest.mark.parametrize("model", ["syndication", "both"])
def test_each_flow_that_the_hub_runs_for_a_seller_acts_on_every_channel(model: Model) -> None:
    found = plan(model)
    run = {name for name in FLOWS["syndication"] & set(RUNS) if name not in FLOWS["operator"]}
    assert {found.flow(name).mode for name in run} == {"act"}
    assert {name for name in FLOWS["syndication"] - run if found.flow(name).mode != "observe"} == set()
    touched = {name: {*found.flow(name).sources, *found.flow(name).to} for name in run - {"settlement-intake"}}
    assert {name: sorted({*CHANNELS, BACK_OFFICE} - ends) for name, ends in touched.items()} == {
        name: [] for name in touched
    }


@pytest.mark.parametrize("model", ["syndication", "both"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_has_an_account_that_says_what_may_be_shown_and_what_it_costs(model: Model, channel: str) -> None:
    account = plan(model).account(account_of(channel))
    assert (account.system, account.model, account.capture) == (channel, "syndication", "none")
    assert account.buffer > 0
    assert account.sweeps
    assert account.calendar in plan(model).calendars
    assert account.price_limits["*"].floor
    assert account.commission is not None
    assert account.commission.currency == account.currency == ("USD" if channel == "walmart-us" else "EUR")


def test_a_mirakl_operators_window_is_promised_as_he_sets_it() -> None:
    account = plan("syndication").account(account_of("mirakl-shop"))
    assert account.obligations["acknowledge"] == "24h"
    assert account.acceptance_window == timedelta(hours=24)


@every_mode
def test_every_key_of_a_failure_is_filled(model: Model, mode: FailureMode) -> None:
    """What may be empty is what has nothing to say: no other levers, no promise that could be missed."""
    empty = {key for key, value in mode if value in (None, "", ())}
    assert empty <= {"actions", "when_missed"}
    assert len(mode.recovery) >= 1
    assert all(step.endswith((".", "…")) for step in mode.recovery)
    assert {"one_case_per", "alert"} <= mode.model_fields_set


@every_mode
def test_every_failure_ends_with_somebody_above_its_owner(model: Model, mode: FailureMode) -> None:
    last = mode.escalate[-1].to
    assert last not in ("owner", mode.owner)
    assert mode.kind == "system" or mode.may[0] != "retry"


@every_mode
def test_every_failure_says_what_it_means_in_words_that_every_case_can_fill(model: Model, mode: FailureMode) -> None:
    names = {name for text in (mode.cause, mode.effect) for _, name, _, _ in Formatter().parse(text) if name}
    assert names <= STANDARD_VALUES
    assert mode.effect[-1] == "."


@every_model
def test_every_failure_of_a_flow_is_named_by_it(model: Model) -> None:
    found = plan(model)
    strays = [m.name for m in found.failures.values() if m.flow != "any" and m.name not in found.flow(m.flow).failures]
    assert strays == []


@every_model
def test_every_system_a_flow_leans_on_has_its_card_there(model: Model) -> None:
    found = plan(model)
    bare = [
        (flow.name, end)
        for flow in found.flows.values()
        for end in (*flow.sources, *flow.to)
        if end not in flow.degraded
    ]
    assert bare == []


@every_model
def test_retries_leave_a_person_a_quarter_of_every_deadline(model: Model) -> None:
    late = [f.name for f in plan(model).flows.values() if f.deadline and f.retry.window > f.deadline.within * 3 / 4]
    assert late == []


@every_model
def test_every_text_is_commented_for_who_reads_it(model: Model) -> None:
    for name, text in FILES[model].items():
        assert text.startswith("# "), name
        assert max(len(line) for line in text.splitlines() if line.lstrip().startswith("#")) <= 150, name


@every_model
def test_no_secret_and_no_address_stands_in_a_plan(model: Model) -> None:
    for name, text in FILES[model].items():
        assert "://" not in text, name
    assert all(v.startswith("env:") for s in plan(model).systems.values() for v in s.secrets.values())


# --- one text for all of them --------------------------------------------------------------------------------------


def test_the_plan_that_ships_is_the_operators() -> None:
    assert load().hash == plan("operator").hash
    assert FILES["operator"][FIRST] == DEFAULT.read_text("utf-8")


@pytest.mark.parametrize(
    "section", ["systems", "accounts", "teams", "mappings", "flows", "failures", "questions", "sellers"]
)
def test_in_both_the_operators_half_stands_word_for_word(section: str) -> None:
    ours, both = entries(FILES["operator"], section), entries(FILES["both"], section)
    assert {name: both.get(name) for name in ours} == ours


def test_in_both_a_failure_told_in_two_ways_stands_twice_and_is_referred_to_by_its_own_name() -> None:
    found = plan("both")
    assert found.failures["ack-at-risk"].flow == "order-acceptance"
    assert found.failures["channel-ack-at-risk"].flow == "order-intake"
    assert found.failures["channel-ack-at-risk"].when_missed == "channel-ack-missed"
    assert "channel-ack-at-risk" in found.flows["order-intake"].failures
    assert "ack-at-risk" in found.flows["order-acceptance"].failures


def test_in_both_the_channels_rule_stands_before_the_marketplaces_and_counts_in_its_account_alone() -> None:
    price = plan("both").ownership["offer"].fields["price"]
    channels = [{"account": account_of(channel)} for channel in CHANNELS]
    assert [dict(rule.where.named) for rule in price] == [*channels, {"seller_model": "dropship"}, {}]
    assert {rule.update for rule in price[: len(CHANNELS)]} == {("erp",)}
    assert price[len(CHANNELS) :] == tuple(plan("operator").ownership["offer"].fields["price"])


def test_every_rule_of_both_comes_from_one_of_the_two() -> None:
    """No right appears or gets lost; our own staff is `seller` to the channel and `operator` at the marketplace."""
    both, ours, theirs = plan("both"), plan("operator"), plan("syndication")
    for name, rule in both.ownership.items():
        for field, parts in rule.fields.items():
            channels, rest = parts[: len(CHANNELS)], parts[len(CHANNELS) :]
            assert tuple(rest) == ours.ownership[name].rules_of(field)
            [own] = theirs.ownership[name].rules_of(field)
            for channel in channels:
                for right in ("update", "hold", "override", "correct", "request", "precedence"):
                    as_staff = tuple(dict.fromkeys("operator" if a == "seller" else a for a in getattr(own, right)))
                    assert tuple(dict.fromkeys(getattr(channel, right))) == as_staff


def test_where_we_are_the_seller_nobody_is_the_operator() -> None:
    found = plan("syndication")
    actors = {a for rule in found.ownership.values() for a in (rule.source_of_truth, *rule.create, *rule.consume)}
    actors |= {
        a
        for rule in found.ownership.values()
        for parts in rule.fields.values()
        for part in parts
        for a in (*part.update, *part.request, *part.correct)
    }
    actors |= {p for mode in found.failures.values() for p in (mode.corrects, *mode.requests)}
    actors |= {team.party for team in found.teams.values()}
    assert "operator" not in actors
    assert "seller" in actors


def test_a_party_is_renamed_only_where_it_corrects_or_asks() -> None:
    text = '    effect: "The operator waits."\n    corrects: operator\n    requests: [seller, operator, finance]\n'
    assert with_parties(text, "operator", "seller") == (
        '    effect: "The operator waits."\n    corrects: seller\n    requests: [seller, finance]\n'
    )


# --- blocks --------------------------------------------------------------------------------------------------------


@every_model
def test_text_cut_into_blocks_and_joined_again_is_the_same_text(model: Model) -> None:
    for name, text in FILES[model].items():
        if name != FIRST:
            assert blocks.joined(blocks.parse(text)) == text, name


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(NAMES, st.tuples(st.booleans(), st.booleans(), st.integers(0, 3)), min_size=1, max_size=6),
    st.data(),
)
def test_whatever_is_left_of_a_section_keeps_its_comments_and_says_the_same(
    wanted: dict[str, tuple[bool, bool, int]], data: st.DataObject
) -> None:
    lines = ["# what it is about\n", "failures:\n"]
    for name, (group, comment, keys) in wanted.items():
        lines += [f"  # --- {name} and others\n"] if group else []
        lines += [f"  # about {name}\n"] if comment else []
        lines += [
            f"  {name}: # beside\n",
            f"    own: {name}\n",
            *(f"    key-{n}: [{name}, {n}]\n" for n in range(keys)),
        ]
    [section] = blocks.parse("".join(lines))
    kept = data.draw(st.sets(st.sampled_from(sorted(wanted))))
    text = str(blocks.changed(section, lambda block: block if block.name in kept else None))
    read: dict[str, Any] = document_of(text, "failures.yaml").data["failures"] or {}
    assert read == {n: {"own": n, **{f"key-{k}": [n, k] for k in range(wanted[n][2])}} for n in wanted if n in kept}
    assert all((f"  # about {name}\n" in text) == (wanted[name][1] and name in kept) for name in wanted)
