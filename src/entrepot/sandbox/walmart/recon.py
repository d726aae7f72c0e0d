"""Money reports: which periods are closed, their recon rows (zip, legacy zip, paged JSON), and the current statement.

Shape: a recon file begins with one PaymentSummary row that carries Total Payable and no Amount Type; every other row is
one amount. Rows add up to Total Payable. Days are MM/DD/YYYY, values of the JSON are texts.
Source: columns of the v1 report and the example of the payment statement, whose sums hold: order activity is sales plus
refunds plus adjustments; closing is opening plus order activity plus WFS plus other, less what was paid.
[guess] keys beside "reportData" of a JSON page; the legacy file's columns past those an importer names.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.walmart import ledger as words
from entrepot.sandbox.walmart.errors import REPORT_API, not_found
from entrepot.sandbox.walmart.ledger import Entry, Ledger, Statement
from entrepot.sandbox.walmart.platform import Platform
from entrepot.sandbox.walmart.render import address_of
from entrepot.sandbox.walmart.router import Call
from entrepot.sandbox.walmart.state import BY_MARKETPLACE
from entrepot.sandbox.walmart.wire import answer, major, money_text, number_parameter, required_parameter, us_date

COLUMNS: Final = (
    "Period Start Date",
    "Period End Date",
    "Total Payable",
    "Currency",
    "Transaction Key",
    "Transaction Posted Timestamp",
    "Transaction Type",
    "Transaction Description",
    "Customer Order #",
    "Customer Order line #",
    "Purchase Order #",
    "Purchase Order line #",
    "Amount",
    "Amount Type",
    "Ship Qty",
    "Commission Rate",
    "Base Commission Rate",
    "Transaction Reason Description",
    "Partner Item Id",
    "Partner GTIN",
    "Partner Item Name",
    "Product Tax Code",
    "Ship to State",
    "Ship to City",
    "Ship to Zipcode",
    "Contract Category",
    "Product Type",
    "Shipping Method",
    "Fulfillment Type",
)
LEGACY_COLUMNS: Final = (
    "Walmart.com Order #",
    "Walmart.com Order Line #",
    "Walmart.com PO #",
    "Walmart.com P.O. Line #",
    "Partner Order #",
    "Transaction Type",
    "Transaction Date Time",
    "Shipped Qty",
    "Partner Item ID",
    "Partner GTIN",
    "Partner Item name",
    "Product tax code",
    "Ship to state",
    "Ship to city",
    "Zip code",
    "Payable to Partner from Sale",
    "Commission from Sale",
    "Commission Rate",
    "Gross Sales Revenue",
    "Refunded Retail Sales",
    "Gross Shipping Revenue",
    "Gross Shipping Refunded",
)
LEGACY_KINDS: Final = {words.SALE: "SALE", words.REFUNDED: "REFUNDED", words.ADJUSTMENT: "ADJMNT"}
PAGE_DEFAULT: Final = 2_000
PAGE_MAX: Final = 10_000


class Recon:
    """Answers with closed periods and the open one."""

    def __init__(self, platform: Platform, ledger: Ledger) -> None:
        self._platform = platform
        self._ledger = ledger

    def dates(self, call: Call) -> Response:
        """The days of closed periods, as MMDDYYYY."""
        return answer(200, {"availableApReportDates": [one.statement_id for one in self._ledger.statements]})

    def file(self, call: Call) -> Response:
        """One closed period as a zipped CSV."""
        statement = self._asked(call)
        shown = self.rows_of(statement)
        return self._zip(statement, COLUMNS, [[row.get(name, "") for name in COLUMNS] for row in shown])

    def legacy_file(self, call: Call) -> Response:
        """One closed period in the wide form: one row per transaction of a line."""
        statement = self._asked(call)
        return self._zip(statement, LEGACY_COLUMNS, self._legacy_rows(statement.entries))

    def json_page(self, call: Call) -> Response:
        """One page of a closed period's rows."""
        statement = self._asked(call)
        offset = number_parameter(REPORT_API, call.request, "offset", 0, 10**9)
        limit = number_parameter(REPORT_API, call.request, "noOfRecords", PAGE_DEFAULT, PAGE_MAX, 1)
        found = self.rows_of(statement)
        shown = found[offset : offset + limit]
        more = offset + limit < len(found)
        return answer(
            200,
            {
                "reportData": shown,
                "offset": offset,
                "noOfRecords": len(shown),
                "nextOffset": offset + limit if more else None,
                "totalRecords": len(found),
            },
        )

    def rows_of(self, statement: Statement) -> list[dict[str, str]]:
        """Every row of a closed period; a row has the columns that mean something on it."""
        currency = self._platform.settings.currency
        summary = {
            "Period Start Date": us_date(statement.starts_on),
            "Period End Date": us_date(statement.ends_on),
            "Total Payable": money_text(statement.total_minor),
            "Currency": currency,
            "Transaction Posted Timestamp": us_date(statement.ends_on),
            "Transaction Type": "PaymentSummary",
            "Transaction Description": "Deposited in account" if statement.paid_minor else "Carried forward",
        }
        return [summary, *(self._row(entry) for entry in statement.entries)]

    def statement(self, call: Call) -> Response:
        """The current cycle."""
        settings = self._platform.settings
        entries = [entry for entry in self._ledger.open if entry.description != words.CARRIED_FORWARD]
        sales = _aggregate(e for e in entries if e.kind == words.SALE)
        refunds = _aggregate(e for e in entries if e.kind == words.REFUNDED)
        fees = [e for e in entries if e.kind == words.ADJUSTMENT]
        wfs = _sum(e for e in fees if e.description == words.WFS_FEE)
        adjustments = _sum(fees) - wfs
        activity = sum(e.amount_minor for e in entries) - wfs
        opening = self._ledger.opening_minor
        due_on = self._platform.now().date().isoformat()
        payload = {
            "outstandingMCABalance": 0,
            "sellerInfo": {
                "storeFrontUrl": f"https%3A%2F%2Fwww.walmart.com%2Fseller%2F{settings.partner_id[-5:]}",
                "sellerStatus": "ACTIVE",
                "paymentStatus": "ACTIVE",
                "tenure": 365,
            },
            "accountSummary": {
                "openingBalance": major(opening),
                "orderActivity": major(activity),
                "walmartFulfillmentServices": major(wfs),
                "otherActivities": major(0),
                "reserve": major(0),
                "paidToYou": major(0),
                "closingBalance": major(opening + activity + wfs),
                "scheduledSettlementDate": due_on,
                "paymentProcessor": "Payoneer",
                "settleCycle": "Bi-weekly",
                "reserveToDate": major(0),
                "lastUpdatedDate": due_on,
                "holdAmt": major(0),
                "holdDates": " ",
            },
            "transactionDetails": {
                "saleAggregate": sales,
                "refundDetails": refunds,
                "adjustmentAggregate": self._adjustments(fees, adjustments),
                "wfs": _wfs(wfs),
                "partnerTxns": {"netPayable": major(0), "advancePayment": major(0)},
            },
        }
        return answer(
            200,
            {"statusCode": 200, "status": "OK", "error": "", "partnerId": settings.partner_id, "payload": payload},
        )

    # -- inside ---------------------------------------------------------------------------------------------------

    def _asked(self, call: Call) -> Statement:
        asked = required_parameter(REPORT_API, call.request, "reportDate")
        found = self._ledger.find(asked)
        if found is None:
            raise not_found(REPORT_API, f"No reconciliation report of {asked}", "reportDate")
        return found

    def _row(self, entry: Entry) -> dict[str, str]:
        row = {
            "Currency": self._platform.settings.currency,
            "Transaction Key": entry.key,
            "Transaction Posted Timestamp": us_date(entry.posted_at.date()),
            "Transaction Type": entry.kind,
            "Transaction Description": entry.description,
            "Amount": money_text(entry.amount_minor),
            "Amount Type": entry.amount_type,
            "Transaction Reason Description": entry.reason,
        }
        if entry.order is None or entry.line is None:
            return row
        address, line = address_of(entry.order), entry.line
        rate = f"{Decimal(line.rate_per_100k) / 1000:f}"
        by_walmart = entry.order.fulfilled_by == BY_MARKETPLACE
        return {
            **row,
            "Customer Order #": entry.order.customer_order_id,
            "Customer Order line #": line.line_id,
            "Purchase Order #": entry.order.order_id,
            "Purchase Order line #": line.line_id,
            "Ship Qty": str(entry.quantity),
            "Commission Rate": rate,
            "Base Commission Rate": rate,
            "Partner Item Id": line.sku,
            "Partner GTIN": line.gtin,
            "Partner Item Name": line.title,
            "Product Tax Code": "2038710",
            "Ship to State": address["state"] or "",
            "Ship to City": address["city"] or "",
            "Ship to Zipcode": address["postalCode"] or "",
            "Contract Category": line.category,
            "Product Type": line.category,
            "Shipping Method": "Standard",
            "Fulfillment Type": "Walmart Fulfilled" if by_walmart else "Seller Fulfilled",
        }

    def _legacy_rows(self, entries: Sequence[Entry]) -> list[list[str]]:
        groups: dict[tuple[str, str, str, str], list[Entry]] = {}
        for entry in entries:
            ids = (entry.order.order_id, entry.line.line_id) if entry.order and entry.line else (entry.key, "")
            groups.setdefault((*ids, entry.kind, entry.posted_at.isoformat()), []).append(entry)
        return [self._legacy_row(group) for group in groups.values()]

    def _legacy_row(self, group: Sequence[Entry]) -> list[str]:
        first = group[0]
        order, line = first.order, first.line
        sums = {kind: _sum(e for e in group if e.amount_type == kind) for kind in {e.amount_type for e in group}}
        commission = sums.get(words.PRODUCT_COMMISSION, 0) + sums.get(words.SHIPPING_COMMISSION, 0)
        price, shipping = sums.get(words.PRODUCT_PRICE, 0), sums.get(words.SHIPPING, 0)
        sold = first.kind == words.SALE
        address: Mapping[str, str | None] = address_of(order) if order else {}
        about = [order.customer_order_id, line.line_id, order.order_id, line.line_id] if order and line else [""] * 4
        item = [line.sku, line.gtin, line.title, "2038710"] if line else [""] * 4
        return [
            *about,
            "",
            LEGACY_KINDS[first.kind],
            us_date(first.posted_at.date()),
            str(first.quantity),
            *item,
            *(address.get(name) or "" for name in ("state", "city", "postalCode")),
            money_text(_sum(group)),
            money_text(commission),
            f"{Decimal(line.rate_per_100k) / 100_000:f}" if line else "",
            money_text(price if sold else 0),
            money_text(0 if sold else price),
            money_text(shipping if sold else 0),
            money_text(0 if sold else shipping),
        ]

    def _zip(self, statement: Statement, columns: Sequence[str], found: Sequence[Sequence[str]]) -> Response:
        name = f"{self._platform.settings.partner_id}_{statement.statement_id}"
        headers = {
            "content-type": "application/octet-stream",
            "content-disposition": f"attachment; filename={name}.zip",
        }
        return Response(200, headers, zipped(f"{name}.csv", columns, found))

    def _adjustments(self, fees: Sequence[Entry], total: int) -> dict[str, Any]:
        def of(description: str) -> Decimal:
            return major(_sum(e for e in fees if e.description == description))

        return {
            "netPayable": major(total),
            "disputeSettlement": of("Dispute Settlement"),
            "returnShipServCharge": of(words.RETURN_SHIPPING),
            "returnHandlingServCharge": of("Return Handling Service Charge"),
            "fwdShippingServiceFee": of("Forward Shipping Service Fee"),
        }


def zipped(name: str, columns: Sequence[str], found: Iterable[Sequence[str]]) -> bytes:
    """One CSV in a zip."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(columns)
    writer.writerows(found)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        # A fixed time of the entry: the same period gives the same bytes.
        archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), sheet.getvalue())
    return packed.getvalue()


def _sum(entries: Iterable[Entry]) -> int:
    return sum(entry.amount_minor for entry in entries)


def _aggregate(entries: Iterable[Entry]) -> dict[str, Decimal]:
    sums: dict[str, int] = {}
    for entry in entries:
        sums[entry.amount_type] = sums.get(entry.amount_type, 0) + entry.amount_minor

    def of(*kinds: str) -> Decimal:
        return major(sum(sums.get(kind, 0) for kind in kinds))

    commission = of(words.PRODUCT_COMMISSION, words.SHIPPING_COMMISSION)
    return {
        "productPrice": of(words.PRODUCT_PRICE),
        "shipping": of(words.SHIPPING),
        "netTaxCollected": of(words.PRODUCT_TAX, words.SHIPPING_TAX),
        "productTaxCollected": of(words.PRODUCT_TAX),
        "shippingTaxCollected": of(words.SHIPPING_TAX),
        "netTaxWithheld": of(words.PRODUCT_TAX_WITHHELD, words.SHIPPING_TAX_WITHHELD),
        "productTaxWithheld": of(words.PRODUCT_TAX_WITHHELD),
        "shippingTaxWithheld": of(words.SHIPPING_TAX_WITHHELD),
        "netFeeCollected": major(0),
        "netFeeWithheld": major(0),
        "netComm": commission,
        "netPayable": major(sum(sums.values())),
        "aboveCap": major(0),
        "wfsShipping": major(0),
        "wfsShipppingTax": major(0),  # spelt so in the published example
        "totalBaseCommission": commission,
        "commissionSavings": major(0),
    }


def _wfs(fee_minor: int) -> dict[str, Decimal]:
    fields = (
        "wfsStorageFee",
        "wfsAdjustment",
        "wfsFee",
        "inventoryRemovalOrder",
        "inventoryDisposalOrder",
        "wfsPrepServiceFee",
    )
    return {
        "netPayable": major(fee_minor),
        "wfsFullfillmentFee": major(fee_minor),
        **{name: major(0) for name in fields},
    }
