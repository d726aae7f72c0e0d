"""Walmart's reconciliation files: every cent of a period, or the file is refused whole."""

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from connectors.market import Answers, Sweep, make_ctx, said
from connectors.walmart.walmart_market import WalmartMarket, refund_of
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.connectors.port import ProblemCode
from entrepot.connectors.reading import Unreadable
from entrepot.connectors.walmart.recon import line_type, report_day, rows_of, us_day
from entrepot.kernel.http import HttpResponse
from entrepot.money.settlement.model import Author, CycleSeen, LineType, StatementLineSeen

HEADER = "Period Start Date,Period End Date,Total Payable,Currency,Transaction Posted Timestamp,Transaction Type,Amount,Amount Type"


@pytest.fixture
def market() -> WalmartMarket:
    return WalmartMarket()


def read(market: WalmartMarket, cursor: str | None = None) -> tuple[list[CycleSeen], list[StatementLineSeen], Sweep]:
    sweep = market.sweep("recon", cursor)
    seen = [market.seen(record) for record in sweep.records]
    return (
        [one for one in seen if isinstance(one, CycleSeen)],
        [one for one in seen if isinstance(one, StatementLineSeen)],
        sweep,
    )


def test_a_period_is_its_total_and_the_lines_that_make_it(market: WalmartMarket) -> None:
    order_id = market.shipped()
    market.send("walmart.refund", refund_of(order_id))
    market.portal.close_period()
    (cycle,), lines, sweep = read(market)
    (book,) = market.system.books()["statements"]
    assert (cycle.author, cycle.kind, cycle.external_id) == (Author.MARKETPLACE, "walmart-recon", "2026-11-02")
    assert cycle.their_total_minor == book["total_minor"] == sum(line.amount_minor for line in lines)
    assert cycle.line_count == len(lines) == book["lines"]
    assert (cycle.currency, cycle.period_to) == ("USD", datetime(2026, 11, 2, tzinfo=UTC))
    assert sum(cycle.summary.values()) == cycle.their_total_minor
    assert {line.cycle_id for line in lines} == {cycle.external_id}
    assert {line.order_id for line in lines} == {order_id}
    assert len({line.external_id for line in lines}) == len(lines)
    assert {record.root for record in sweep.records} == {"statement:walmart-test/main:2026-11-02"}


def test_every_line_of_a_sale_and_its_refund_is_of_a_known_type(market: WalmartMarket) -> None:
    order_id = market.shipped()
    market.send("walmart.refund", refund_of(order_id))
    market.portal.close_period()
    _, lines, _ = read(market)
    types = {line.line_type for line in lines}
    assert LineType.UNRECOGNISED not in types
    assert {
        LineType.ORDER_AMOUNT,
        LineType.COMMISSION_FEE,
        LineType.REFUND_ORDER_AMOUNT,
        LineType.REFUND_COMMISSION_FEE,
    } <= types


def test_reports_are_read_once_and_the_next_one_is_found(market: WalmartMarket) -> None:
    market.shipped()
    market.portal.close_period()
    _, _, first = read(market)
    market.move(days=14)
    market.shipped()
    market.portal.close_period()
    cycles, _, second = read(market, first.cursor)
    assert [cycle.external_id for cycle in cycles] == ["2026-11-16"]
    assert (first.cursor, second.cursor) == ("2026-11-02", "2026-11-16")
    cycles, _, again = read(market, second.cursor)
    assert (cycles, again.problem) == ([], None)


def test_a_report_in_trouble_is_read_again_and_those_after_it_wait(market: WalmartMarket) -> None:
    for _ in range(2):
        market.shipped()
        market.portal.close_period()
        market.move(days=14)
    for kind in ("429", "503", "truncated", "html"):
        market.trouble("getReconReportV1", kind, 5)
        cycles, _, sweep = read(market)
        assert sweep.problem is not None
        assert (cycles, sweep.cursor) == ([], None)
    assert len(read(market)[0]) == 2


SALE = "Sale,20.00,Product Price"
SUMMARY = "10/20/2026,11/02/2026,17.00,USD,11/02/2026,PaymentSummary,,"


def csv(*rows: str) -> bytes:
    return "\r\n".join((HEADER, *rows)).encode()


def zipped(*files: tuple[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files:
            archive.writestr(name, body)
    return held.getvalue()


def served(market: WalmartMarket, body: bytes) -> Sweep:
    source: Any = market.channel.sources["recon"]
    dates = b'{"availableApReportDates":["11022026"]}'
    token = said(200, '{"access_token":"t","expires_in":900}')
    ctx = make_ctx(Answers(token, said(200, dates), HttpResponse(200, {}, body)), market.clock)
    fresh: Any = WalmartMarket().channel.sources["recon"]
    return Sweep.of(replace(source, wire=fresh.wire).fetch(ctx, None))


@pytest.mark.parametrize(
    "pack", [lambda body: body, lambda body: zipped(("r.csv", body)), lambda body: b"\xef\xbb\xbf" + body]
)
def test_a_file_is_read_bare_zipped_and_with_a_byte_order_mark(market: WalmartMarket, pack: Any) -> None:
    rows = (SUMMARY, ",,,,11/01/2026,Sale,20.00,Product Price", ",,,,11/1/2026,Sale,-3.00,Commission on Product")
    sweep = served(market, pack(csv(*rows)))
    assert sweep.problem is None
    cycle, *lines = [market.seen(record) for record in sweep.records]
    assert (cycle.their_total_minor, cycle.line_count) == (1_700, 2)
    assert [(one.line_type, one.amount_minor, one.line_no) for one in lines] == [
        (LineType.ORDER_AMOUNT, 2_000, 1),
        (LineType.COMMISSION_FEE, -300, 2),
    ]


def test_a_type_nobody_knows_is_kept_counted_and_flagged(market: WalmartMarket) -> None:
    sweep = served(market, csv(SUMMARY, ",,,,11/01/2026,Sale,17.00,Promo Code"))
    cycle, line = [market.seen(record) for record in sweep.records]
    assert (line.type, line.line_type, line.amount_minor) == ("Sale/Promo Code", LineType.UNRECOGNISED, 1_700)
    assert cycle.their_total_minor == line.amount_minor


def test_a_line_that_cannot_be_read_is_parked_and_its_neighbours_go_on(market: WalmartMarket) -> None:
    sweep = served(
        market, csv(SUMMARY, ",,,,11/01/2026,Sale,1.234,Product Price", ",,,,11/01/2026,Sale,17.00,Shipping")
    )
    seen = [type(market.seen(record)).__name__ for record in sweep.records]
    assert seen == ["CycleSeen", "Malformed", "StatementLineSeen"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sign in</html>",
        b'{"errors":[]}',
        b"\xff\xfe",
        csv(),
        csv(",,,,11/01/2026,Sale,20.00,Product Price"),
        csv(SUMMARY, SUMMARY),
        csv(SUMMARY, "one,cell"),
        csv(SUMMARY, ',,,,11/01/2026,Sale,"20.00,Product Price'),
        csv(SUMMARY).replace(b"Amount Type", b"Kind"),
        csv(SUMMARY).replace(b"Currency", b"Amount"),
        csv(SUMMARY) + b"\0",
        b"PK\x03\x04 no archive",
        zipped(),
        zipped(("a.csv", csv(SUMMARY)), ("b.csv", csv(SUMMARY))),
        zipped(("bomb.csv", b"0" * 60_000_000)),
        zipped(("a.csv", csv(SUMMARY)))[:-30],
    ],
)
def test_a_file_that_is_not_one_is_refused_whole(market: WalmartMarket, body: bytes) -> None:
    sweep = served(market, body)
    assert sweep.problem is not None
    assert sweep.problem.code is ProblemCode.UNREADABLE
    assert (sweep.records, sweep.cursor) == ([], None)


@pytest.mark.parametrize(
    "names", [b'{"availableApReportDates":["soon"]}', b'{"availableApReportDates":5}', b"[]", b"", b"{"]
)
def test_a_list_of_days_that_is_none_is_a_problem(market: WalmartMarket, names: bytes) -> None:
    token = said(200, '{"access_token":"t","expires_in":900}')
    ctx = make_ctx(Answers(token, said(200, names)), market.clock)
    fresh: Any = WalmartMarket().channel.sources["recon"]
    sweep = Sweep.of(fresh.fetch(ctx, None))
    assert sweep.problem is not None
    assert sweep.problem.code is ProblemCode.UNREADABLE


def test_more_reports_than_one_run_may_take_wait_for_the_next(market: WalmartMarket) -> None:
    for _ in range(3):
        market.shipped()
        market.portal.close_period()
        market.move(days=14)
    source: Any = market.channel.sources["recon"]
    short = replace(source, row=msgspec.structs.replace(source.row, pages_max=2))
    sweep = Sweep.of(short.fetch(market.ctx, None))
    assert sweep.problem is not None
    assert sweep.problem.code is ProblemCode.TOO_LONG
    assert len(read(market, sweep.cursor)[0]) == 1


@pytest.mark.parametrize(
    ("transaction", "part", "amount", "of_order", "ours"),
    [
        ("Sale", "Product tax", 5, True, LineType.ORDER_AMOUNT_TAX),
        ("Sale", "Product tax withheld", -5, True, LineType.OPERATOR_REMITTED_ORDER_AMOUNT_TAX),
        ("Refund", "Product tax withheld", 5, True, LineType.OPERATOR_REMITTED_REFUND_ORDER_AMOUNT_TAX),
        ("refund", "  commission  on product ", 5, True, LineType.REFUND_COMMISSION_FEE),
        ("Sale", "Shipping", 5, True, LineType.ORDER_SHIPPING_AMOUNT),
        ("Refund", "Shipping tax", -5, True, LineType.REFUND_ORDER_SHIPPING_AMOUNT_TAX),
        ("Adjustment", "Fee/Reimbursement", -5, True, LineType.SELLER_FEE_ON_ORDER),
        ("Adjustment", "Fee/Reimbursement", -5, False, LineType.INVOICEABLE_ONE_OFF_DEBIT),
        ("Adjustment", "WFS Fee/Reimbursement", 5, False, LineType.INVOICEABLE_ONE_OFF_CREDIT),
        ("Dispute Settlement", "Fee/Reimbursement", 5, True, LineType.MANUAL_CREDIT),
        ("Dispute Settlement", "Fee/Reimbursement", -5, True, LineType.MANUAL_INVOICE),
        ("Reserve", "", -5, False, LineType.RESERVE_FUNDING),
        ("Release Reserve", "", 5, False, LineType.RESERVE_SETTLEMENT),
        ("Surprise", "Product Price", 5, True, LineType.UNRECOGNISED),
        ("Refund", "Promo Code", 5, True, LineType.UNRECOGNISED),
        ("Adjustment", "Product Price", 5, True, LineType.UNRECOGNISED),
    ],
)
def test_a_row_is_known_by_both_its_words(
    transaction: str, part: str, amount: int, of_order: bool, ours: LineType
) -> None:
    assert line_type(transaction, part, amount, of_order) is ours


def test_a_report_is_named_by_its_day_in_either_order() -> None:
    assert report_day("07012018") == report_day("20180701")
    for text in ("13452018", "2018", "", "0701201"):
        with pytest.raises(Unreadable):
            report_day(text)


def test_a_day_is_month_first_with_or_without_zeros() -> None:
    assert us_day("4/29/2026", "$") == us_day("04/29/2026", "$") == us_day("04/29/2026 10:00", "$")
    for text in ("29/04/2026", "2026-04-29", "", "4/29", "a/b/c"):
        with pytest.raises(Unreadable):
            us_day(text, "$")


@settings(max_examples=100, deadline=None)
@given(cells=st.lists(st.text(max_size=12), max_size=8))
def test_whatever_stands_in_a_file_it_is_read_whole_or_refused(cells: list[str]) -> None:
    body = (HEADER + "\n" + ",".join(cells)).encode("utf-8", "replace")
    try:
        rows = rows_of(body)
    except Unreadable:
        return
    assert all(set(row) == set(HEADER.split(",")) for row in rows)


@settings(max_examples=25, deadline=None)
@given(
    bought=st.lists(st.tuples(st.sampled_from(["ATLAS", "CHART", "LENS"]), st.integers(1, 4)), min_size=1, max_size=4),
    back=st.integers(0, 700),
)
def test_lines_always_add_up_to_what_walmart_pays(bought: list[tuple[str, int]], back: int) -> None:
    market = WalmartMarket()
    order_id = market.shipped(*bought)
    if back:
        market.portal.refund(order_id, "1", back)
    market.portal.close_period()
    (cycle,), lines, _ = read(market)
    assert sum(line.amount_minor for line in lines) == cycle.their_total_minor
