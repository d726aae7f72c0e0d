"""The Post-Order interface for cancellations: create, approve, reject, search, read.

Source: eBay's published Post-Order types (CancelSummary, CancelStateEnum, CancelStatusEnum). Paths and 200 answers as
in the public client specification; error ids of this interface are [guess].
"""

from typing import Any, Final

from entrepot.sandbox.core import Response
from entrepot.sandbox.ebay.errors import post_order
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.orders import Orders
from entrepot.sandbox.ebay.post_order import created_within, page_of
from entrepot.sandbox.ebay.router import Call
from entrepot.sandbox.ebay.state import BUYER, SELLER, Cancellation, Order
from entrepot.sandbox.ebay.wire import answer, post_order_amount, post_order_date

CANCEL_REASONS: Final = frozenset(
    # CancelReasonEnum as far as sellers and buyers use it; the full list is not in our sources [guess].
    {
        "ADDRESS_ISSUES",
        "BUYER_ASKED_CANCEL",
        "BUYER_CANCEL_OR_ADDRESS_ISSUE",
        "FOUND_CHEAPER_PRICE",
        "ORDER_MISTAKE",
        "ORDER_UNPAID",
        "OTHER",
        "OUT_OF_STOCK_OR_CANNOT_FULFILL",
        "PRICE_TOO_HIGH",
        "WONT_ARRIVE_IN_TIME",
    }
)


class CancellationCalls:
    """A seller's side of cancelling."""

    def __init__(self, market: Market, orders: Orders) -> None:
        self._market = market
        self._orders = orders

    def create(self, call: Call) -> Response:
        """createCancellation: the seller cancels an order whole."""
        body = call.body(post_order(400, "The request payload is not valid."))
        order = self._order(body.get("legacyOrderId"))
        reason = body.get("cancelReason") or "OTHER"
        if reason not in CANCEL_REASONS:
            raise post_order(400, f"Invalid cancel reason: {reason}")
        why_not = self._why_not(order)
        if why_not is not None:
            raise post_order(409, why_not)
        cancellation = self._orders.open_cancellation(order, SELLER, str(reason))
        self._orders.cancel(order, cancellation, SELLER)
        self._market.did("createCancellation", order.order_id)
        return answer(200, {"cancelId": cancellation.cancel_id, "orderEligibilityResult": None, "warnings": []})

    def check(self, call: Call) -> Response:
        """checkCancellationEligibility."""
        body = call.body(post_order(400, "The request payload is not valid."))
        order = self._order(body.get("legacyOrderId"))
        why_not = self._why_not(order)
        result = {"eligible": why_not is None, "failureReason": [why_not] if why_not else []}
        return answer(200, {"legacyOrderId": order.order_id, **result})

    def approve(self, call: Call) -> Response:
        """approveCancellationRequest: the buyer's wish is granted, his money goes back."""
        cancellation = self._open(call)
        order = self._market.orders[cancellation.order_id]
        self._orders.cancel(order, cancellation, BUYER)
        self._market.did("approveCancellationRequest", cancellation.cancel_id)
        return answer(200, {})

    def reject(self, call: Call) -> Response:
        """rejectCancellationRequest: the order stands."""
        cancellation = self._open(call)
        self._orders.close_cancellation(cancellation, "CANCEL_REJECTED", "SELLER_DECLINED")
        self._market.did("rejectCancellationRequest", cancellation.cancel_id)
        return answer(200, {})

    def get(self, call: Call) -> Response:
        """getCancellation."""
        return answer(200, {"cancelDetail": self._view(self._cancellation(call))})

    def search(self, call: Call) -> Response:
        """Search: newest first [guess]; by id, order, or the time of the request."""
        request = call.request
        wanted, order_id = request.first("cancel_id"), request.first("legacy_order_id")
        found = [
            one
            for one in reversed(self._market.cancellations.values())
            if (wanted is None or one.cancel_id == wanted)
            and (wanted is not None or order_id is None or one.order_id == order_id)
        ]
        if wanted is None:
            found = created_within(request, self._market.now(), found)
        return answer(200, page_of(request, found, "cancellations", self._view))

    # -- inside ----------------------------------------------------------------------------------------------------

    def _order(self, order_id: object) -> Order:
        order = self._market.orders.get(order_id) if isinstance(order_id, str) else None
        if order is None:
            raise post_order(404, f"Order {order_id} was not found.")
        return order

    def _why_not(self, order: Order) -> str | None:
        if order.cancelled_at is not None:
            return "CANCEL_COMPLETED"
        if any(line.shipped for line in order.lines.values()):
            return "ORDER_SHIPPED"
        if any(one.closed_at is None for one in order.cancellations):
            return "CANCEL_IN_PROGRESS"
        if order.refunded_minor:
            return "ORDER_REFUNDED"
        if any(one.order_id == order.order_id and one.won is not True for one in self._market.disputes.values()):
            return "PAYMENT_DISPUTE"
        return None

    def _cancellation(self, call: Call) -> Cancellation:
        cancellation = self._market.cancellations.get(call.ids["cancelId"])
        if cancellation is None:
            raise post_order(404, f"Cancellation {call.ids['cancelId']} was not found.")
        return cancellation

    def _open(self, call: Call) -> Cancellation:
        cancellation = self._cancellation(call)
        if cancellation.state != "APPROVAL_PENDING":
            raise post_order(409, f"Cancellation {cancellation.cancel_id} is not waiting for approval.")
        return cancellation

    def _view(self, one: Cancellation) -> dict[str, Any]:
        order = self._market.orders[one.order_id]
        return {
            "cancelId": one.cancel_id,
            "marketplaceId": self._market.settings.marketplace,
            "legacyOrderId": one.order_id,
            "requestorType": "BUYER" if one.requestor == BUYER else "SELLER",
            "buyerLoginName": order.buyer,
            "sellerLoginName": self._market.settings.seller,
            "cancelState": one.state,
            "cancelStatus": one.status,
            "cancelReason": one.reason,
            "cancelCloseReason": one.close_reason,
            "paymentStatus": "PAID" if order.paid_at else "UNPAID",
            "partialOrderType": None,
            "payoutRecoupInfo": None,
            "requestRefundAmount": post_order_amount(one.refund_minor, order.currency),
            "cancelRequestDate": post_order_date(one.at),
            "lastModifiedDate": post_order_date(one.closed_at or one.at),
            "sellerResponseDueDate": post_order_date(one.answer_by),
            "buyerResponseDueDate": None,
            "cancelCloseDate": post_order_date(one.closed_at),
            "shipmentDate": post_order_date(order.shipments[0].at if order.shipments else None),
            "lineItems": [
                {"itemId": line.offer.listing_id, "transactionId": line_id, "cancelQuantity": line.quantity}
                for line_id, line in order.lines.items()
            ],
        }
