"""ChannelEngine's words in ours. A word that is not here is Unrecognised: a person sees it; it is never read as good news."""

from collections.abc import Mapping

from entrepot.trade.listing.states import ListingState
from entrepot.trade.order.states import LegState, LineState

# MANCO: the merchant could not send it. IN_COMBI: sent together with another order. RETURNED: all of it came back.
LEG_BY_STATUS: Mapping[str, LegState] = {
    "AWAITING_PAYMENT": LegState.ON_HOLD,
    "REQUIRES_CORRECTION": LegState.ON_HOLD,
    "NEW": LegState.AWAITING_ACCEPTANCE,
    "IN_PROGRESS": LegState.TO_SHIP,
    "IN_BACKORDER": LegState.TO_SHIP,
    "IN_COMBI": LegState.TO_SHIP,
    "SHIPPED": LegState.SHIPPED,
    "CLOSED": LegState.CLOSED,
    "RETURNED": LegState.CLOSED,
    "CANCELED": LegState.CANCELLED,
    "MANCO": LegState.CANCELLED,
}
LINE_BY_STATUS: Mapping[str, LineState] = {
    "AWAITING_PAYMENT": LineState.ON_HOLD,
    "REQUIRES_CORRECTION": LineState.ON_HOLD,
    "NEW": LineState.AWAITING_ACCEPTANCE,
    "IN_PROGRESS": LineState.TO_SHIP,
    "IN_BACKORDER": LineState.TO_SHIP,
    "IN_COMBI": LineState.TO_SHIP,
    "SHIPPED": LineState.SHIPPED,
    "CLOSED": LineState.CLOSED,
    "RETURNED": LineState.REFUNDED,
    "CANCELED": LineState.CANCELLED,
    "MANCO": LineState.CANCELLED,
}
RETURN_BY_STATUS: Mapping[str, str] = {"IN_PROGRESS": "requested", "RECEIVED": "received", "CANCELLED": "cancelled"}
RECEIVED, WITHDRAWN = "RECEIVED", "CANCELLED"

PUBLISHED = "PUBLISHED"
LISTING_BY_STATUS: Mapping[str, ListingState] = {
    PUBLISHED: ListingState.LIVE,
    "UNDER_REVIEW": ListingState.ACCEPTED,
    "NONE": ListingState.ACCEPTED,
    "UNKNOWN": ListingState.ACCEPTED,
    "INVALID_ON_CREATE": ListingState.ISSUE,
    "NOT_PUBLISHED": ListingState.SUPPRESSED,
}
BEST_FIRST = (ListingState.LIVE, ListingState.ACCEPTED, ListingState.ISSUE, ListingState.SUPPRESSED)
EXPORTS = frozenset({"CREATED", "UPDATED", "DELETED", "CREATE_FAILED"})
DELETED = "DELETED"

# Our reasons in theirs (MancoReason).
CANCEL_REASONS: Mapping[str, str] = {
    "out-of-stock": "NOT_IN_STOCK",
    "buyer-asked": "CLIENT_CANCELLED",
    "undeliverable": "INVALID_ADDRESS",
    "price-error": "OTHER",
    "other": "OTHER",
}
