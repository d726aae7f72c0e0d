"""Statements against our books on PostgreSQL: balanced, matched, witnessed, explained to the cent, closed."""

from collections import Counter
from dataclasses import replace

import pytest
from money.money_world import GATEWAY, World

from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.money.ledger import service as ledger
from entrepot.money.ledger.chart import LedgerAccount
from entrepot.money.settlement import decisions, report
from entrepot.money.settlement.decisions import DecisionDone, DecisionRefused
from entrepot.money.settlement.model import Author, CycleSeen, LineType
from entrepot.money.settlement.states import StatementState, VarianceState


@pytest.fixture
def world(ctx: Ctx, clock: ManualClock) -> World:
    return World(ctx, clock)


def witnesses(world: World) -> Counter[tuple[str, str]]:
    rows = world.rows("SELECT author, witness FROM statement_line WHERE line_type <> 'PAYMENT'")
    return Counter((row["author"], row["witness"]) for row in rows)


# -- the good case -----------------------------------------------------------------------------------------------------


def test_a_cycle_that_agrees_with_our_books_closes_and_every_line_has_another_witness(world: World) -> None:
    order = world.sells(10_000, 500)
    world.refunds(order, 4_000, of=(10_000, 500))
    world.closes_cycle("cycle1")
    (done,) = world.settle()
    assert done.state is StatementState.CLOSED
    assert (done.cases, world.variances("cycle1")) == ([], [])
    assert witnesses(world) == {
        ("marketplace", "gateway"): 3,  # order, shipping, refund: the gateway moved the money
        ("marketplace", "rate-agreement"): 4,  # commission, its tax, and both returned
        ("marketplace", "hub"): 1,  # the refund of shipping, which is nothing
    }


def test_the_gateways_report_closes_with_its_fees_posted_from_it(world: World) -> None:
    order = world.sells(10_000)
    world.refunds(order, 4_000, of=(10_000, 0))
    world.closes_day("day1")
    (done,) = world.settle(GATEWAY)
    assert (done.state, done.cases) == (StatementState.CLOSED, [])
    assert witnesses(world) == {("gateway", "marketplace"): 2, ("gateway", ""): 1}  # only the gateway knows its fee
    with world.ctx.db.transaction() as conn:
        assert ledger.balance(conn, LedgerAccount.GATEWAY_FEE_EXPENSE, "EUR") == 25
        assert ledger.balance(conn, LedgerAccount.GATEWAY_CLEARING, "EUR") == 10_000 - 4_000 - 25


def test_a_second_sweep_changes_nothing(world: World) -> None:
    world.sells(10_000)
    world.closes_cycle("cycle1")
    world.closes_day("day1")
    world.settle()
    world.settle(GATEWAY)
    before = world.rows("SELECT count(*) AS n, max(seq) AS last FROM event")
    assert world.settle() == world.settle(GATEWAY) == []
    world.tell(world.lines)
    assert world.rows("SELECT count(*) AS n, max(seq) AS last FROM event") == before
    assert len(world.rows("SELECT 1 FROM statement")) == 2


def test_lines_heard_before_their_statement_wait_for_it(world: World) -> None:
    world.sells(10_000)
    lines = [replace(line, cycle_id="cycle1", voucher="V1") for line in world.lines]
    world.tell(lines)
    assert world.rows("SELECT DISTINCT statement_id FROM statement_line") == [{"statement_id": None}]
    world.lines = []
    cycle = world.closes_cycle("cycle1", total=sum(line.amount_minor for line in lines))
    assert world.settle()[0].state is StatementState.CLOSED
    assert world.announce(cycle).new == []


def test_a_statement_waits_for_lines_that_are_still_on_their_way(world: World) -> None:
    world.sells(10_000)
    lines, world.lines = world.lines, []
    total = sum(line.amount_minor for line in lines)
    world.closes_cycle("cycle1", total=total, lines=lines[:2])
    assert world.settle()[0].state is StatementState.ANNOUNCED
    world.tell([replace(line, cycle_id="cycle1", voucher="V1") for line in lines[2:]])
    assert world.settle()[0].state is StatementState.CLOSED


# -- differences -------------------------------------------------------------------------------------------------------


def test_a_wrong_commission_rate_shows_both_rates_and_becomes_one_case(world: World) -> None:
    for _ in range(3):
        world.sells(10_000)
    for line in list(world.lines):
        if line.line_type in (LineType.COMMISSION_FEE, LineType.COMMISSION_VAT):
            more = 200 if line.line_type is LineType.COMMISSION_FEE else 40
            world.lines[world.lines.index(line)] = replace(line, amount_minor=line.amount_minor - more)
    world.closes_cycle("cycle1")
    (done,) = world.settle()
    assert done.state is StatementState.EXPLAINED
    assert Counter(world.variances("cycle1")) == {
        ("commission-rate-differs", -1_400, -1_200): 3,
        ("commission-rate-differs", -280, -240): 3,
    }
    (case,) = done.cases
    assert (case.mode, case.money_minor, case.details["lines"]) == ("settlement-variance", 720, 6)
    assert "14 % against the agreed 12 % of 100.00 EUR" in case.details["explanations"][0]


def test_another_tax_on_the_agreed_commission_is_a_question_of_tax(world: World) -> None:
    world.sells(10_000)
    vat = next(line for line in world.lines if line.line_type is LineType.COMMISSION_VAT)
    world.lines[world.lines.index(vat)] = replace(vat, amount_minor=vat.amount_minor + 12)
    world.closes_cycle("cycle1")
    world.settle()
    assert world.variances("cycle1") == [("tax", -228, -240)]


def test_a_cent_on_a_computed_amount_is_rounding_and_on_a_price_it_is_not(world: World) -> None:
    world.sells(10_000)
    world.lines = [
        replace(line, amount_minor=line.amount_minor + 1)
        if line.line_type in (LineType.COMMISSION_FEE, LineType.ORDER_AMOUNT)
        else line
        for line in world.lines
    ]
    world.closes_cycle("cycle1")
    world.settle()
    assert world.variances("cycle1") == [("amount-differs", 10_001, 10_000), ("rounding", -1_199, -1_200)]


def test_a_surplus_is_flagged_like_a_shortage(world: World) -> None:
    world.sells(10_000)
    world.lines[0] = replace(world.lines[0], amount_minor=10_300)
    world.closes_cycle("cycle1")
    (done,) = world.settle()
    assert world.variances("cycle1") == [("amount-differs", 10_300, 10_000)]
    assert done.cases[0].details["theirs_less_ours"] == "3.00"


def test_an_order_our_books_do_not_know_is_missing_in_our_books(world: World) -> None:
    world.sells(10_000, in_books=False)
    world.closes_cycle("cycle1")
    (done,) = world.settle()
    assert Counter(cause for cause, _, _ in world.variances("cycle1")) == {"missing-in-books": 3}
    assert done.cases[0].money_minor == 10_000 + 1_200 + 240


def test_a_sale_they_never_listed_is_missing_in_their_statement_once(world: World) -> None:
    world.sells(10_000)
    forgotten, world.lines = world.lines, []
    world.later(days=5)
    world.sells(2_000)
    world.later(days=5)
    world.closes_cycle("cycle1")
    (done,) = world.settle()
    assert sorted(world.variances("cycle1")) == [
        ("missing-in-statement", 0, -1_200),
        ("missing-in-statement", 0, -240),
        ("missing-in-statement", 0, 10_000),
    ]
    assert done.state is StatementState.EXPLAINED
    world.sells(3_000)
    world.later(days=10)
    world.closes_cycle("cycle2", lines=[line for line in world.lines if not line.cycle_id])
    assert world.settle()[0].state is StatementState.CLOSED  # said once is enough
    world.later(days=10)
    world.closes_cycle("cycle3", lines=forgotten)
    assert world.settle()[0].state is StatementState.CLOSED
    assert world.statement("cycle1")["state"] == "closed"
    assert {row["reason"][:12] for row in world.rows("SELECT reason FROM variance")} == {"listed later"}


def test_a_sale_of_yesterday_is_not_missing_yet(world: World) -> None:
    world.sells(2_000)
    listed, world.lines = world.lines, []
    world.later(days=5)
    world.sells(10_000)
    world.later(hours=20)
    world.closes_cycle("cycle1", lines=listed)
    assert world.settle()[0].state is StatementState.CLOSED


def test_a_sale_listed_but_in_no_cycle_yet_is_in_transit_and_not_missing(world: World) -> None:
    world.sells(2_000)
    first = list(world.lines)
    world.sells(10_000)
    pending = [line for line in world.lines if line not in first]
    world.tell(pending)
    world.later(days=9)
    world.closes_cycle("cycle1", lines=first)
    assert world.settle()[0].state is StatementState.CLOSED
    assert {row["matched"] for row in world.rows("SELECT matched FROM statement_line")} == {"matched"}
    world.later(days=9)
    world.closes_cycle("cycle2")
    assert world.settle()[0].state is StatementState.CLOSED


def test_a_wrong_amount_that_is_still_in_transit_is_said_when_its_cycle_closes(world: World) -> None:
    world.sells(2_000)
    first = list(world.lines)
    world.sells(10_000)
    world.lines[4] = replace(world.lines[4], amount_minor=9_000)
    world.tell(world.lines[4:])
    world.later(days=9)
    world.closes_cycle("cycle1", lines=first)
    assert world.settle()[0].state is StatementState.CLOSED
    world.closes_cycle("cycle2")
    world.settle()
    assert world.variances("cycle2") == [("amount-differs", 9_000, 10_000)]


def test_the_same_line_twice_is_a_duplicate_also_across_cycles(world: World) -> None:
    world.sells(10_000)
    again = replace(world.lines[0], external_id="tl-again")
    thrice = replace(world.lines[0], external_id="tl-thrice")
    world.lines.append(again)
    world.closes_cycle("cycle1")
    world.settle()
    assert world.variances("cycle1") == [("duplicate-line", 10_000, 0)]
    world.lines = []
    world.closes_cycle("cycle2", lines=[thrice])
    world.settle()
    assert world.variances("cycle2") == [("duplicate-line", 10_000, 0)]


@pytest.mark.parametrize(
    ("line_type", "amount", "cause"),
    [
        (LineType.MANUAL_CREDIT, 2_000, "manual-document"),
        (LineType.MANUAL_INVOICE, -2_000, "manual-document"),
        (LineType.INVOICEABLE_ONE_OFF_DEBIT, -100, "manual-document"),
        (LineType.SUBSCRIPTION_FEE, -3_900, "fee-unknown"),
        (LineType.SELLER_PENALTY_FEE, -500, "fee-unknown"),
        (LineType.RESERVE_FUNDING, -1_000, "reserve"),
        (LineType.OPERATOR_REMITTED_ORDER_AMOUNT_TAX, -70, "tax"),
        (LineType.UNRECOGNISED, -3, "fee-unknown"),
    ],
)
def test_lines_nobody_told_us_of_are_sorted_by_their_kind(
    world: World, line_type: LineType, amount: int, cause: str
) -> None:
    world.sells(10_000)
    world.says(line_type, amount, type="ECO_TAX_2027" if line_type is LineType.UNRECOGNISED else "", reference="doc-1")
    world.closes_cycle("cycle1")
    (done,) = world.settle()
    assert world.variances("cycle1") == [(cause, amount, 0)]
    assert done.cases[0].values["words"].startswith(cause.replace("-", " "))


def test_an_amount_in_another_currency_is_never_added(world: World) -> None:
    order = world.sells(10_000, currency="USD")
    world.lines = []
    world.sells(5_000)
    world.says(LineType.ORDER_AMOUNT, 9_200, order_id=order, order_line_id=f"{order}-1")
    world.closes_cycle("cycle1")
    world.settle()
    assert world.variances("cycle1") == [("fx", 9_200, 0)]


def test_one_line_may_stand_for_several_postings_and_several_lines_for_one(world: World) -> None:
    order = world.sells(9_000)
    whole = world.lines[0]
    world.lines[0] = replace(whole, amount_minor=4_000)
    world.lines.append(replace(whole, external_id="tl-rest", amount_minor=5_000))
    world.refunds(order, 1_000, of=(9_000, 0))
    world.refunds(order, 2_000, of=(9_000, 0), before=1_000)
    refunds = [line for line in world.lines if line.line_type is LineType.REFUND_ORDER_AMOUNT]
    world.lines = [line for line in world.lines if line not in refunds]
    world.lines.append(replace(refunds[0], reference="", amount_minor=-3_000))
    world.closes_cycle("cycle1")
    assert world.settle()[0].state is StatementState.CLOSED


def test_two_refunds_of_the_same_amount_are_not_taken_for_each_other(world: World) -> None:
    order = world.sells(9_000)
    world.refunds(order, 1_000, of=(9_000, 0))
    world.refunds(order, 1_000, of=(9_000, 0), before=1_000, in_books=False)
    first = next(line for line in world.lines if line.reference and line.line_type is LineType.REFUND_ORDER_AMOUNT)
    world.lines.remove(first)
    world.later(days=4)
    world.closes_cycle("cycle1")
    world.settle()
    causes = {(cause, theirs, ours) for cause, theirs, ours in world.variances("cycle1")}
    assert {("missing-in-books", -1_000, 0), ("missing-in-statement", 0, -1_000)} <= causes


def test_a_fact_that_was_reversed_is_not_expected_on_their_statement(world: World) -> None:
    world.sells(2_000)
    order = world.sells(10_000)
    world.lines = [line for line in world.lines if line.order_id != order]
    with world.ctx.db.transaction() as conn:
        for key in (f"deb:{order}", f"com:{order}"):
            ledger.reverse(conn, world.ctx, key, because="debited the wrong order")
    world.later(days=5)
    world.closes_cycle("cycle1")
    assert world.settle()[0].state is StatementState.CLOSED


def test_our_books_catching_up_ends_the_difference_by_itself(world: World) -> None:
    order = world.sells(10_000, in_books=False)
    world.closes_cycle("cycle1")
    (done,) = world.settle()
    assert done.cases
    late = World(world.ctx, world.clock)
    late.sells(10_000)  # the same order, posted late
    assert late.lines[0].order_id == order
    world.settle()
    assert world.statement("cycle1")["state"] == "closed"
    assert {row["reason"] for row in world.rows("SELECT reason FROM variance")} == {"our books caught up"}


# -- their own arithmetic ----------------------------------------------------------------------------------------------


def test_a_statement_that_does_not_add_up_waits_for_a_person_and_is_said_once(world: World) -> None:
    world.sells(10_000)
    world.closes_cycle("cycle1", total=9_999)
    assert world.settle()[0].state is StatementState.ANNOUNCED  # its lines may still be on their way
    world.later(hours=7)
    (done,) = world.settle()
    assert done.state is StatementState.PARSED
    assert [(case.mode, case.money_minor) for case in done.cases] == [("statement-unbalanced", 1_439)]
    assert world.settle()[0].cases == []


def test_a_statement_without_lines_is_missing(world: World) -> None:
    world.lines = []
    world.announce(replace(world.closes_cycle("cycle0", total=0), external_id="cycle1", their_total_minor=5_000))
    world.later(hours=7)
    modes = [case.mode for done in world.settle() for case in done.cases]
    assert modes == ["statement-missing"]


def test_late_lines_heal_a_statement_that_did_not_add_up(world: World) -> None:
    world.sells(10_000)
    lines, world.lines = world.lines, []
    world.closes_cycle("cycle1", total=sum(line.amount_minor for line in lines), lines=lines[:3])
    world.later(hours=7)
    assert world.settle()[0].state is StatementState.PARSED
    world.tell([replace(line, cycle_id="cycle1", voucher="V1") for line in lines[3:]])
    (done,) = world.settle()
    assert done.state is StatementState.CLOSED
    assert {mode for mode, *_ in done.gone} == {"statement-unbalanced", "statement-missing"}
    assert world.variances("cycle1", "corrected") == [("amount-differs", 8_560, 8_800)]


def test_an_imbalance_that_a_person_accepts_is_part_of_the_explanation(world: World) -> None:
    world.sells(10_000)
    world.closes_cycle("cycle1", total=8_570)
    world.later(hours=7)
    world.settle()
    statement_id = world.statement("cycle1")["id"]
    with world.ctx.db.transaction() as conn:
        done = decisions.decide(
            conn, world.ctx, statement_id, to=VarianceState.ACCEPTED, by="mara", reason="they rounded the voucher up"
        )
    assert isinstance(done, DecisionDone)
    assert world.settle()[0].state is StatementState.CLOSED
    with world.ctx.db.transaction() as conn:
        assert ledger.balance(conn, LedgerAccount.SELLER_PAYABLE, "EUR", "2001") == -8_570
        assert ledger.balance(conn, LedgerAccount.WRITE_OFF, "EUR") == 10


def test_a_negative_cycle_is_carried_over_and_the_next_voucher_pays_for_both(world: World) -> None:
    world.says(LineType.SUBSCRIPTION_FEE, -3_900)
    cycle = world.closes_cycle("cycle1", voucher="", total=0)
    carried = list(world.lines)
    world.later(hours=7)
    assert world.settle()[0].state is StatementState.EXPLAINED
    world.sells(10_000)
    second = [line for line in world.lines if not line.cycle_id]
    amount = sum(line.amount_minor for line in second)
    world.closes_cycle("cycle2", voucher="V2", total=amount - 3_900, lines=second)
    world.tell([replace(line, voucher="V2") for line in carried])
    assert world.settle()[0].state is StatementState.CLOSED
    assert cycle.voucher == ""


# -- decisions ---------------------------------------------------------------------------------------------------------


def with_manual_credit(world: World) -> str:
    world.sells(10_000)
    world.says(LineType.MANUAL_CREDIT, 2_000, reference="130201")
    world.closes_cycle("cycle1")
    world.settle()
    return str(world.statement("cycle1")["id"])


def test_an_accepted_difference_brings_our_books_to_theirs_and_closes_the_statement(world: World) -> None:
    statement_id = with_manual_credit(world)
    with world.ctx.db.transaction() as conn:
        done = decisions.decide(
            conn,
            world.ctx,
            f"{statement_id}:manual-document",
            to=VarianceState.ACCEPTED,
            by="mara",
            reason="goodwill, mail of 2 March",
        )
        assert isinstance(done, DecisionDone)
        assert done.gone[0][:3] == ("settlement-variance", "statement", f"{statement_id}:manual-document")
        assert ledger.balance(conn, LedgerAccount.SELLER_PAYABLE, "EUR", "2001") == -(10_000 - 1_440 + 2_000)
        assert ledger.balance(conn, LedgerAccount.FEE_EXPENSE, "EUR") == 2_000
    assert world.statement("cycle1")["state"] == "closed"


def test_a_difference_is_decided_once_and_with_a_reason(world: World) -> None:
    statement_id = with_manual_credit(world)
    object_id = f"{statement_id}:manual-document"
    with world.ctx.db.transaction() as conn:
        silent = decisions.decide(conn, world.ctx, object_id, to=VarianceState.ACCEPTED, by="mara", reason=" ")
        first = decisions.decide(conn, world.ctx, object_id, to=VarianceState.CORRECTED, by="mara", reason="claimed")
        second = decisions.decide(conn, world.ctx, object_id, to=VarianceState.ACCEPTED, by="jon", reason="ok")
        nowhere = decisions.decide(conn, world.ctx, "stm_no:tax", to=VarianceState.ACCEPTED, by="jon", reason="ok")
    assert isinstance(silent, DecisionRefused) and isinstance(first, DecisionDone)
    assert isinstance(second, DecisionRefused) and isinstance(nowhere, DecisionRefused)


def test_a_written_off_sale_that_is_listed_after_all_is_asked_about_again(world: World) -> None:
    world.sells(10_000)
    forgotten, world.lines = world.lines, []
    world.later(days=5)
    world.sells(2_000)
    world.later(days=5)
    world.closes_cycle("cycle1")
    world.settle()
    statement_id = world.statement("cycle1")["id"]
    with world.ctx.db.transaction() as conn:
        decisions.decide(
            conn,
            world.ctx,
            f"{statement_id}:missing-in-statement",
            to=VarianceState.ACCEPTED,
            by="mara",
            reason="order was cancelled by phone",
        )
        assert ledger.balance(conn, LedgerAccount.SELLER_PAYABLE, "EUR", "2001") == -(2_000 - 288)
    world.closes_cycle("cycle2", lines=forgotten)
    world.settle()
    assert {cause for cause, _, _ in world.variances("cycle2")} == {"missing-in-books"}


# -- issued again ------------------------------------------------------------------------------------------------------


def test_a_statement_issued_again_is_a_new_version_and_the_old_one_stays_as_it_was(world: World) -> None:
    statement_id = with_manual_credit(world)
    with world.ctx.db.transaction() as conn:
        decisions.decide(
            conn, world.ctx, f"{statement_id}:manual-document", to=VarianceState.ACCEPTED, by="mara", reason="goodwill"
        )
    credit = next(line for line in world.lines if line.line_type is LineType.MANUAL_CREDIT)
    kept = world.tell([replace(credit, amount_minor=1_500)])
    assert len(kept.reissued) == 1
    world.announce(replace(world_cycle(world), their_total_minor=8_560 + 1_500))
    (done,) = world.settle()
    assert done.state is StatementState.EXPLAINED
    statement = world.statement("cycle1")
    assert statement["version"] == 3  # a line changed, then the total
    assert world.variances("cycle1") == [("manual-document", 1_500, 0)]
    old = world.rows(f"SELECT amount_minor FROM statement_line WHERE statement_id = '{statement_id}' ORDER BY 1")
    assert [row["amount_minor"] for row in old] == [-1_200, -240, 0, 2_000, 10_000]
    with world.ctx.db.transaction() as conn:
        assert ledger.balance(conn, LedgerAccount.FEE_EXPENSE, "EUR") == 0  # the accepted credit was taken back
        detail = report.statement_detail(conn, statement["id"])
        assert detail is not None
        assert [version["version"] for version in detail["versions"]] == [1, 2, 3]


def world_cycle(world: World) -> CycleSeen:
    row = world.statement("cycle1")
    names = ("external_id", "kind", "currency", "their_total_minor", "announced_at", "seller_id", "voucher")
    return CycleSeen(author=Author.MARKETPLACE, **{name: row[name] for name in names})


def test_a_line_more_on_a_closed_statement_makes_a_new_version(world: World) -> None:
    world.sells(10_000)
    world.closes_cycle("cycle1")
    world.settle()
    world.sells(1_000)
    late = [replace(line, cycle_id="cycle1", voucher="V1") for line in world.lines if not line.cycle_id]
    assert len(world.tell(late).reissued) == 1
    assert world.statement("cycle1")["state"] == "announced"
    world.later(hours=7)
    (done,) = world.settle()
    assert done.cases[0].mode == "statement-unbalanced"


def test_a_gateway_report_issued_again_reverses_the_fees_posted_from_the_old_one(world: World) -> None:
    world.sells(10_000)
    cycle = world.closes_day("day1")
    world.settle(GATEWAY)
    fee = next(line for line in world.report if line.line_type is LineType.GATEWAY_FEE)
    world.tell([replace(fee, amount_minor=-30)], GATEWAY)
    world.announce(replace(cycle, their_total_minor=9_970), GATEWAY)
    (done,) = world.settle(GATEWAY)
    assert (done.state, done.cases) == (StatementState.CLOSED, [])
    with world.ctx.db.transaction() as conn:
        assert ledger.balance(conn, LedgerAccount.GATEWAY_FEE_EXPENSE, "EUR") == 30


def test_a_voucher_given_later_is_not_a_new_version(world: World) -> None:
    world.sells(10_000)
    cycle = world.closes_cycle("cycle1", voucher="")
    world.announce(replace(cycle, voucher="V9"))
    assert (world.statement("cycle1")["version"], world.statement("cycle1")["voucher"]) == (1, "V9")


# -- figures -----------------------------------------------------------------------------------------------------------


def test_figures_say_how_much_is_matched_witnessed_and_open(world: World) -> None:
    with_manual_credit(world)
    world.closes_day("day1")
    world.settle(GATEWAY)
    with world.ctx.db.transaction() as conn:
        figures = report.figures(conn)
    assert (figures["lines"], figures["matched"], figures["witnessed"], figures["zero"]) == (7, 6, 4, 1)
    assert figures["by_author"]["marketplace"] == {"lines": 5, "matched": 4, "witnessed": 3, "zero": 1}
    assert figures["money"] == {"EUR": {"variance_minor": 2_000, "unexplained_minor": 0, "variances": 1}}
    assert figures["statements"] == {"closed": 1, "explained": 1}


def test_the_waterfall_goes_from_sales_to_payout_theirs_against_ours(world: World) -> None:
    statement_id = with_manual_credit(world)
    with world.ctx.db.transaction() as conn:
        detail = report.statement_detail(conn, statement_id)
        page = report.lines_page(conn, statement_id)
        assert report.statement_detail(conn, "stm_no") is None
    assert detail is not None
    steps = [(step.family.value, step.theirs_minor, step.ours_minor) for step in detail["waterfall"]]
    assert steps == [("sales", 10_000, 10_000), ("commission", -1_440, -1_440), ("documents", 2_000, 0)]
    assert (detail["operator_minor"], detail["payment_minor"]) == (1_440 - 2_000, 10_560)
    assert [(c["cause"], c["amount_minor"], c["owner"]) for c in detail["causes"]] == [
        ("manual-document", 2_000, "finance-operations")
    ]
    assert detail["counts"] == {"lines": 5, "matched": 4, "witnessed": 3, "zero": 1, "unrecognised": 0}
    assert [line["ours"][0]["fact"] for line in page if line["ours"]][:1] == ["leg-debited"]
