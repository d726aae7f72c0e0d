"""Amazon's words in ours. A word that is not here is Unrecognised: a person sees it; it is never read as good news.

Orders come in two spellings: UPPER_SNAKE since 2026-01-01, CamelCase before.
"""

from collections.abc import Mapping

from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.listing.states import SubmissionState
from entrepot.trade.order.states import LegState

LEG_BY_STATUS: Mapping[str, LegState] = {
    "PENDING_AVAILABILITY": LegState.ON_HOLD,
    "PENDING": LegState.ON_HOLD,
    "UNSHIPPED": LegState.TO_SHIP,
    "PARTIALLY_SHIPPED": LegState.PART_SHIPPED,
    "SHIPPED": LegState.SHIPPED,
    "CANCELLED": LegState.CANCELLED,
    "UNFULFILLABLE": LegState.CANCELLED,  # only orders of their own warehouse for other channels: nothing will be delivered
    "PendingAvailability": LegState.ON_HOLD,
    "Pending": LegState.ON_HOLD,
    "Unshipped": LegState.TO_SHIP,
    "PartiallyShipped": LegState.PART_SHIPPED,
    "Shipped": LegState.SHIPPED,
    "InvoiceUnconfirmed": LegState.SHIPPED,  # shipped; only the seller's word that the invoice went too is missing
    "Canceled": LegState.CANCELLED,
    "Unfulfillable": LegState.CANCELLED,
}

FULFILLED_BY: Mapping[str, str] = {
    "MERCHANT": "seller",
    "MFN": "seller",
    "AMAZON": "marketplace",
    "AFN": "marketplace",
}

PACKAGE_STATUSES = frozenset({"PENDING", "IN_TRANSIT", "SHIPPED", "DELIVERED", "CANCELLED", "UNDELIVERABLE"})
DELIVERED, PACKAGE_CANCELLED = "DELIVERED", "CANCELLED"
BUYER = "BUYER"

SUBMISSION_BY_STATUS: Mapping[str, SubmissionState] = {
    "IN_QUEUE": SubmissionState.TAKEN,
    "IN_PROGRESS": SubmissionState.WORKING,
    "DONE": SubmissionState.DONE,
    "FATAL": SubmissionState.FAILED,
    "CANCELLED": SubmissionState.FAILED,
}
OVER = frozenset({"DONE", "FATAL", "CANCELLED"})  # of feeds and reports alike

BUYABLE, DISCOVERABLE = "BUYABLE", "DISCOVERABLE"
LISTING_WORDS = frozenset({BUYABLE, DISCOVERABLE})
SUPPRESSIONS = frozenset({"SEARCH_SUPPRESSED", "LISTING_SUPPRESSED", "CATALOG_ITEM_REMOVED"})
EXEMPT = frozenset({"EXEMPT", "EXEMPT_UNTIL_EXPIRY_DATE"})
SEVERITY: Mapping[str, str] = {"ERROR": "error", "WARNING": "warning", "INFO": "warning"}

# Our reasons (connectors/verbs.py) in theirs. Source of the list: what sellers' tools accept for Amazon orders.
CANCEL_REASON: Mapping[str, str] = {
    "out-of-stock": "NoInventory",
    "buyer-asked": "BuyerCanceled",
    "undeliverable": "ShippingAddressUndeliverable",
    "price-error": "GeneralAdjustment",
    "other": "GeneralAdjustment",
}
# [guess] the words of AdjustmentReason are in no file we hold; these are those of the old feed schema.
ADJUSTMENT_REASON: Mapping[str, str] = {
    "returned": "CustomerReturn",
    "not-as-described": "DifferentItem",
    "cancelled": "CustomerCancel",
}
ANY_ADJUSTMENT = "GeneralAdjustment"

CONDITION: Mapping[str, str] = {
    "new": "new_new",
    "refurbished": "refurbished_refurbished",
    "used": "used_good",
    "like-new": "used_like_new",
}

# Marketplace → currency, as published. Only for what names no amount of its own: a pending order, a listing without a price.
CURRENCY_BY_MARKETPLACE: Mapping[str, str] = {
    "ATVPDKIKX0DER": "USD",
    "A2EUQ1WTGCTBG2": "CAD",
    "A1AM78C64UM0Y8": "MXN",
    "A2Q3Y263D00KWC": "BRL",
    "A28R8C7NBKEWEA": "EUR",
    "A1RKKUPIHCS9HS": "EUR",
    "A13V1IB3VIYZZH": "EUR",
    "AMEN7PMS3EDWL": "EUR",
    "A1805IZSGTT6HS": "EUR",
    "A1PA6795UKMFR9": "EUR",
    "APJ6JRA9NG5V4": "EUR",
    "A1F83G8C2ARO7P": "GBP",
    "A2NODRKZP88ZB9": "SEK",
    "AE08WJ6YKNBMC": "ZAR",
    "A1C3SOZRARQ6R3": "PLN",
    "ARBP9OOSHTCHU": "EGP",
    "A33AVAJ2PDY3EV": "TRY",
    "A17E79C6D8DWNP": "SAR",
    "A2VIGQ35RCS4UG": "AED",
    "A21TJRUUN4KGV": "INR",
    "A19VAU5U5O7RUS": "SGD",
    "A39IBJ37TRP1C6": "AUD",
    "A1VC38T7YXB528": "JPY",
}


def leg_state(word: str) -> LegState | Unrecognised:
    return LEG_BY_STATUS.get(word) or Unrecognised("order_status", word)


def submission_state(word: str) -> SubmissionState | Unrecognised:
    return SUBMISSION_BY_STATUS.get(word) or Unrecognised("processingStatus", word)
