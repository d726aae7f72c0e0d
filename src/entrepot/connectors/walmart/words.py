"""Walmart's words in ours. A word that is not here is Unrecognised: a person sees it; it is never read as good news.

Orders spell their statuses in CamelCase, events in capitals: both are known, nothing between them.
"""

from collections.abc import Mapping

from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.listing.states import ListingState, SubmissionState

CREATED, ACKNOWLEDGED, SHIPPED = "Created", "Acknowledged", "Shipped"
DELIVERED, CANCELLED, REFUNDED = "Delivered", "Cancelled", "Refund"
STATUSES: Mapping[str, str] = {
    spelt: word
    for word in (CREATED, ACKNOWLEDGED, SHIPPED, DELIVERED, CANCELLED, REFUNDED)
    for spelt in (word, word.upper())
}
LEFT_US = frozenset({SHIPPED, DELIVERED, REFUNDED})  # only what was shipped is refunded

FULFILLED_BY: Mapping[str, str] = {
    "SellerFulfilled": "seller",
    "3PLFulfilled": "seller",
    "WFSFulfilled": "marketplace",
}

# Our reasons in theirs. `other`: they know none; running out is the one that blames us and nobody else.
CANCEL_REASONS: Mapping[str, str] = {
    "out-of-stock": "SELLER_CANCEL_OUT_OF_STOCK",
    "buyer-asked": "CUSTOMER_REQUESTED_SELLER_TO_CANCEL",
    "undeliverable": "SELLER_CANCEL_ADDRESS_NOT_SERVICEABLE",
    "price-error": "SELLER_CANCEL_PRICING_ERROR",
    "other": "SELLER_CANCEL_OUT_OF_STOCK",
}
REFUND_REASONS: Mapping[str, str] = {
    "returned": "Customer returned item",
    "not-received": "Merchandise not received",
    "not-as-described": "ItemNotAsAdvertised",
    "goodwill": "Finance -> Goodwill",
    "cancelled": "Buyer canceled",
    "other": "Others",
}
METHODS = frozenset({"Standard", "Express", "OneDay", "Freight", "WhiteGlove", "Value"})

# Carriers by the names Walmart accepts; any other goes as `otherCarrier`.
CARRIERS: Mapping[str, str] = {
    name.casefold(): name
    for name in (
        "UPS", "USPS", "FedEx", "Airborne", "OnTrac", "DHL", "DHL Ecommerce - US", "LS", "UDS", "UPSMI", "FDX", "PILOT", "ESTES",
        "SAIA", "FDS Express", "Seko Worldwide", "HIT Delivery", "FEDEXSP", "RL Carriers", "China Post", "YunExpress",
        "AIT Worldwide Logistics", "Chukou1", "Sendle", "Landmark Global", "Sunyou", "Yanwen", "4PX", "GLS", "OSM Worldwide",
        "FIRST MILE", "CEVA", "India Post", "SF Express", "TForce Freight", "AxleHire", "LSO", "Royal Mail", "Canada Post",
        "Japan Post", "XPO Logistics",
    )
}  # fmt: skip

RETURN_BY_STATUS: Mapping[str, str] = {"INITIATED": "requested", "DELIVERED": "received"}
IN_TRANSIT_TAG, CANCELLED_TAG = "RETURN_IN_TRANSIT", "RETURN_CANCELLED"
COMPLETED = "COMPLETED"  # what it means, its last event says

LISTING_BY_PUBLISHED: Mapping[str, ListingState] = {
    "PUBLISHED": ListingState.LIVE,
    "IN_PROGRESS": ListingState.ACCEPTED,
    "READY_TO_PUBLISH": ListingState.ACCEPTED,  # in the item guides, not in the interface description
    "UNPUBLISHED": ListingState.SUPPRESSED,
    "SYSTEM_PROBLEM": ListingState.ISSUE,
}
ACTIVE, RETIRED = "ACTIVE", "RETIRED"
LIFECYCLES = frozenset({ACTIVE, RETIRED, "ARCHIVED"})

SUBMISSION_BY_STATUS: Mapping[str, SubmissionState] = {
    "RECEIVED": SubmissionState.TAKEN,
    "INPROGRESS": SubmissionState.WORKING,
    "PROCESSED": SubmissionState.DONE,
    "ERROR": SubmissionState.FAILED,
}
FEED_OVER = frozenset({"PROCESSED", "ERROR"})
ITEM_PENDING, ITEM_ACCEPTED = "INPROGRESS", "SUCCESS"
ITEM_REJECTED = frozenset({"DATA_ERROR", "SYSTEM_ERROR", "TIMEOUT_ERROR"})


def listing_state(published: str, lifecycle: str | None) -> ListingState | Unrecognised:
    """A retired item is ended whatever else is said of it."""
    if lifecycle is not None and lifecycle not in LIFECYCLES:
        return Unrecognised("lifecycleStatus", lifecycle)
    if lifecycle in (RETIRED, "ARCHIVED"):
        return ListingState.ENDED
    return LISTING_BY_PUBLISHED.get(published) or Unrecognised("publishedStatus", published)
