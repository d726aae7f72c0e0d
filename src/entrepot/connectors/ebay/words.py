"""eBay's words in ours. A word that is not here is Unrecognised: a person sees it; it is never read as good news."""

from collections.abc import Mapping

from entrepot.kernel.outcome import Unrecognised
from entrepot.money.settlement.model import LineType
from entrepot.trade.order.states import LegState, LineState

CANCELED, CANCEL_IN_PROGRESS, NONE_REQUESTED = "CANCELED", "IN_PROGRESS", "NONE_REQUESTED"
CANCEL_STATES = frozenset({CANCELED, CANCEL_IN_PROGRESS, NONE_REQUESTED})
NOT_PAID = frozenset({"PENDING", "FAILED"})
PAID = frozenset({"PAID", "PARTIALLY_REFUNDED", "FULLY_REFUNDED"})

LEG_BY_FULFILMENT: Mapping[str, LegState] = {
    "NOT_STARTED": LegState.TO_SHIP,
    "IN_PROGRESS": LegState.PART_SHIPPED,
    "FULFILLED": LegState.SHIPPED,
}
LINE_BY_FULFILMENT: Mapping[str, LineState] = {
    "NOT_STARTED": LineState.TO_SHIP,
    "IN_PROGRESS": LineState.TO_SHIP,
    "FULFILLED": LineState.SHIPPED,
}

# asked · approved · rejected · closed. Source: Post-Order CancelStatusEnum.
CANCELLATION_BY_STATUS: Mapping[str, str] = {
    "CANCEL_REQUESTED": "asked",
    "CANCEL_PENDING": "approved",
    "CANCEL_REJECTED": "rejected",
    "CANCEL_FAILED": "closed",
    "CANCEL_CLOSED_FOR_COMMITMENT": "closed",
    "CANCEL_CLOSED_NO_REFUND": "closed",
    "CANCEL_CLOSED_UNKNOWN_REFUND": "closed",
    "CANCEL_CLOSED_WITH_REFUND": "closed",
}

# Source: Post-Order ReturnStateEnum and ReturnStatusEnum. What a word means for a replacement or for a refund that is on its
# way is a [guess]; eBay does not say at the end whether money went back: the hub's refunds do.
_RETURN_WORDS: Mapping[str, tuple[str, ...]] = {
    "requested": (
        "ESCALATED",
        "INITIAL",
        "PARTIAL_REFUND_DECLINED",
        "PARTIAL_REFUND_REQUESTED",
        "REPLACEMENT_REQUESTED",
        "REPLACEMENT_REQUESTED_TIMEOUT",
        "RETURN_REQUESTED",
        "RETURN_REQUESTED_TIMEOUT",
    ),
    "accepted": (
        "ITEM_READY_TO_SHIP",
        "PARTIAL_REFUND_FAILED",
        "PARTIAL_REFUND_INITIATED",
        "READY_FOR_SHIPPING",
        "REPLACEMENT_LABEL_REQUESTED",
        "REPLACEMENT_RMA_PENDING",
        "REPLACEMENT_WAITING_FOR_RMA",
        "RETURN_LABEL_PENDING",
        "RETURN_LABEL_PENDING_TIMEOUT",
        "RETURN_LABEL_REQUESTED",
        "RMA_PENDING",
        "WAITING_FOR_RETURN_LABEL",
        "WAITING_FOR_RMA",
    ),
    "in-transit": ("ITEM_SHIPPED",),
    "received": (
        "AUTO_REFUND_INITIATED",
        "ITEM_DELIVERED",
        "LESS_THAN_A_FULL_REFUND_ISSUED",
        "PAYOUT_INITIATED",
        "REFUND_INITIATED",
        "REFUND_SENT_PENDING_CONFIRMATION",
        "REFUND_TIMEOUT",
        "REPLACED",
        "REPLACEMENT_DELIVERED",
        "REPLACEMENT_SHIPPED",
        "REPLACEMENT_STARTED",
    ),
    "refused": ("RETURN_REJECTED",),
    "closed-without-refund": ("CLOSED", "ITEM_KEPT", "REPLACEMENT_CLOSED"),
}
RETURN_BY_STATE: Mapping[str, str] = {word: ours for ours, words in _RETURN_WORDS.items() for word in words}
RETURN_RECEIVED = frozenset({*_RETURN_WORDS["received"], "CLOSED", "REPLACEMENT_CLOSED"})

DISPUTE_BY_STATUS: Mapping[str, str] = {"OPEN": "open", "ACTION_NEEDED": "action-needed", "CLOSED": "closed"}

PAYOUT_BY_STATUS: Mapping[str, str] = {
    "INITIATED": "to-pay",
    "SUCCEEDED": "paid",
    "REVERSED": "failed",
    "RETRYABLE_FAILED": "failed",
    "TERMINAL_FAILED": "failed",
}
BOOKING: Mapping[str, int] = {"CREDIT": 1, "DEBIT": -1}

# What a transaction is when it cannot be taken apart. CREDIT and DEBIT of one type mean different things to us.
# DISPUTE (money a buyer's bank takes back) and TRANSFER (the seller covers a negative balance) are a [guess].
LINE_BY_TYPE: Mapping[tuple[str, str], LineType] = {
    ("SALE", "CREDIT"): LineType.ORDER_AMOUNT,
    ("REFUND", "DEBIT"): LineType.REFUND_ORDER_AMOUNT,
    ("REFUND", "CREDIT"): LineType.ORDER_AMOUNT,
    ("CREDIT", "CREDIT"): LineType.MANUAL_CREDIT,
    ("DISPUTE", "DEBIT"): LineType.REFUND_ORDER_AMOUNT,
    ("DISPUTE", "CREDIT"): LineType.ORDER_AMOUNT,
    ("SHIPPING_LABEL", "DEBIT"): LineType.INVOICEABLE_ONE_OFF_DEBIT,
    ("SHIPPING_LABEL", "CREDIT"): LineType.INVOICEABLE_ONE_OFF_CREDIT,
    ("NON_SALE_CHARGE", "DEBIT"): LineType.INVOICEABLE_ONE_OFF_DEBIT,
    ("NON_SALE_CHARGE", "CREDIT"): LineType.INVOICEABLE_ONE_OFF_CREDIT,
    ("ADJUSTMENT", "CREDIT"): LineType.MANUAL_CREDIT,
    ("ADJUSTMENT", "DEBIT"): LineType.MANUAL_INVOICE,
    ("LOAN_REPAYMENT", "DEBIT"): LineType.MANUAL_INVOICE,
    ("LOAN_REPAYMENT", "CREDIT"): LineType.MANUAL_CREDIT,
    ("PURCHASE", "DEBIT"): LineType.MANUAL_INVOICE,
    ("PURCHASE", "CREDIT"): LineType.MANUAL_CREDIT,
    ("TRANSFER", "CREDIT"): LineType.PAYMENT,
    ("TRANSFER", "DEBIT"): LineType.PAYMENT,
    ("WITHDRAWAL", "DEBIT"): LineType.PAYMENT,
    ("WITHDRAWAL", "CREDIT"): LineType.PAYMENT,
}
# What the two sides of a sale and of its refund are called: the buyer's money, and eBay's fee on it.
SIDES: Mapping[str, tuple[LineType, LineType]] = {
    "SALE": (LineType.ORDER_AMOUNT, LineType.COMMISSION_FEE),
    "REFUND": (LineType.REFUND_ORDER_AMOUNT, LineType.REFUND_COMMISSION_FEE),
}

# Rates that eBay judges sellers by; keys of eBay's seller standards [K]. Values are percentages.
MEASURE_BY_KEY: Mapping[str, str] = {
    "DEFECTIVE_TRANSACTION_RATE": "defects",
    "LATE_SHIPMENT_RATE": "late-shipments",
    "CLAIMS_SAF_RATE": "cases-without-resolution",
    "VALID_TRACKING_UPLOADED_WITHIN_HANDLING_RATE": "valid-tracking",
    "SHIPPING_MISS_RATE": "late-shipments",
}
GOOD_WHEN_HIGH = frozenset({"valid-tracking"})
LEVELS = frozenset({"TOP_RATED", "ABOVE_STANDARD", "BELOW_STANDARD"})

CANCEL_REASON: Mapping[str, str] = {
    "out-of-stock": "OUT_OF_STOCK_OR_CANNOT_FULFILL",
    "buyer-asked": "BUYER_ASKED_CANCEL",
    "undeliverable": "ADDRESS_ISSUES",
    "price-error": "OUT_OF_STOCK_OR_CANNOT_FULFILL",
    "other": "OUT_OF_STOCK_OR_CANNOT_FULFILL",
}
REFUND_REASON: Mapping[str, str] = {
    "returned": "BUYER_RETURN",
    "not-received": "ITEM_NOT_RECEIVED",
    "not-as-described": "ITEM_NOT_AS_DESCRIBED",
    "goodwill": "OTHER_ADJUSTMENT",
    "cancelled": "SELLER_CANCEL",
    "other": "OTHER_ADJUSTMENT",
}
CONDITION: Mapping[str, str] = {
    "new": "NEW",
    "like-new": "LIKE_NEW",
    "refurbished": "SELLER_REFURBISHED",
    "used": "USED_GOOD",
}


def known(table: Mapping[str, str], field: str, word: str) -> str | Unrecognised:
    return table.get(word) or Unrecognised(field, word)
