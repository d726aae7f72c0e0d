"""The blueprint that ships: complete, every failure owned, every text readable, nothing secret in it."""

import re
from datetime import UTC, datetime, timedelta
from string import Formatter

import pytest
from plan_text import whole

from entrepot.blueprint.lint.modes import OPENED
from entrepot.blueprint.load import load, loads
from entrepot.blueprint.model import STANDARD_VALUES, Capture
from entrepot.kernel.errors import OurBug, WrongSetting

PLAN = load()
TEXT = whole()
FLOWS = sorted(PLAN.flows)


def test_it_names_the_systems_and_accounts_of_a_marketplace_day() -> None:
    assert {s.name for s in PLAN.systems.values() if s.connector != "manual"} == {"mirakl-fr", "gateway", "storefront"}
    assert set(PLAN.accounts) == {"mirakl-fr/operator", "gateway/main", "storefront/main"}
    account = PLAN.account("mirakl-fr/operator")
    assert account.capture is Capture.WHEN_ALL_DECIDED
    assert account.acceptance_window == timedelta(hours=12)
    assert account.settle_s == 30
    assert account.commission is not None
    assert (account.commission.rate("anything"), account.commission.tax) == (12_000, 20_000)
    assert PLAN.system_of("gateway/main").connector == "payment"


@pytest.mark.parametrize("flow", FLOWS)
def test_every_flow_names_a_pause_owner_a_retry_window_and_its_failures(flow: str) -> None:
    found = PLAN.flow(flow)
    assert found.pause.owner in PLAN.teams
    assert found.retry.window > timedelta(0)
    assert found.failures


@pytest.mark.parametrize("flow", [name for name in FLOWS if PLAN.flow(name).deadline])
def test_every_deadline_leaves_a_person_time_after_the_last_retry(flow: str) -> None:
    found = PLAN.flow(flow)
    assert found.deadline is not None
    assert found.retry.window <= found.deadline.within * 3 / 4


@pytest.mark.parametrize("mode", sorted(PLAN.failures))
def test_every_failure_has_an_owner_a_runbook_a_verb_and_somebody_above(mode: str) -> None:
    failure = PLAN.failure(mode)
    assert failure.owner in PLAN.teams
    assert failure.recovery
    assert failure.may
    assert failure.escalate[-1].to != "owner"
    assert failure.kind == "system" or failure.may[0] != "retry"


@pytest.mark.parametrize("mode", sorted(PLAN.failures))
def test_every_text_uses_only_names_that_every_case_can_fill(mode: str) -> None:
    failure = PLAN.failure(mode)
    names = {name for text in (failure.cause, failure.effect) for _, name, _, _ in Formatter().parse(text) if name}
    assert names <= STANDARD_VALUES


def test_every_mode_the_hub_opens_is_here() -> None:
    assert set(OPENED) <= set(PLAN.failures)


def test_every_mode_is_named_by_a_flow_or_belongs_to_any() -> None:
    named = {mode for flow in PLAN.flows.values() for mode in flow.failures}
    assert {name for name, failure in PLAN.failures.items() if failure.flow != "any"} <= named


@pytest.mark.parametrize("team", sorted(PLAN.teams))
def test_every_team_can_be_reached_and_its_escalation_ends_with_people_who_never_sleep(team: str) -> None:
    at = PLAN.team(team)
    assert at.notify
    while at.escalates_to:
        at = PLAN.team(at.escalates_to)
    assert at.hours.always


def test_no_key_and_no_address_stands_in_clear() -> None:
    assert all(value.startswith("env:") for system in PLAN.systems.values() for value in system.secrets.values())
    assert not re.search(r"://|whsec_|Bearer", TEXT)


def test_its_hash_follows_the_content_and_not_the_layout() -> None:
    assert loads(TEXT + "\n# a comment\n").hash == PLAN.hash
    assert loads(TEXT.replace("acceptance_window: 12h", "acceptance_window:    12h   # half a day")).hash == PLAN.hash
    assert loads(TEXT.replace("payment_window: 72h", "payment_window: 71h")).hash != PLAN.hash
    assert re.fullmatch(r"[0-9a-f]{16}", PLAN.hash)


def test_the_steps_of_a_mode_come_with_its_owner_by_name() -> None:
    assert PLAN.steps("ack-at-risk") == [(50, "supplier-operations"), (80, "marketplace-lead"), (95, "on-call")]


def test_a_name_that_is_not_there_is_a_setting_and_a_mode_that_is_not_there_our_bug() -> None:
    with pytest.raises(WrongSetting, match="has no account “amazon”; it has: gateway/main"):
        PLAN.account("amazon")
    with pytest.raises(OurBug):
        PLAN.failure("no-such-mode")


def test_a_seller_without_a_rule_of_its_own_follows_the_default() -> None:
    assert PLAN.seller("2001").seller_model == "marketplace"


def test_a_plan_cannot_be_changed_after_it_was_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        PLAN.flow("capture").retry.window = timedelta(0)


def test_the_working_hours_of_the_default_teams_are_real() -> None:
    monday, sunday = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 8, 9, tzinfo=UTC)
    assert PLAN.team("order-desk").hours.working(monday)
    assert not PLAN.team("order-desk").hours.working(sunday)
    assert PLAN.team("on-call").hours.working(sunday)
