"""The Finances interface: bookings, payouts, their sums, transfers, funds. Nothing to tell is a 204."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.ebay import filters
from entrepot.sandbox.ebay.errors import FINANCES, EbayError
from entrepot.sandbox.ebay.finances import CREDIT, DEBIT, Finances
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.paging import number, page
from entrepot.sandbox.ebay.router import Call
from entrepot.sandbox.ebay.state import FeeLine, Payout, Transaction
from entrepot.sandbox.ebay.wire import NO_CONTENT, amount, answer, stamp

TRANSACTION_FILTERS: Final = frozenset(
    {
        "transactionDate",
        "transactionType",
        "transactionStatus",
        "buyerUsername",
        "salesRecordReference",
        "payoutId",
        "transactionId",
        "orderId",
    }
)
PAYOUT_FILTERS: Final = frozenset({"payoutDate", "lastAttemptedPayoutDate", "payoutStatus", "payoutReference"})
SUMMED: Final = (
    # The summary's name of a kind, and the kind of its bookings. This sandbox books no labels and no adjustments.
    ("adjustment", "ADJUSTMENT"),
    ("balanceTransfer", "BALANCE_TRANSFER"),
    ("credit", "SALE"),
    ("dispute", "DISPUTE"),
    ("nonSaleCharge", "NON_SALE_CHARGE"),
    ("onHold", "ON_HOLD"),
    ("refund", "REFUND"),
    ("shippingLabel", "SHIPPING_LABEL"),
    ("transfer", "TRANSFER"),
)
BANK: Final = {"accountLastFourDigits": "4189", "instrumentType": "BANK", "nickname": "Harbour bank"}


class FinanceCalls:
    """A seller's view of his money."""

    def __init__(self, market: Market, finances: Finances) -> None:
        self._market = market
        self._finances = finances

    # -- bookings --------------------------------------------------------------------------------------------------

    def transactions(self, call: Call) -> Response:
        """getTransactions: newest first unless `sort=transactionDate`."""
        request = call.request
        found = self._transactions(request)
        limit, offset = _paged(request, 1000)
        if request.first("sort") != "transactionDate":
            found = found[::-1]
        if not found:
            return NO_CONTENT
        base = self._market.settings.base_url
        return answer(200, page(request, base, found, "transactions", self._transaction, limit, offset))

    def transaction_summary(self, call: Call) -> Response:
        """getTransactionSummary: sums and counts by kind, of what the filter leaves."""
        found = self._transactions(call.request)
        body: dict[str, Any] = {}
        for name, kind in SUMMED:
            rows = [one for one in found if one.kind == kind]
            total = sum(one.signed_paid_minor for one in rows)
            body[f"{name}Amount"] = self._own_amount(abs(total)) if rows else None
            body[f"{name}BookingEntry"] = (CREDIT if total >= 0 else DEBIT) if rows else None
            body[f"{name}Count"] = len(rows)
        return answer(200, body)

    def _transactions(self, request: Request) -> list[Transaction]:
        asked = _filters(request, TRANSACTION_FILTERS)
        rows: Iterable[Transaction] = self._market.transactions.values()
        payouts, orders = asked.choices.get("payoutId"), asked.choices.get("orderId")
        if payouts is not None:
            ids = [one for payout_id in payouts for one in self._payout_rows(payout_id)]
            rows = [one for one in self._market.transactions.values() if one.transaction_id in set(ids)]
        elif orders is not None:
            rows = [one for order in orders for one in self._market.transactions_by_order.get(order, [])]
        return [
            one
            for one in rows
            if asked.covers("transactionDate", one.at)
            and asked.allows("transactionType", one.kind)
            and asked.allows("transactionStatus", self._finances.status(one))
            and asked.allows("buyerUsername", one.buyer)
            and asked.allows("salesRecordReference", one.record)
            and asked.allows("payoutId", one.payout_id)
            and asked.allows("transactionId", one.transaction_id)
            and asked.allows("orderId", one.order_id)
        ]

    def _payout_rows(self, payout_id: str) -> Sequence[str]:
        payout = self._market.payouts.get(payout_id)
        return payout.transactions if payout else ()

    def _transaction(self, one: Transaction) -> dict[str, Any]:
        return {
            "transactionId": one.transaction_id,
            "transactionType": one.kind,
            "transactionStatus": self._finances.status(one),
            "transactionDate": stamp(one.at),
            "transactionMemo": one.memo,
            "bookingEntry": one.entry,
            "amount": self._amount(one.paid_net_minor, one.net_minor),
            "totalFeeBasisAmount": self._amount(one.paid_basis_minor, one.basis_minor) if one.lines else None,
            "totalFeeAmount": self._amount(one.paid_fee_minor, one.fee_minor) if one.lines else None,
            "feeType": one.fee_type,
            "orderId": one.order_id,
            "orderLineItems": [self._fee_line(line) for line in one.lines],
            "buyer": {"username": one.buyer} if one.buyer else None,
            "paymentsEntity": "eBay S.a.r.l.",
            "payoutId": one.payout_id,
            "references": [{"referenceType": kind, "referenceId": reference} for kind, reference in one.references],
            "salesRecordReference": one.record,
        }

    def _fee_line(self, line: FeeLine) -> dict[str, Any]:
        return {
            "lineItemId": line.line_id,
            "feeBasisAmount": self._amount(self._finances.pay(line.basis_minor), line.basis_minor),
            "marketplaceFees": [
                {"feeType": kind, "feeMemo": None, "amount": self._amount(self._finances.pay(minor), minor)}
                for kind, minor in line.fees
            ],
        }

    # -- payouts ---------------------------------------------------------------------------------------------------

    def payouts(self, call: Call) -> Response:
        """getPayouts: newest first unless `sort=payoutDate`."""
        request = call.request
        found = self._payouts(request)
        limit, offset = _paged(request, 200)
        if request.first("sort") != "payoutDate":
            found = found[::-1]
        if not found:
            return NO_CONTENT
        base = self._market.settings.base_url
        return answer(200, page(request, base, found, "payouts", self._payout, limit, offset))

    def payout(self, call: Call) -> Response:
        """getPayout."""
        found = self._market.payouts.get(call.ids["payout_Id"])
        if found is None:
            raise _refusal(404, 135006, "Can't find the payout with given ID.")
        return answer(200, self._payout(found))

    def payout_summary(self, call: Call) -> Response:
        """getPayoutSummary: the sum of what the filter leaves."""
        found = self._payouts(call.request)
        total = sum(one.total_minor for one in found)
        return answer(
            200,
            {
                "amount": self._own_amount(total) if found else None,
                "payoutCount": len(found),
                "transactionCount": sum(len(one.transactions) for one in found),
            },
        )

    def _payouts(self, request: Request) -> list[Payout]:
        asked = _filters(request, PAYOUT_FILTERS)
        return [
            one
            for one in self._market.payouts.values()
            if asked.covers("payoutDate", one.at)
            and asked.covers("lastAttemptedPayoutDate", one.at)
            and asked.allows("payoutStatus", one.status)
            and asked.allows("payoutReference", _bank_reference(one))
        ]

    def _payout(self, one: Payout) -> dict[str, Any]:
        said = {"INITIATED": "Payout was initiated", "SUCCEEDED": "Payout was successful"}
        return {
            "payoutId": one.payout_id,
            "payoutDate": stamp(one.at),
            "payoutStatus": one.status,
            "payoutStatusDescription": said.get(one.status),
            "payoutMemo": None,
            "amount": self._own_amount(one.total_minor),
            "bankReference": _bank_reference(one),
            "lastAttemptedPayoutDate": stamp(one.at),
            "payoutInstrument": dict(BANK),
            "transactionCount": len(one.transactions),
        }

    # -- transfers and funds ---------------------------------------------------------------------------------------

    def transfer(self, call: Call) -> Response:
        """getTransfer: with the charges it covers, each with the order or dispute it comes from."""
        found = self._market.transfers.get(call.ids["transfer_Id"])
        if found is None:
            raise _refusal(404, 135016, "Can't find the transfer with given ID.")
        charges = [self._charge(self._market.transactions[one]) for one in found.charges]
        gross = sum(self._market.transactions[one].paid_net_minor for one in found.charges)
        detail = {
            "balanceAdjustment": {
                "adjustmentAmount": self._own_amount(gross - found.total_minor),
                "adjustmentType": CREDIT,
            },
            "charges": charges,
            "totalChargeNetAmount": self._own_amount(gross),
        }
        return answer(
            200,
            {
                "transferId": found.transfer_id,
                "transactionDate": stamp(found.at),
                "transferAmount": self._own_amount(found.total_minor),
                "fundingSource": {"brand": "Harbour bank", "memo": "xxxx4189", "type": "BANK"},
                "transferDetail": detail,
            },
        )

    def _charge(self, one: Transaction) -> dict[str, Any]:
        known = dict(one.references)
        return {
            "cancellationId": None,
            "caseId": None,
            "chargeNetAmount": self._amount(one.paid_net_minor, one.net_minor),
            "inquiryId": None,
            "orderId": one.order_id,
            "paymentDisputeId": known.get("PAYMENT_DISPUTE_ID"),
            "refundId": known.get("REFUND_ID"),
            "returnId": None,
        }

    def funds(self, call: Call) -> Response:
        """getSellerFundsSummary: 204 for a seller who never had money here."""
        if not self._market.transactions:
            return NO_CONTENT
        return answer(200, {name: self._own_amount(minor) for name, minor in self._finances.funds().items()})

    # -- amounts ---------------------------------------------------------------------------------------------------

    def _amount(self, paid_minor: int, minor: int) -> dict[str, Any]:
        """In payout currency; when that is not the listing's, what it was converted from and at what rate."""
        settings = self._market.settings
        if settings.paid_in == settings.currency:
            return self._own_amount(paid_minor)
        source = amount(minor, settings.currency)
        return {
            **amount(paid_minor, settings.paid_in),
            "convertedFromCurrency": source["currency"],
            "convertedFromValue": source["value"],
            "exchangeRate": settings.exchange_rate,
        }

    def _own_amount(self, minor: int) -> dict[str, Any]:
        nothing: Mapping[str, None] = {
            "convertedFromCurrency": None,
            "convertedFromValue": None,
            "exchangeRate": None,
        }
        return {**amount(minor, self._market.settings.paid_in), **nothing}


def _bank_reference(one: Payout) -> str:
    return f"{one.payout_id}-B"


def _refusal(status: int, error_id: int, message: str) -> EbayError:
    return EbayError(status, error_id, message, domain=FINANCES)


def _filters(request: Request, known: frozenset[str]) -> filters.Filters:
    """The filters of a call. Error ids of this interface are [guess]."""
    try:
        asked = filters.parse([value for key, value in request.query if key == "filter"])
    except filters.BadFilter as bad:
        raise _refusal(400, 135005, f"The filter value is invalid: {bad.text}") from None
    unknown = asked.names - known
    if unknown:
        raise _refusal(400, 135004, f"The filter field is invalid: {min(unknown)}")
    return asked


def _paged(request: Request, most: int) -> tuple[int, int]:
    wrong = _refusal(400, 135003, "Invalid limit or offset.")
    return (
        number(request, "limit", 20, 1, most, wrong),
        number(request, "offset", 0, 0, 10**9, wrong),
    )
