"""The gateway's arithmetic, without HTTP."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from entrepot.sandbox.gateway.books import GatewayBooks
from entrepot.sandbox.gateway.model import CAPTURED, EXPIRED, OPEN, RELEASED, Purse, Refusal, Terms
from entrepot.sandbox.gateway.settlement import LineType

NOON = datetime(2026, 11, 9, 12, tzinfo=UTC)


def new_books(terms: Terms | None = None) -> tuple[GatewayBooks, list[tuple[str, Any]]]:
    counter: Counter[str] = Counter()
    news: list[tuple[str, Any]] = []

    def new_id(prefix: str) -> str:
        counter[prefix] += 1
        return f"{prefix}_{counter[prefix]}"

    return GatewayBooks(new_id, lambda topic, about: news.append((topic, about)), terms or Terms()), news


def authorised(books: GatewayBooks, amount_minor: int = 10_000, currency: str = "EUR", now: datetime = NOON) -> Any:
    return books.authorise(
        reference="BASKET-1", amount_minor=amount_minor, currency=currency, customer_id="C-1", now=now
    )


def taken(books: GatewayBooks, authorisation: Any, amount_minor: int, reference: str = "CAP", now: Any = NOON) -> Any:
    return books.capture(
        authorisation, amount_minor=amount_minor, currency=authorisation.currency, reference=reference, now=now
    )


def test_a_purse_never_gives_more_than_a_bucket_holds() -> None:
    purse = Purse(100, ("open", "taken"))
    with pytest.raises(ValueError, match="holding 100"):
        purse.move(101, "open", "taken")
    with pytest.raises(ValueError, match="cannot move 0"):
        purse.move(0, "open", "taken")
    purse.move(100, "open", "taken")
    assert (purse["open"], purse["taken"], purse.balanced()) == (0, 100, True)


def test_several_captures_are_fine_up_to_the_authorised_amount() -> None:
    books, _ = new_books()
    authorisation = authorised(books)
    taken(books, authorisation, 6_000)
    taken(books, authorisation, 4_000)
    with pytest.raises(Refusal) as no:
        taken(books, authorisation, 1)
    assert (no.value.status, no.value.code) == (422, "amount_exceeds_authorisation")
    assert authorisation.state == "captured"


def test_what_was_released_cannot_be_captured() -> None:
    books, _ = new_books()
    authorisation = authorised(books)
    books.release(authorisation, amount_minor=9_999, currency="EUR", reference="REL", now=NOON)
    with pytest.raises(Refusal):
        taken(books, authorisation, 2)
    assert taken(books, authorisation, 1).amount_minor == 1


def test_an_authorisation_that_only_saw_releases_is_released() -> None:
    books, _ = new_books()
    authorisation = authorised(books)
    books.release(authorisation, amount_minor=10_000, currency="EUR", reference="REL", now=NOON)
    assert authorisation.state == "released"


def test_an_authorisation_dies_after_seven_days_and_keeps_what_was_captured() -> None:
    books, news = new_books()
    authorisation = authorised(books)
    taken(books, authorisation, 3_000)
    too_late = NOON + timedelta(days=7)
    with pytest.raises(Refusal) as no:
        taken(books, authorisation, 1, now=too_late)
    assert (no.value.status, no.value.code) == (402, "authorisation_expired")
    assert (authorisation.purse[CAPTURED], authorisation.purse[EXPIRED], authorisation.purse[OPEN]) == (3_000, 7_000, 0)
    assert [topic for topic, _ in news if topic == "authorisation.expired"] == ["authorisation.expired"]


def test_an_authorisation_captured_in_full_does_not_expire() -> None:
    books, _ = new_books()
    authorisation = authorised(books)
    taken(books, authorisation, 10_000)
    books.expire(authorisation, NOON + timedelta(days=30))
    assert authorisation.state == "captured"


def test_refunds_stop_at_what_was_captured() -> None:
    books, _ = new_books()
    capture = taken(books, authorised(books), 5_000)
    books.refund(capture, amount_minor=4_000, currency="EUR", reference="R1", now=NOON)
    with pytest.raises(Refusal) as no:
        books.refund(capture, amount_minor=1_001, currency="EUR", reference="R2", now=NOON)
    assert no.value.code == "amount_exceeds_capture"


def test_money_charged_back_cannot_be_refunded_as_well() -> None:
    books, _ = new_books()
    capture = taken(books, authorised(books), 5_000)
    books.open_dispute(capture, amount_minor=5_000, currency="EUR", reference="D", reason="fraud", now=NOON)
    with pytest.raises(Refusal):
        books.refund(capture, amount_minor=1, currency="EUR", reference="R", now=NOON)


def test_money_leaves_when_a_chargeback_opens_and_returns_only_when_it_is_won() -> None:
    books, _ = new_books(Terms(fee_fixed_minor=0, fee_per_mille=0))
    captures = [taken(books, authorised(books), 5_000) for _ in range(2)]
    disputes = [
        books.open_dispute(one, amount_minor=5_000, currency="EUR", reference="D", reason="fraud", now=NOON)
        for one in captures
    ]
    assert books.settlements.balances() == {"EUR": 0}
    books.close_dispute(disputes[0], won=True, now=NOON)
    books.close_dispute(disputes[1], won=False, now=NOON)
    assert books.settlements.balances() == {"EUR": 5_000}
    assert [one.state.value for one in disputes] == ["won", "lost"]
    with pytest.raises(Refusal, match="already won"):
        books.close_dispute(disputes[0], won=False, now=NOON)


def test_another_currency_is_refused() -> None:
    books, _ = new_books()
    authorisation = authorised(books, currency="JPY")
    with pytest.raises(Refusal) as no:
        books.capture(authorisation, amount_minor=1, currency="EUR", reference="X", now=NOON)
    assert no.value.code == "currency_mismatch"


@pytest.mark.parametrize(
    ("amount_minor", "fee_minor"),
    [(1, 25), (35, 25), (36, 26), (1_000, 39), (10_000, 165), (107, 26), (108, 27), (123_456, 1_753)],
)
def test_a_capture_costs_a_fixed_part_and_a_percentage_rounded_half_up(amount_minor: int, fee_minor: int) -> None:
    assert Terms().capture_fee(amount_minor) == fee_minor


def test_a_refused_destination_fails_the_transfer_and_moves_nothing() -> None:
    books, news = new_books(Terms(refused_destinations={"shop-9": "account_closed"}))
    transfer = books.transfer(reference="V1", destination="shop-9", amount_minor=500, currency="EUR", now=NOON)
    assert (transfer.state.value, transfer.failure_reason) == ("failed", "account_closed")
    assert books.settlements.balances() == {}
    assert [topic for topic, _ in news] == ["transfer.failed"]


def test_a_transfer_sent_back_by_the_bank_is_on_the_balance_again() -> None:
    books, news = new_books()
    transfer = books.transfer(reference="V1", destination="shop-1", amount_minor=500, currency="EUR", now=NOON)
    assert books.settlements.balances() == {"EUR": -500}
    books.return_transfer(transfer, reason="account_closed", now=NOON)
    assert books.settlements.balances() == {"EUR": 0}
    assert [topic for topic, _ in news if topic.startswith("transfer")] == ["transfer.paid", "transfer.failed"]


def test_a_payout_takes_no_more_than_the_balance() -> None:
    books, _ = new_books(Terms(fee_fixed_minor=0, fee_per_mille=0))
    taken(books, authorised(books), 1_000)
    with pytest.raises(Refusal):
        books.pay_out(amount_minor=1_001, currency="EUR", reference="P", now=NOON)
    books.pay_out(amount_minor=1_000, currency="EUR", reference="P", now=NOON)
    assert books.settlements.balances() == {"EUR": 0}


def test_each_day_opens_with_the_balance_the_day_before_closed_with() -> None:
    books, _ = new_books(Terms(fee_fixed_minor=0, fee_per_mille=0, dispute_fee_minor=1_500))
    first = taken(books, authorised(books), 10_000)
    books.open_dispute(
        first, amount_minor=2_000, currency="EUR", reference="D", reason="fraud", now=NOON + timedelta(days=1)
    )
    books.close_settlements(NOON + timedelta(days=2))
    one, two = books.settlements.closed_after(None)
    assert (one.opening_balance_minor, one.closing_balance_minor) == (0, 10_000)
    assert (two.opening_balance_minor, two.closing_balance_minor) == (10_000, 6_500)
    assert (one.closed_at, two.opened_at) == (datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC))
    assert [(line.type, line.amount_minor, line.fee_minor) for line in two.lines] == [
        (LineType.CHARGEBACK, -2_000, 0),
        (LineType.FEE, 0, 1_500),
    ]


def test_a_day_closed_early_is_followed_by_the_rest_of_that_day() -> None:
    books, _ = new_books()
    taken(books, authorised(books), 10_000)
    books.close_settlements(NOON, early=True)
    taken(books, authorised(books), 10_000, now=NOON + timedelta(hours=1))
    books.close_settlements(NOON + timedelta(days=1))
    early, rest = books.settlements.closed_after(None)
    assert early.closed_at == rest.opened_at == NOON
    assert books.settlements.closed_after(NOON) == [rest]


class AnyDayAtTheGateway(RuleBasedStateMachine):
    """Whatever is asked in whatever order, the identities hold and refusals change nothing."""

    amounts = st.integers(min_value=1, max_value=20_000)
    picks = st.integers(min_value=0, max_value=10_000)

    @initialize()
    def start(self) -> None:
        self.books, self.news = new_books(Terms(dispute_fee_minor=1_500))
        self.now = NOON
        self.moved = Counter[str]()

    @rule(amount=amounts, currency=st.sampled_from(["EUR", "JPY"]))
    def authorise(self, amount: int, currency: str) -> None:
        authorised(self.books, amount, currency, self.now)

    @precondition(lambda self: self.books.authorisations)
    @rule(amount=amounts, pick=picks, release=st.booleans())
    def take_or_release(self, amount: int, pick: int, release: bool) -> None:
        every = list(self.books.authorisations.values())
        one = every[pick % len(every)]
        before = one.purse[OPEN]
        act = self.books.release if release else self.books.capture
        try:
            act(one, amount_minor=amount, currency=one.currency, reference="R", now=self.now)
        except Refusal as no:
            assert one.purse[OPEN] == (0 if no.code == "authorisation_expired" else before)
        else:
            assert one.purse[OPEN] == before - amount

    @precondition(lambda self: self.books.captures)
    @rule(amount=amounts, pick=picks, dispute=st.booleans())
    def refund_or_dispute(self, amount: int, pick: int, dispute: bool) -> None:
        every = list(self.books.captures.values())
        one = every[pick % len(every)]
        before = self.books.settlements.balances()
        try:
            if dispute:
                self.books.open_dispute(
                    one, amount_minor=amount, currency=one.currency, reference="D", reason="fraud", now=self.now
                )
            else:
                self.books.refund(one, amount_minor=amount, currency=one.currency, reference="R", now=self.now)
        except Refusal:
            assert self.books.settlements.balances() == before

    @precondition(lambda self: self.books.disputes)
    @rule(pick=picks, won=st.booleans())
    def decide_dispute(self, pick: int, won: bool) -> None:
        every = list(self.books.disputes.values())
        one = every[pick % len(every)]
        before = one.state
        try:
            self.books.close_dispute(one, won=won, now=self.now)
        except Refusal:
            assert one.state == before != "open"

    @rule(amount=amounts, currency=st.sampled_from(["EUR", "JPY"]))
    def pay_a_seller(self, amount: int, currency: str) -> None:
        self.books.transfer(reference="V", destination="shop", amount_minor=amount, currency=currency, now=self.now)

    @rule(hours=st.integers(min_value=1, max_value=60), early=st.booleans())
    def time_passes(self, hours: int, early: bool) -> None:
        self.now += timedelta(hours=hours)
        for one in self.books.authorisations.values():
            self.books.expire(one, self.now)
        self.books.close_settlements(self.now, early=early)

    @invariant()
    def every_authorisation_is_the_sum_of_its_parts(self) -> None:
        for one in self.books.authorisations.values():
            parts = [one.purse[bucket] for bucket in (OPEN, CAPTURED, RELEASED, EXPIRED)]
            assert sum(parts) == one.purse.total
            assert 0 <= one.refunded_minor + one.charged_back_minor <= one.purse[CAPTURED]
        assert self.books.unbalanced() == []

    @invariant()
    def settlements_chain_and_sum_to_the_money_that_moved(self) -> None:
        balance: Counter[str] = Counter()
        for day in self.books.settlements.settlements.values():
            assert day.opening_balance_minor == balance[day.currency]
            assert day.net_minor == sum(line.amount_minor - line.fee_minor for line in day.lines)
            assert [line.line_no for line in day.lines] == list(range(1, len(day.lines) + 1))
            assert all(day.opened_at <= line.created_at for line in day.lines)
            balance[day.currency] = day.closing_balance_minor
        assert {code: left for code, left in balance.items() if left} == {
            code: left for code, left in expected_balances(self.books).items() if left
        }


def expected_balances(books: GatewayBooks) -> Counter[str]:
    """The balance from the operations alone, without a look at any settlement line."""
    balance: Counter[str] = Counter()
    for capture in books.captures.values():
        balance[capture.currency] += capture.purse["kept"] - capture.fee_minor
    for dispute in books.disputes.values():
        balance[dispute.currency] -= 1_500
    for transfer in books.transfers.values():
        balance[transfer.currency] -= transfer.amount_minor
    return balance


AnyDayAtTheGateway.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAnyDayAtTheGateway = AnyDayAtTheGateway.TestCase
