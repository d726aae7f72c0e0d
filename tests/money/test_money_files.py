"""Statements as files: samples of real marketplaces, and files that somebody broke."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from money.money_world import World

from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.money.settlement.files import FileRead, read_transaction_log, read_vouchers
from entrepot.money.settlement.model import LineType
from entrepot.money.settlement.states import StatementState

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SAMPLES = Path(__file__).parents[2].parent / "shared" / "data"


def sample(path: str) -> bytes:
    file = SAMPLES / path
    if not file.exists():
        pytest.skip(f"the foreign sample {path} is not on this machine")
    return file.read_bytes()


@pytest.mark.foreign
@pytest.mark.parametrize(("name", "lines"), [("simpleOrder", 4), ("withRefund", 8), ("withManualCredit", 12)])
def test_a_real_voucher_pays_five_thousand_euros(name: str, lines: int) -> None:
    read = read_transaction_log(sample(f"mirakl-transaction-logs/{name}.json"), handed_in_at=AT)
    assert read.findings == ()
    (voucher,) = read.vouchers
    assert (voucher.cycle.external_id, voucher.cycle.currency) == ("2001/000001", "EUR")
    assert voucher.cycle.their_total_minor == 500_000
    assert len(voucher.lines) == lines
    assert sum(line.amount_minor for line in voucher.lines) == 500_000
    assert all(line.line_type is not LineType.UNRECOGNISED for line in voucher.lines)


@pytest.mark.foreign
def test_a_real_voucher_pays_several_documents_manual_ones_included() -> None:
    read = read_transaction_log(sample("mirakl-transaction-logs/withManualCredit.json"), handed_in_at=AT)
    (voucher,) = read.vouchers
    manual = [line for line in voucher.lines if line.line_type is LineType.MANUAL_CREDIT]
    assert [line.amount_minor for line in manual] == [200_000, 200_000]
    assert {line.reference for line in manual} == {"000000130201", "000000130189"}
    assert {line.reference for line in voucher.lines if line.line_type is LineType.REFUND_ORDER_AMOUNT} == {"1129"}


@pytest.mark.foreign
@pytest.mark.parametrize(("name", "currency"), [("PayoutShop01", "EUR"), ("PayoutShopGBP", "GBP")])
def test_a_real_voucher_list_adds_up_to_its_transfer(name: str, currency: str) -> None:
    read = read_vouchers(sample(f"mirakl-vouchers/PaymentVoucher_{name}.csv"), handed_in_at=AT)
    assert read.findings == ()
    (voucher,) = read.vouchers
    assert (voucher.cycle.their_total_minor, voucher.cycle.currency, voucher.cycle.voucher) == (
        2_914,
        currency,
        "230207",
    )
    assert sum(line.amount_minor for line in voucher.lines) == 2_914
    assert len(voucher.lines) == 8  # columns of zero make no line


@pytest.mark.foreign
def test_a_real_voucher_is_reconciled_like_any_other_statement(ctx: Ctx, clock: ManualClock) -> None:
    world = World(ctx, clock)
    read = read_transaction_log(sample("mirakl-transaction-logs/withRefund.json"), handed_in_at=clock.now())
    (voucher,) = read.vouchers
    world.announce(voucher.cycle)
    world.tell(voucher.lines)
    (done,) = world.settle()
    assert done.state is StatementState.EXPLAINED  # it adds up; our books know nothing of it
    assert sum(theirs for _, theirs, _ in world.variances("2001/000001")) == 500_000


def log(**changes: Any) -> bytes:
    """One line of 10.00 credited, with changes; `raw_amount` is put in as it is."""
    line = {
        "shop_id": 1,
        "transaction_type": "ORDER_AMOUNT",
        "payment_voucher_number": "V1",
        "currency_iso_code": "EUR",
        "amount_credited": 10,
        "amount_debited": 0,
        "date_created": "2026-02-01T13:00:00Z",
    }
    raw = changes.pop("raw_amount", None)
    text = json.dumps({"lines": [{**line, **changes}]})
    return (text if raw is None else text.replace('"amount_credited": 10', f'"amount_credited": {raw}')).encode()


def read_log(body: bytes) -> FileRead:
    return read_transaction_log(body, handed_in_at=AT)


@pytest.mark.parametrize("raw", ["10.999", "1e3", "NaN", '"ten"', "null", "1e-2", "Infinity"])
def test_an_amount_that_is_not_exact_is_found_and_never_rounded(raw: str) -> None:
    read = read_log(log(raw_amount=raw))
    assert read.vouchers == ()
    assert [finding.where for finding in read.findings] == ["line 1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"currency_iso_code": "EURO"},
        {"currency_iso_code": None},
        {"date_created": "2026-02-01T13:00:00"},
        {"date_created": "yesterday"},
        {"shop_id": None},
        {"transaction_type": ""},
    ],
)
def test_a_line_that_cannot_be_read_is_found_and_the_others_are_kept(changes: dict[str, Any]) -> None:
    good, bad = json.loads(log()), json.loads(log(**changes))
    read = read_log(json.dumps({"lines": [*bad["lines"], *good["lines"]]}).encode())
    assert [finding.where for finding in read.findings] == ["line 1"]
    assert [line.amount_minor for voucher in read.vouchers for line in voucher.lines] == [1_000]


def test_a_kind_of_line_nobody_documented_is_kept_and_flagged() -> None:
    read = read_log(log(transaction_type="GREEN_BONUS"))
    assert [line.line_type for voucher in read.vouchers for line in voucher.lines] == [LineType.UNRECOGNISED]
    assert "GREEN_BONUS" in read.findings[0].what


def test_a_payment_that_is_not_the_sum_of_its_voucher_is_found() -> None:
    payment = json.loads(log(transaction_type="PAYMENT", amount_credited=0, amount_debited=10.01))["lines"]
    order = json.loads(log())["lines"]
    read = read_log(json.dumps({"lines": [*order, *payment]}).encode())
    assert read.findings[0].what == "voucher V1 was paid 10.01 EUR; its other lines add up to 10.00 EUR"
    assert read.vouchers[0].cycle.their_total_minor == 1_000


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"rows": []}', b"<html>"])
def test_a_file_that_is_no_transaction_log_is_one_finding(body: bytes) -> None:
    assert [finding.where for finding in read_log(body).findings] == ["file"]


HEADER = (
    "shop-id;invoice-number;currency-iso-code;transfer-amount;order-amount;order-shipping-amount;"
    "order-commission-amount;order-commission-amount-vat;refund-amount;refund-shipping-amount;"
    "refund-commission-amount;refund-commission-amount-vat;subscription-amount;subscription-amount-vat;"
    "total-manual-invoice-amount;total-manual-invoice-amount-vat;total-manual-credit-amount;"
    "total-manual-credit-amount-vat"
)
ZEROS = ";0" * 10


def test_a_voucher_that_does_not_add_up_is_flagged_and_kept_with_what_it_claims() -> None:
    rows = f"7;V1;EUR;88;100;0;10;2{ZEROS}\n8;V2;EUR;88.01;100;0;10;2{ZEROS}\n"
    read = read_vouchers(f"{HEADER}\n{rows}".encode(), handed_in_at=AT)
    assert [voucher.cycle.their_total_minor for voucher in read.vouchers] == [8_800, 8_801]
    assert [(f.where, f.what) for f in read.findings] == [
        ("row 2, column transfer-amount", "the transfer is 88.01 EUR; the amounts add up to 88.00 EUR")
    ]


def test_every_bad_cell_of_a_voucher_list_is_named() -> None:
    rows = f"7;V1;EUR;1,50;100;0;ten;2{ZEROS}\n8;V2;EUR;88;100;0;10;2{ZEROS}\n"
    read = read_vouchers(f"{HEADER}\n{rows}".encode(), handed_in_at=AT)
    assert [finding.where for finding in read.findings] == [
        "row 1, column order-commission-amount",
        "row 1, column transfer-amount",
    ]
    assert [voucher.cycle.voucher for voucher in read.vouchers] == ["V2"]


@pytest.mark.parametrize(
    ("body", "where"), [(b"\xff\xfe", "file"), (b"shop-id;invoice-number\n", "header"), (b"", "header")]
)
def test_a_file_that_is_no_voucher_list_is_one_finding(body: bytes, where: str) -> None:
    assert [finding.where for finding in read_vouchers(body, handed_in_at=AT).findings] == [where]


def test_yen_have_no_minor_unit_in_a_file_either() -> None:
    read = read_log(log(currency_iso_code="JPY", raw_amount="1200"))
    assert read.vouchers[0].cycle.their_total_minor == 1_200
    assert read_log(log(currency_iso_code="JPY", raw_amount="1200.5")).vouchers == ()
    assert replace(read.vouchers[0].cycle, currency="EUR").currency == "EUR"
