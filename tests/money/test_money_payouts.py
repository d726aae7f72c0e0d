"""Payouts: computed from a cycle, paid once, confirmed, seen on the gateway's report; failures keep their reason."""

from dataclasses import replace

import pytest
from money.money_world import GATEWAY, MARKETPLACE, World

from entrepot.cases.model import CaseAsked
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx, Row
from entrepot.money.ledger import service as ledger
from entrepot.money.ledger.chart import LedgerAccount
from entrepot.money.payout import service, store
from entrepot.money.payout.model import Confirm, Disputed, Nothing, NotKnown, PayoutVerdict, TransferHeard
from entrepot.money.payout.states import MOVES, NOT_PAID, PayoutState
from entrepot.money.settlement.model import CycleSeen, LineType
from entrepot.money.settlement.states import StatementState


@pytest.fixture
def world(ctx: Ctx, clock: ManualClock) -> World:
    return World(ctx, clock)


def compute(world: World, *cycles: CycleSeen) -> list[CaseAsked]:
    with world.ctx.db.transaction() as conn:
        return service.compute(conn, world.ctx, MARKETPLACE, cycles)


def payout(world: World, cycle_id: str = "cycle1") -> Row:
    with world.ctx.db.transaction() as conn:
        return store.by_cycle(conn, MARKETPLACE, [cycle_id])[cycle_id]


def transfer(world: World, amount: int = 8_560, id_: str = "tr_1", **changes: str) -> TransferHeard:
    heard = TransferHeard(id_, "V1", amount, "EUR", world.clock.now())
    return replace(heard, **changes)  # type: ignore[arg-type]  # only texts are changed


def paid(world: World, heard: TransferHeard) -> PayoutVerdict:
    with world.ctx.db.transaction() as conn:
        return service.paid(conn, world.ctx, account=MARKETPLACE, transfer=heard)


def failed(world: World, heard: TransferHeard) -> PayoutVerdict:
    with world.ctx.db.transaction() as conn:
        return service.failed(conn, world.ctx, account=MARKETPLACE, transfer=heard)


def confirmed(world: World) -> list[CaseAsked]:
    with world.ctx.db.transaction() as conn:
        return service.confirmed(conn, world.ctx, MARKETPLACE, "cycle1", at=world.clock.now())


def balance(world: World, account: LedgerAccount) -> int:
    with world.ctx.db.transaction() as conn:
        return ledger.balance(conn, account, "EUR")


def sold(world: World) -> CycleSeen:
    world.sells(10_000)
    cycle = world.closes_cycle("cycle1", voucher="V1")
    world.settle()
    compute(world, cycle)
    return cycle


def test_a_cycle_is_paid_confirmed_and_seen_on_the_gateways_report(world: World) -> None:
    sold(world)
    assert (payout(world)["state"], payout(world)["amount_minor"]) == ("computed", 8_560)
    verdict = paid(world, transfer(world))
    assert isinstance(verdict, Confirm)
    assert (verdict.key, verdict.account) == ("confirm-payout:cycle1", MARKETPLACE)
    assert verdict.payload == {
        "cycle_id": "cycle1",
        "transaction_number": "tr_1",
        "paid_at": world.clock.now().isoformat(),
        "status": "PAID",
    }
    assert balance(world, LedgerAccount.SELLER_PAYABLE) == 0
    assert balance(world, LedgerAccount.PAYOUT_CLEARING) == -8_560
    assert confirmed(world) == confirmed(world) == []
    assert payout(world)["state"] == "confirmed"
    world.gateway_says("transfer", "tr_1", -8_560)
    world.closes_day("day1")
    (done,) = world.settle(GATEWAY)
    assert (done.state, done.cases) == (StatementState.CLOSED, [])
    assert payout(world)["state"] == "done"
    assert balance(world, LedgerAccount.PAYOUT_CLEARING) == 0
    lines = world.rows("SELECT witness FROM statement_line WHERE line_type = 'GATEWAY_TRANSFER'")
    assert lines == [{"witness": "marketplace"}]  # its voucher says the amount


def test_the_report_may_come_before_the_marketplaces_confirmation(world: World) -> None:
    sold(world)
    paid(world, transfer(world))
    world.gateway_says("transfer", "tr_1", -8_560)
    world.closes_day("day1")
    world.settle(GATEWAY)
    assert payout(world)["state"] == "bank-matched"
    confirmed(world)
    assert payout(world)["state"] == "done"


def test_the_payment_line_of_the_voucher_is_matched_with_the_payout_in_whatever_order(world: World) -> None:
    sold(world)
    paid(world, transfer(world))
    line = replace(world.says(LineType.PAYMENT, -8_560, reference="V1"), cycle_id="cycle1", voucher="V1")
    assert world.tell([line]).cases == []
    assert world.rows("SELECT matched, witness FROM statement_line WHERE type = 'PAYMENT'") == [
        {"matched": "matched", "witness": "gateway"}
    ]
    assert world.statement("cycle1")["version"] == 1  # a payment is no change of what was paid for


def test_a_payment_line_that_comes_first_waits_for_the_transfer(world: World) -> None:
    sold(world)
    line = replace(world.says(LineType.PAYMENT, -8_560, reference="V1"), cycle_id="cycle1", voucher="V1")
    world.tell([line])
    paid(world, transfer(world))
    assert world.rows("SELECT matched FROM statement_line WHERE type = 'PAYMENT'") == [{"matched": "matched"}]


def test_a_payment_line_over_another_amount_is_a_case(world: World) -> None:
    sold(world)
    paid(world, transfer(world))
    line = replace(world.says(LineType.PAYMENT, -8_500, reference="V1"), cycle_id="cycle1", voucher="V1")
    (case,) = world.tell([line]).cases
    assert (case.mode, case.object, case.object_id, case.money_minor) == ("statement-unbalanced", "voucher", "V1", 60)


def test_the_same_news_again_changes_nothing(world: World) -> None:
    cycle = sold(world)
    assert compute(world, cycle) == []
    paid(world, transfer(world))
    assert isinstance(paid(world, transfer(world)), Nothing)
    assert balance(world, LedgerAccount.PAYOUT_CLEARING) == -8_560


def test_a_transfer_heard_before_its_cycle_waits(world: World) -> None:
    assert isinstance(paid(world, transfer(world)), NotKnown)
    assert isinstance(failed(world, transfer(world)), NotKnown)
    assert balance(world, LedgerAccount.PAYOUT_CLEARING) == 0


def test_a_negative_cycle_is_carried_over_and_nothing_is_paid(world: World) -> None:
    world.says(LineType.SUBSCRIPTION_FEE, -3_900)
    compute(world, world.closes_cycle("cycle1", voucher="", total=-3_900))
    assert (payout(world)["state"], payout(world)["amount_minor"]) == ("carried-over", -3_900)


def test_a_seller_without_kyc_is_blocked_until_it_is_done(world: World) -> None:
    world.sells(10_000)
    cycle = world.closes_cycle("cycle1", voucher="V1")
    compute(world, replace(cycle, failure_reason="INCOMPLETE_KYC"))
    assert (payout(world)["state"], payout(world)["reason"]) == ("blocked", "INCOMPLETE_KYC")
    compute(world, cycle)
    assert (payout(world)["state"], payout(world)["reason"]) == ("computed", "")
    with world.ctx.db.transaction() as conn:
        assert service.block(conn, world.ctx, MARKETPLACE, "cycle1", reason="account changed", by="mara")
        assert not service.block(conn, world.ctx, MARKETPLACE, "cycle1", reason="account changed", by="mara")
    assert payout(world)["state"] == "blocked"


def test_a_voucher_paid_twice_is_a_case_and_stands_in_the_books_twice(world: World) -> None:
    sold(world)
    paid(world, transfer(world))
    verdict = paid(world, transfer(world, id_="tr_2"))
    assert isinstance(verdict, Disputed)
    assert "paid twice: tr_1 and tr_2" in verdict.case.values["words"]
    assert balance(world, LedgerAccount.SELLER_PAYABLE) == 8_560  # the seller owes it to us
    assert payout(world)["transfer_id"] == "tr_1"


def test_another_amount_than_computed_is_never_confirmed(world: World) -> None:
    sold(world)
    verdict = paid(world, transfer(world, amount=8_500))
    assert isinstance(verdict, Disputed)
    assert verdict.case.mode == "payout-failed"
    assert balance(world, LedgerAccount.PAYOUT_CLEARING) == -8_500


def test_a_transfer_the_bank_sends_back_is_reversed_and_reopens_the_payout(world: World) -> None:
    sold(world)
    paid(world, transfer(world))
    confirmed(world)
    world.gateway_says("transfer", "tr_1", -8_560)
    world.closes_day("day1")
    world.settle(GATEWAY)
    world.later(days=2)
    verdict = failed(world, transfer(world, failure_reason="account closed"))
    assert isinstance(verdict, Disputed)
    assert verdict.case.values["words"] == "account closed"
    assert (payout(world)["state"], payout(world)["reason"]) == ("failed", "account closed")
    assert isinstance(failed(world, transfer(world, failure_reason="account closed")), Nothing)
    assert balance(world, LedgerAccount.SELLER_PAYABLE) == -8_560
    world.gateway_says("transfer", "tr_1", 8_560)
    world.closes_day("day2")
    (done,) = world.settle(GATEWAY)
    assert (done.state, done.cases) == (StatementState.CLOSED, [])


def test_a_transfer_that_goes_out_and_comes_back_on_one_report_leaves_nothing_on_its_way(world: World) -> None:
    sold(world)
    paid(world, transfer(world))
    failed(world, transfer(world, failure_reason="account closed"))  # heard before the day's report
    world.gateway_says("transfer", "tr_1", -8_560)
    world.gateway_says("transfer", "tr_1", 8_560)
    world.closes_day("day1")
    (done,) = world.settle(GATEWAY)
    assert (done.state, done.cases) == (StatementState.CLOSED, [])
    assert balance(world, LedgerAccount.PAYOUT_CLEARING) == 0
    assert balance(world, LedgerAccount.SELLER_PAYABLE) == -8_560  # still owed


def test_a_failed_payout_is_paid_again_only_by_another_transfer(world: World) -> None:
    sold(world)
    failed(world, transfer(world, failure_reason="unknown account"))
    assert isinstance(paid(world, transfer(world)), Nothing)  # late news of what failed since
    verdict = paid(world, transfer(world, id_="tr_2"))
    assert isinstance(verdict, Confirm)
    assert payout(world)["transfer_id"] == "tr_2"
    late = failed(world, transfer(world, failure_reason="unknown account"))
    assert isinstance(late, Nothing)
    assert payout(world)["state"] == "sent"


def test_a_cycle_issued_again_before_payment_changes_the_payout_and_after_it_asks_a_person(world: World) -> None:
    cycle = sold(world)
    assert compute(world, replace(cycle, their_total_minor=8_000)) == []
    assert payout(world)["amount_minor"] == 8_000
    paid(world, transfer(world, amount=8_000))
    (case,) = compute(world, replace(cycle, their_total_minor=7_000))
    assert case.mode == "payout-failed"
    assert payout(world)["amount_minor"] == 8_000


def test_a_transfer_on_the_report_that_is_no_payout_of_ours_is_a_difference(world: World) -> None:
    sold(world)
    world.gateway_says("transfer", "tr_9", -100)
    world.closes_day("day1")
    world.settle(GATEWAY)
    assert world.variances("day1") == [("missing-in-books", -100, 0)]


def test_a_confirmation_that_arrives_after_the_transfer_failed_is_a_case(world: World) -> None:
    sold(world)
    paid(world, transfer(world))
    failed(world, transfer(world, failure_reason="account closed"))
    (case,) = confirmed(world)
    assert "was told that it was paid; since then it is failed" in case.values["words"]
    assert payout(world)["state"] == "failed"
    assert confirmed(world) == []


def test_a_voucher_that_owes_nothing_any_more_and_is_paid_is_a_case(world: World) -> None:
    cycle = sold(world)
    compute(world, replace(cycle, their_total_minor=-100))
    assert payout(world)["state"] == "carried-over"
    verdict = paid(world, transfer(world))
    assert isinstance(verdict, Disputed)
    assert "nothing was owed" in verdict.case.values["words"]


def test_every_payout_state_has_a_row_and_money_moves_only_on_the_way_out() -> None:
    assert set(MOVES) == set(PayoutState)
    assert all(PayoutState.SENT not in MOVES[state] for state in PayoutState if state not in NOT_PAID)
