"""Statements that come as files: exports of a marketplace's transaction log (JSON), payment voucher lists (CSV).

Reading returns everything it found wrong, row by row, and keeps what it could read; it never guesses an amount. A file
has no account and no date of its own that could be trusted (their dates have no zone): both are given by whoever hands
it in.
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.kernel.money import Money, NotMoney
from entrepot.money.settlement.arithmetic import payment_of
from entrepot.money.settlement.model import Author, CycleSeen, LineType, StatementLineSeen, marketplace_line_type

KIND = "mirakl-voucher"
ROWS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in a file, and where: `line 12`, `row 3, column order-amount`."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class VoucherFile:
    """One voucher of a file, ready for record_cycles and record_lines."""

    cycle: CycleSeen
    lines: tuple[StatementLineSeen, ...]


@dataclass(frozen=True, slots=True)
class FileRead:
    vouchers: tuple[VoucherFile, ...]
    findings: tuple[Finding, ...]


class _Unreadable(Exception):
    """One row cannot be read; the others can."""


# -- transaction log ---------------------------------------------------------------------------------------------------


def read_transaction_log(body: bytes, *, handed_in_at: datetime) -> FileRead:
    """An export of the transaction log: `{"lines": [...]}`, grouped by shop and payment voucher.

    A voucher pays the sum of its lines; where the export holds the PAYMENT line itself, that must say the same.
    """
    try:
        rows = json.loads(body, parse_int=str, parse_float=str)["lines"]
    except (ValueError, KeyError, TypeError) as error:
        return FileRead((), (Finding("file", f"not a transaction log: {error}"),))
    findings: list[Finding] = []
    groups: dict[tuple[str, str, str], list[StatementLineSeen]] = defaultdict(list)
    if len(rows) > ROWS_MAX:
        findings.append(Finding("file", f"{len(rows)} lines; only the first {ROWS_MAX} were read"))
    for number, row in enumerate(rows[:ROWS_MAX], start=1):
        try:
            line = _log_line(number, row)
        except (_Unreadable, NotMoney) as error:
            findings.append(Finding(f"line {number}", str(error)))
            continue
        if line.line_type is LineType.UNRECOGNISED:
            findings.append(Finding(f"line {number}", f"“{line.type}” is a kind of line we do not know; it is kept"))
        groups[line.seller_id, line.voucher, line.currency].append(line)
    vouchers = []
    for (shop, voucher, currency), lines in groups.items():
        findings += _payment_findings(voucher, lines)
        total = payment_of((line.line_type, line.amount_minor) for line in lines)
        vouchers.append(VoucherFile(_cycle(shop, voucher, currency, total, handed_in_at), tuple(lines)))
    return FileRead(tuple(vouchers), tuple(findings))


def _log_line(number: int, row: Mapping[str, Any]) -> StatementLineSeen:
    word, shop, voucher = _text(row, "transaction_type"), _text(row, "shop_id"), _text(row, "payment_voucher_number")
    currency = _text(row, "currency_iso_code")
    credited = Money.parse(_text(row, "amount_credited"), currency)
    debited = Money.parse(_text(row, "amount_debited"), currency)
    line_type = marketplace_line_type(word)
    document = str(row.get("accounting_document_number") or "")
    order_id, refund = str(row.get("order_id") or ""), str(row.get("refund_id") or "")
    reference = voucher if line_type is LineType.PAYMENT else refund or ("" if order_id else document)
    return StatementLineSeen(
        external_id=f"{_cycle_id(shop, voucher)}:{number}",  # these exports give their lines no ids
        type=word,
        line_type=line_type,
        amount_minor=(credited - debited).minor,
        currency=currency,
        posted_at=_instant(_text(row, "date_created")),
        cycle_id=_cycle_id(shop, voucher),
        voucher=voucher,
        line_no=number,
        seller_id=shop,
        order_id=order_id,
        order_line_id=str(row.get("order_line_id") or ""),
        reference=reference,
        raw=dict(row),
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name) if isinstance(row, Mapping) else None
    if not isinstance(value, str) or not value:
        raise _Unreadable(f"there is no {name}")
    return value


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise _Unreadable(f"“{text}” is not a date") from None
    if instant.tzinfo is None:
        raise _Unreadable(f"“{text}” has no time zone")
    return instant


def _payment_findings(voucher: str, lines: Sequence[StatementLineSeen]) -> list[Finding]:
    paid = [line for line in lines if line.line_type is LineType.PAYMENT]
    total = payment_of((line.line_type, line.amount_minor) for line in lines)
    if not paid or -sum(line.amount_minor for line in paid) == total:
        return []
    currency = lines[0].currency
    says, adds = Money(-sum(line.amount_minor for line in paid), currency), Money(total, currency)
    return [Finding(f"line {paid[0].line_no}", f"voucher {voucher} was paid {says}; its other lines add up to {adds}")]


# -- voucher list ------------------------------------------------------------------------------------------------------

# column -> line type and sign as the seller sees it; the columns of a voucher add up to its transfer
_COLUMNS: Mapping[str, tuple[LineType, int]] = {
    "order-amount": (LineType.ORDER_AMOUNT, 1),
    "order-shipping-amount": (LineType.ORDER_SHIPPING_AMOUNT, 1),
    "order-commission-amount": (LineType.COMMISSION_FEE, -1),
    "order-commission-amount-vat": (LineType.COMMISSION_VAT, -1),
    "refund-amount": (LineType.REFUND_ORDER_AMOUNT, -1),
    "refund-shipping-amount": (LineType.REFUND_ORDER_SHIPPING_AMOUNT, -1),
    "refund-commission-amount": (LineType.REFUND_COMMISSION_FEE, 1),
    "refund-commission-amount-vat": (LineType.REFUND_COMMISSION_VAT, 1),
    "subscription-amount": (LineType.SUBSCRIPTION_FEE, -1),
    "subscription-amount-vat": (LineType.SUBSCRIPTION_VAT, -1),
    "total-manual-invoice-amount": (LineType.MANUAL_INVOICE, -1),
    "total-manual-invoice-amount-vat": (LineType.MANUAL_INVOICE_VAT, -1),
    "total-manual-credit-amount": (LineType.MANUAL_CREDIT, 1),
    "total-manual-credit-amount-vat": (LineType.MANUAL_CREDIT_VAT, 1),
}


def read_vouchers(body: bytes, *, handed_in_at: datetime) -> FileRead:
    """A list of payment vouchers, `;` between columns, one row each.

    The transfer must be the sum of the amount columns; a row that does not add up is kept, with what it claims as its
    total, and flagged.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return FileRead((), (Finding("file", f"not UTF-8 at byte {error.start}"),))
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    wanted = {"shop-id", "invoice-number", "currency-iso-code", "transfer-amount", *_COLUMNS}
    absent = sorted(wanted - set(table.fieldnames or ()))
    if absent:
        return FileRead((), (Finding("header", f"columns are missing: {', '.join(absent)}"),))
    findings: list[Finding] = []
    vouchers: list[VoucherFile] = []
    try:
        for number, row in enumerate(table, start=1):
            if number > ROWS_MAX:
                findings.append(Finding("file", f"only the first {ROWS_MAX} rows were read"))
                break
            vouchers += _voucher(number, row, handed_in_at, findings)
    except csv.Error as error:
        findings.append(Finding(f"row {len(vouchers) + 1}", f"not a row: {error}"))
    return FileRead(tuple(vouchers), tuple(findings))


def _voucher(number: int, row: Mapping[str, Any], at: datetime, findings: list[Finding]) -> list[VoucherFile]:
    broken = len(findings)
    amounts = {name: _amount(number, row, name, findings) for name in (*_COLUMNS, "transfer-amount")}
    if len(findings) > broken:
        return []
    shop, voucher, currency = row["shop-id"], row["invoice-number"], row["currency-iso-code"]
    lines = tuple(
        StatementLineSeen(
            external_id=f"{_cycle_id(shop, voucher)}:{column}",
            type=column,
            line_type=line_type,
            amount_minor=sign * amounts[column],
            currency=currency,
            posted_at=at,
            cycle_id=_cycle_id(shop, voucher),
            voucher=voucher,
            line_no=position,
            seller_id=shop,
            raw={column: row[column]},
        )
        for position, (column, (line_type, sign)) in enumerate(_COLUMNS.items(), start=1)
        if amounts[column]
    )
    transfer, adds = amounts["transfer-amount"], sum(line.amount_minor for line in lines)
    if transfer != adds:
        words = f"the transfer is {Money(transfer, currency)}; the amounts add up to {Money(adds, currency)}"
        findings.append(Finding(f"row {number}, column transfer-amount", words))
    return [VoucherFile(_cycle(shop, voucher, currency, transfer, at), lines)]


def _amount(number: int, row: Mapping[str, Any], column: str, findings: list[Finding]) -> int:
    try:
        return Money.parse(row[column] or "", row["currency-iso-code"] or "").minor
    except NotMoney as error:
        findings.append(Finding(f"row {number}, column {column}", str(error)))
        return 0


def _cycle_id(shop: str, voucher: str) -> str:
    return f"{shop}/{voucher}"


def _cycle(shop: str, voucher: str, currency: str, total: int, at: datetime) -> CycleSeen:
    return CycleSeen(
        author=Author.MARKETPLACE,
        kind=KIND,
        external_id=_cycle_id(shop, voucher),
        currency=currency,
        their_total_minor=total,
        announced_at=at,
        seller_id=shop,
        voucher=voucher,
        period_to=at,
    )
