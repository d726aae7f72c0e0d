"""What channels demand of a seller: by dated rules, per order or per line, in their market's time and the account's calendar."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from entrepot.blueprint.hours import parse_hours
from entrepot.blueprint.model import Account, Calendar
from entrepot.connectors.manifest import ObligationRow
from entrepot.flows.duties import ACKNOWLEDGE, CANCELLED, SHIP, due, duties, working_days_after
from entrepot.kernel.errors import WrongSetting
from entrepot.trade.order.model import LineSeen, OrderSeen
from entrepot.trade.order.states import LegState, LineState

PLACED = datetime(2026, 12, 23, 15, 0, tzinfo=UTC)  # a Wednesday
ESD = datetime(2026, 12, 28, 22, 59, tzinfo=UTC)
CALENDAR = Calendar(name="DE", hours=parse_hours("Mon-Fri 00-24 Europe/Berlin"), holidays=(date(2026, 12, 25),))


def rule(kind: str, starts: str, within: str, **more: Any) -> ObligationRow:
    given = {"per": "order", "penalty": "a defect", "source": "published", "checked_on": "2026-11-25", **more}
    return ObligationRow(kind=kind, starts=starts, within=within, **given)


def line(line_id: str = "1", ship_due_at: datetime | None = None) -> LineSeen:
    return LineSeen(line_id, "", "SKU-1", "Lamp", "", 2, 1_000, 0, 0, 0, 0, LineState.TO_SHIP, "Unshipped", ship_due_at=ship_due_at)  # fmt: skip


def order(*lines: LineSeen, **more: Any) -> OrderSeen:
    given: dict[str, Any] = {"ship_due_at": ESD, **more}
    return OrderSeen("A-1", "A-1", "us", "", LegState.TO_SHIP, "Unshipped", "EUR", 1_000, lines or (line(),), PLACED, PLACED, None, debited_at=None, **given)  # fmt: skip


def account(**more: Any) -> Account:
    return Account.model_validate({"name": "amazon-de/main", "system": "amazon-de", "model": "syndication", **more})


WALMART = [
    rule("acknowledge", "placed", "4h"),
    rule("ship", "ship-by", "0h", per="line"),
    rule("cancelled", "ship-by", "6 days", until="2023-06-06"),
    rule("cancelled", "ship-by", "4 days", since="2023-06-06"),
]


def test_walmart_waits_four_hours_for_a_yes_and_four_days_past_the_ship_by_date_for_the_goods() -> None:
    found = {one.kind: one for one in duties(WALMART, account(), None, "UTC", order())}
    assert found[ACKNOWLEDGE].due_at == PLACED + timedelta(hours=4)
    assert found[SHIP].due_at == ESD and found[SHIP].line_id == "1"
    assert found[CANCELLED].due_at == ESD + timedelta(days=4)


def test_the_rule_of_the_day_the_order_was_placed_counts() -> None:
    long_ago = datetime(2023, 6, 5, 12, tzinfo=UTC)
    old = order(line(ship_due_at=long_ago + timedelta(days=2)))
    old = OrderSeen(**{**{f: getattr(old, f) for f in old.__slots__}, "created_at": long_ago})
    [cancelled] = [one for one in duties(WALMART, account(), None, "UTC", old) if one.kind == CANCELLED]
    assert cancelled.due_at == long_ago + timedelta(days=2 + 6)


def test_amazon_counts_working_days_of_its_market_and_no_acknowledgement() -> None:
    rules = [rule("ship", "ship-by", "0h"), rule("cancelled", "ship-by", "7 working-days", markets=["DE"])]
    found = {one.kind: one.due_at for one in duties(rules, account(), CALENDAR, "Europe/Berlin", order(market="DE"))}
    assert set(found) == {SHIP, CANCELLED}
    assert found[CANCELLED] == datetime(2027, 1, 6, 22, 59, tzinfo=UTC)


def test_a_market_that_differs_goes_before_what_is_said_of_all() -> None:
    rules = [rule("cancelled", "ship-by", "7 working-days"), rule("cancelled", "ship-by", "3 working-days", markets=["IN"])]  # fmt: skip
    [in_india] = duties(rules, account(), CALENDAR, "UTC", order(market="IN"))
    [elsewhere] = duties(rules, account(), CALENDAR, "UTC", order(market="FR"))
    assert in_india.due_at < elsewhere.due_at


def test_the_plan_may_say_another_window_of_this_account() -> None:
    [found] = duties([WALMART[0]], account(obligations={"acknowledge": "2h"}), None, "UTC", order())
    assert found.due_at == PLACED + timedelta(hours=2)


def test_each_line_has_its_own_date_where_the_channel_says_so() -> None:
    first, second = line("1", ESD), line("2", ESD + timedelta(days=1))
    found = duties([rule("ship", "ship-by", "0h", per="line")], account(), None, "UTC", order(first, second, ship_due_at=None))  # fmt: skip
    assert {one.line_id: one.due_at for one in found} == {"1": ESD, "2": ESD + timedelta(days=1)}


def test_an_order_the_marketplace_delivers_itself_obliges_nobody() -> None:
    assert duties(WALMART, account(), None, "UTC", order(fulfilled_by="marketplace")) == []


def test_a_channel_that_names_no_date_has_no_such_duty() -> None:
    assert duties([rule("ship", "ship-by", "0h")], account(), None, "UTC", order(ship_due_at=None)) == []


def test_duties_of_disputes_and_returns_are_not_duties_of_the_order() -> None:
    assert duties([rule("answer-dispute", "given", "0h")], account(), None, "UTC", order()) == []


def test_holidays_and_weekends_do_not_count() -> None:
    thursday = datetime(2026, 12, 24, 9, tzinfo=UTC)
    assert working_days_after(thursday, 1, CALENDAR, "UTC") == datetime(2026, 12, 28, 9, tzinfo=UTC)


def test_daylight_saving_keeps_the_time_of_day() -> None:
    friday = datetime(2026, 3, 27, 12, tzinfo=UTC)  # the clocks change on the 29th
    assert working_days_after(friday, 1, CALENDAR, "UTC") == datetime(2026, 3, 30, 11, tzinfo=UTC)


@pytest.mark.parametrize("words", ["soon", "4 weeks", "-1h", "4"])
def test_words_that_are_no_time_are_a_wrong_setting(words: str) -> None:
    with pytest.raises(WrongSetting, match="no time"):
        due(PLACED, words, None, "UTC")
