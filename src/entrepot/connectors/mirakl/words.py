"""Mirakl's words in ours. A word that is not here is Unrecognised: a person sees it; it is never read as good news."""

from collections.abc import Mapping

from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.order.states import LegState, LineState

LEG_BY_ORDER_STATE: Mapping[str, LegState] = {
    "STAGING": LegState.ON_HOLD,
    "WAITING_ACCEPTANCE": LegState.AWAITING_ACCEPTANCE,
    "WAITING_DEBIT": LegState.ACCEPTED,
    "WAITING_DEBIT_PAYMENT": LegState.AWAITING_PAYMENT,
    "SHIPPING": LegState.TO_SHIP,
    "SHIPPED": LegState.SHIPPED,
    "TO_COLLECT": LegState.TO_COLLECT,
    "RECEIVED": LegState.DELIVERED,
    "CLOSED": LegState.CLOSED,
    "REFUSED": LegState.REFUSED,
    "CANCELED": LegState.CANCELLED,
}

LINE_BY_WORD: Mapping[str, LineState] = {
    "STAGING": LineState.ON_HOLD,
    "WAITING_ACCEPTANCE": LineState.AWAITING_ACCEPTANCE,
    "WAITING_DEBIT": LineState.ACCEPTED,
    "WAITING_DEBIT_PAYMENT": LineState.ACCEPTED,
    "SHIPPING": LineState.TO_SHIP,
    "SHIPPED": LineState.SHIPPED,
    "TO_COLLECT": LineState.TO_COLLECT,
    "RECEIVED": LineState.DELIVERED,
    "CLOSED": LineState.CLOSED,
    "REFUSED": LineState.REFUSED,
    "CANCELED": LineState.CANCELLED,
    "REFUNDED": LineState.REFUNDED,
    "INCIDENT_OPEN": LineState.INCIDENT_OPEN,
}

# waiting: their tax step · asked: they wait for our payment · refunded: they heard that we paid
REFUND_BY_STATE: Mapping[str, str] = {
    "WAITING_REFUND_TAX_CONFIRMATION": "waiting",
    "WAITING_REFUND": "asked",
    "WAITING_REFUND_PAYMENT": "asked",
    "REFUNDED": "refunded",
}

RETURN_BY_STATE: Mapping[str, str] = {
    "WAITING_ACCEPTANCE": "requested",
    "IN_PROGRESS": "accepted",
    "REFUSED": "refused",
    "RECEIVED": "received",
    "NO_RECEPTION": "not-received",
    "CLOSED": "closed-without-refund",  # Mirakl does not say whether money went back: the hub's refunds do
    "CANCELED": "cancelled",
}

# CANCELED is missing on purpose: our shipments know no such end, so a person looks.
SHIPMENT_BY_STATUS: Mapping[str, str] = {
    "SHIPPING": "planned",
    "READY_FOR_PICK_UP": "planned",
    "SHIPMENT_PREPARED": "planned",
    "SHIPPED": "handed-over",
    "TO_COLLECT": "in-transit",
    "RECEIVED": "delivered",
    "CLOSED": "delivered",
}

# Who wrote in a conversation. True: the seller, whose words are answers to us. The words are not published.
IS_SELLER_BY_PARTY: Mapping[str, bool] = {
    "SHOP": True,
    "SHOP_USER": True,
    "OPERATOR": False,
    "OPERATOR_USER": False,
    "CUSTOMER": False,
    "CUSTOMER_USER": False,
}

# None: it is still being worked off.
IMPORT_DONE_BY_STATUS: Mapping[str, bool | None] = {
    "WAITING_SYNCHRONIZATION_PRODUCT": None,
    "WAITING": None,
    "QUEUED": None,
    "RUNNING": None,
    "COMPLETE": True,
    "FAILED": False,
}

PAYOUT_BY_STATE: Mapping[str, str] = {"TO_PAY": "to-pay", "PAID": "paid", "FAILED": "failed"}

TAX_INCLUDED, TAX_EXCLUDED = "TAX_INCLUDED", "TAX_EXCLUDED"
PAST_ACCEPTANCE = frozenset(LEG_BY_ORDER_STATE) - {"STAGING", "WAITING_ACCEPTANCE"}
SHIPPED_OR_LATER = frozenset({"SHIPPED", "TO_COLLECT", "RECEIVED", "CLOSED"})
PAID_OR_LATER = frozenset({"SHIPPING"}) | SHIPPED_OR_LATER
AWAITING_DEBIT = frozenset({"WAITING_DEBIT", "WAITING_DEBIT_PAYMENT"})


def leg_state(word: str) -> LegState | Unrecognised:
    return LEG_BY_ORDER_STATE.get(word) or Unrecognised("order_state", word)


def line_state(word: str) -> LineState | Unrecognised:
    return LINE_BY_WORD.get(word) or Unrecognised("order_line_state", word)


def return_state(word: str, travels: bool) -> str | Unrecognised:
    """`travels`: a parcel number is known, so the goods are on their way."""
    known = RETURN_BY_STATE.get(word) or Unrecognised("return.state", word)
    return "in-transit" if known == "accepted" and travels else known


def shipment_state(word: str) -> str | Unrecognised:
    return SHIPMENT_BY_STATUS.get(word) or Unrecognised("shipment.status", word)
