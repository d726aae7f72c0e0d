"""What goes wrong after a sale, in our words: returns, cancellation requests, payment disputes. Pure and total."""

from datetime import datetime

from entrepot.connectors.ebay import shapes
from entrepot.connectors.ebay.statement import amount_of
from entrepot.connectors.ebay.words import (
    CANCELLATION_BY_STATUS,
    DISPUTE_BY_STATUS,
    RETURN_BY_STATE,
    known,
)
from entrepot.connectors.reading import Unreadable, instant, maybe_instant, total, typed
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.dispute.model import CancellationAsked, DisputeSeen
from entrepot.trade.order.model import ReturnSeen

SELLER = "SELLER"


def moment(told: shapes.Moment | None, where: str) -> datetime | None:
    return maybe_instant(told.value if told else None, where)


def needed(told: shapes.Moment | None, where: str) -> datetime:
    at = moment(told, where)
    if at is None:
        raise Unreadable("a date is missing", where)
    return at


@total
def return_file(body: bytes) -> ReturnSeen:
    """One return (post-order return/search). They tell when it was opened, not when it changed."""
    seen = typed(body, shapes.Return)
    creation = seen.creationInfo or shapes.ReturnCreation()
    item = creation.item or shapes.ReturnItem()
    opened = needed(creation.creationDate, "$.creationInfo.creationDate")
    line = "" if item.transactionId is None else str(item.transactionId)
    return ReturnSeen(
        return_id=str(seen.returnId),
        order_id=seen.orderId,
        their_state=seen.state,
        state=known(RETURN_BY_STATE, "return.state", seen.state),
        reason=creation.reason or "",
        created_at=opened,
        updated_at=opened,
        lines={line: item.returnQuantity or 1} if line else {},
    )


@total
def cancellation(body: bytes) -> CancellationAsked:
    """One cancellation request. What the seller began himself asks nobody anything."""
    seen = typed(body, shapes.Cancellation)
    state = known(CANCELLATION_BY_STATUS, "cancelStatus", seen.cancelStatus)
    if state == "asked" and (seen.requestorType or "").upper() == SELLER:
        state = "approved"
    asked = needed(seen.cancelRequestDate, "$.cancelRequestDate")
    return CancellationAsked(
        request_id=str(seen.cancelId),
        order_id=seen.legacyOrderId,
        state=state,
        their_state=seen.cancelStatus,
        asked_at=asked,
        updated_at=moment(seen.cancelCloseDate, "$.cancelCloseDate") or asked,
        respond_by=moment(seen.sellerResponseDueDate, "$.sellerResponseDueDate") if state == "asked" else None,
    )


@total
def dispute(body: bytes) -> DisputeSeen:
    """One payment dispute (getPaymentDispute): a buyer's bank, or the buyer, takes the money back."""
    seen = typed(body, shapes.Dispute)
    state, opened = _dispute_state(seen), instant(seen.openDate, "$.openDate")
    waits = seen.paymentDisputeStatus == "ACTION_NEEDED" or (state == "open" and not seen.sellerResponse)
    return DisputeSeen(
        dispute_id=seen.paymentDisputeId,
        order_id=seen.orderId,
        kind="chargeback",
        state=state,
        their_state=seen.paymentDisputeStatus,
        reason=seen.reason or "",
        amount_minor=amount_of(seen.amount, "$.amount"),
        currency=seen.amount.currency,
        opened_at=opened,
        updated_at=maybe_instant(seen.closedDate, "$.closedDate") or opened,
        respond_by=maybe_instant(seen.respondByDate, "$.respondByDate") if waits else None,
        revision="" if seen.revision is None else str(seen.revision),
    )


def _dispute_state(seen: shapes.Dispute) -> str | Unrecognised:
    """Closed is won when they take nothing from the seller, and lost when they do. Source: eBay's word on `recoupAmount`."""
    state = known(DISPUTE_BY_STATUS, "paymentDisputeStatus", seen.paymentDisputeStatus)
    if state != "closed" or seen.resolution is None:
        return state
    recoup = seen.resolution.recoupAmount
    return "lost" if recoup is not None and recoup.value > 0 else "won"
