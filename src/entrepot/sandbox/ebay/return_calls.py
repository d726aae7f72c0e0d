"""The Post-Order interface for returns and inquiries.

Source: eBay's published Post-Order types (GetSummaryResponse, ReturnSummaryType) and enums; the field list of the
reference has no row for these calls, so which keys are inside is partly [guess].
"""

from collections.abc import Callable, Mapping
from typing import Any

from entrepot.sandbox.core import Response
from entrepot.sandbox.ebay.errors import EbayError, post_order
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.post_order import created_within, page_of
from entrepot.sandbox.ebay.returns import CLOSED, DELIVERED, NOT_AS_DESCRIBED, READY, REQUESTED, SHIPPED, Returns
from entrepot.sandbox.ebay.router import Call
from entrepot.sandbox.ebay.state import SELLER, Inquiry, Return
from entrepot.sandbox.ebay.wire import answer, minor_of, obj, post_order_amount, post_order_date

DUE = {
    REQUESTED: "SELLER_APPROVE_REQUEST",
    "PARTIAL_REFUND_DECLINED": "SELLER_APPROVE_REQUEST",
    DELIVERED: "SELLER_ISSUE_REFUND",
}
FILTERED: Mapping[str, Callable[[Return], bool]] = {
    "ALL_OPEN": lambda one: one.state != CLOSED,
    "CLOSED": lambda one: one.state == CLOSED,
    "ITEM_SHIPPED": lambda one: one.state == SHIPPED,
    "ITEM_DELIVERED": lambda one: one.state == DELIVERED,
    "RETURN_STARTED": lambda one: one.state == REQUESTED,
    "SELLER_ACTION_DUE": lambda one: one.answer_by is not None,
}


class ReturnCalls:
    """A seller's side of returns."""

    def __init__(self, market: Market, returns: Returns) -> None:
        self._market = market
        self._returns = returns

    # -- returns ---------------------------------------------------------------------------------------------------

    def search(self, call: Call) -> Response:
        """Search: by id, order, item, line, state, or the time of the request; newest first [guess]."""
        request = call.request
        state, states = request.first("return_state"), frozenset(request.every("states"))
        if state is not None and state not in FILTERED:
            raise post_order(400, f"Invalid return_state: {state}")
        found = [
            one
            for one in reversed(self._market.returns.values())
            if _matches(request.first("return_id"), one.return_id)
            and _matches(request.first("order_id"), one.order_id)
            and _matches(request.first("transaction_id"), one.line_id)
            and _matches(request.first("item_id"), self._listing_id(one))
            and (state is None or FILTERED[state](one))
            and (not states or one.state in states)
        ]
        body = page_of(request, created_within(request, self._market.now(), found), "members", self._summary)
        return answer(200, body)

    def get(self, call: Call) -> Response:
        """getReturn: summary and detail."""
        one = self._return(call)
        history = [
            {"author": by, "activity": activity, "creationDate": post_order_date(at)}
            for by, activity, at in one.history
        ]
        detail = {"responseHistory": history, "returnId": one.return_id, "RMANumber": one.rma}
        return answer(200, {"summary": self._summary(one), "detail": detail})

    def decide(self, call: Call) -> Response:
        """processReturnRequest: approve, decline, or offer part of the money."""
        one, body = self._return(call), call.body(_bad_payload())
        decision = body.get("decision")
        if one.state not in (REQUESTED, "PARTIAL_REFUND_DECLINED"):
            raise post_order(409, f"Return {one.return_id} is {one.state}.")
        if decision in ("APPROVE", "APPROVE_WITHOUT_EBAY_LABEL", "OFFER_RETURN", "OFFER_RETURN_WITHOUT_LABEL"):
            rma = body.get("RMANumber")
            self._returns.approve(one, str(rma) if rma else None)
        elif decision == "DECLINE":
            self._returns.decline(one)
        elif decision == "OFFER_PARTIAL_REFUND":
            self._returns.offer(one, self._amount(one, body.get("partialRefundAmount")))
        else:
            raise post_order(400, f"Invalid decision: {decision}")
        self._market.did("processReturnRequest", f"{one.return_id}/{decision}")
        return answer(200, {})

    def received(self, call: Call) -> Response:
        """markReturnReceived."""
        one = self._return(call)
        if one.state not in (READY, SHIPPED):
            raise post_order(409, f"Return {one.return_id} is {one.state}.")
        self._returns.arrive(one, SELLER)
        self._market.did("markReturnReceived", one.return_id)
        return answer(200, {})

    def refund(self, call: Call) -> Response:
        """issueReturnRefund: in full, or what `refundDetail` says."""
        one, body = self._return(call), call.body(_bad_payload())
        if one.state == CLOSED:
            raise post_order(409, f"Return {one.return_id} is {one.state}.")
        detail = obj(body.get("refundDetail"))
        minor = self._returns.estimate_minor(one)
        if detail.get("totalAmount") is not None:
            minor = self._amount(one, detail["totalAmount"])
        self._returns.refund(one, minor)
        self._market.did("issueReturnRefund", one.return_id)
        return answer(200, {"refundStatus": "SUCCESS"})

    def _return(self, call: Call) -> Return:
        one = self._market.returns.get(call.ids["returnId"])
        if one is None:
            raise post_order(404, f"Return {call.ids['returnId']} was not found.")
        return one

    def _amount(self, one: Return, given: Any) -> int:
        currency = self._market.settings.currency
        minor = minor_of(obj(given).get("value"), currency)
        left = self._market.orders[one.order_id].lines[one.line_id].remaining_minor
        if obj(given).get("currency") != currency or not minor or minor > left:
            raise post_order(400, "Invalid refund amount.")
        return minor

    def _listing_id(self, one: Return) -> str | None:
        return self._market.orders[one.order_id].lines[one.line_id].offer.listing_id

    def _summary(self, one: Return) -> dict[str, Any]:
        order, currency = self._market.orders[one.order_id], self._market.settings.currency
        estimate = post_order_amount(self._returns.estimate_minor(one), currency)
        actual = post_order_amount(one.refund_minor, currency) if one.refund_minor else None
        total = {"estimatedRefundAmount": estimate, "actualRefundAmount": actual}
        due = None
        if one.answer_by is not None:
            due = {"activityDue": DUE[one.state], "respondByDate": post_order_date(one.answer_by)}
        return {
            "returnId": one.return_id,
            "orderId": one.order_id,
            "buyerLoginName": order.buyer,
            "sellerLoginName": self._market.settings.seller,
            "currentType": "MONEY_BACK",
            "state": one.state,
            "status": one.state,
            "creationInfo": {
                "item": {
                    "itemId": self._listing_id(one),
                    "transactionId": one.line_id,
                    "returnQuantity": one.quantity,
                },
                "type": "MONEY_BACK",
                "reason": one.reason,
                "reasonType": "SNAD" if one.reason in NOT_AS_DESCRIBED else "REMORSE",
                "comments": {"content": one.comments},
                "creationDate": post_order_date(one.at),
            },
            "sellerTotalRefund": total,
            "buyerTotalRefund": total,
            "sellerResponseDue": due,
            "buyerResponseDue": None,
            "sellerAvailableOptions": [{"actionType": due["activityDue"], "actionURL": None}] if due else [],
            "buyerAvailableOptions": [],
            "escalationInfo": None,
            "timeoutDate": post_order_date(one.answer_by),
        }

    # -- inquiries -------------------------------------------------------------------------------------------------

    def search_inquiries(self, call: Call) -> Response:
        """Search for "item not received"; newest first [guess]."""
        request = call.request
        status = request.first("inquiry_status")
        found = [
            one
            for one in reversed(self._market.inquiries.values())
            if _matches(request.first("transaction_id"), one.line_id)
            and (status is None or status == one.status or (status == "OPEN" and one.closed_at is None))
        ]
        body = page_of(request, created_within(request, self._market.now(), found), "members", self._inquiry_view)
        return answer(200, body)

    def get_inquiry(self, call: Call) -> Response:
        """One inquiry."""
        return answer(200, self._inquiry_view(self._inquiry(call)))

    def inquiry_shipment(self, call: Call) -> Response:
        """The seller shows where the parcel is."""
        one, body = self._open_inquiry(call), call.body(_bad_payload())
        carrier, tracking = body.get("shippingCarrierName"), body.get("trackingNumber")
        if not isinstance(carrier, str) or not isinstance(tracking, str) or not tracking:
            raise _bad_payload()
        self._returns.explain(one, carrier, tracking)
        self._market.did("provideInquiryShipmentInfo", one.inquiry_id)
        return answer(200, {})

    def inquiry_refund(self, call: Call) -> Response:
        """The seller refunds the line."""
        one = self._open_inquiry(call)
        self._returns.refund_inquiry(one, SELLER)
        self._market.did("issueInquiryRefund", one.inquiry_id)
        return answer(200, {"refundStatus": "SUCCESS"})

    def _inquiry(self, call: Call) -> Inquiry:
        one = self._market.inquiries.get(call.ids["inquiryId"])
        if one is None:
            raise post_order(404, f"Inquiry {call.ids['inquiryId']} was not found.")
        return one

    def _open_inquiry(self, call: Call) -> Inquiry:
        one = self._inquiry(call)
        if one.closed_at is not None:
            raise post_order(409, f"Inquiry {one.inquiry_id} is closed.")
        return one

    def _inquiry_view(self, one: Inquiry) -> dict[str, Any]:
        order, currency = self._market.orders[one.order_id], self._market.settings.currency
        line = order.lines[one.line_id]
        return {
            "inquiryId": one.inquiry_id,
            "orderId": one.order_id,
            "itemId": line.offer.listing_id,
            "transactionId": one.line_id,
            "buyer": order.buyer,
            "seller": self._market.settings.seller,
            "inquiryStatusEnum": one.status,
            "claimAmount": post_order_amount(line.gross_minor, currency),
            "creationDate": post_order_date(one.at),
            "respondByDate": post_order_date(one.answer_by),
            "lastModifiedDate": post_order_date(one.closed_at or one.at),
        }


def _bad_payload() -> EbayError:
    return post_order(400, "The request payload is not valid.")


def _matches(asked: str | None, have: str | None) -> bool:
    return asked is None or asked == have
