"""People's words for the engine's: every state, object and operation that reaches a page goes through here."""

from collections.abc import Mapping

from entrepot.blueprint.draw.words import mode_word, plain
from entrepot.cases.states import CaseState
from entrepot.web.views import State, Tone

__all__ = ["mode_word", "plain"]

_G, _I, _W, _B, _N = Tone.GOOD, Tone.INFO, Tone.WARN, Tone.BAD, Tone.IDLE

CASE: Mapping[str, tuple[str, Tone]] = {
    "open": ("Open", _W),
    "working": ("In work", _I),
    "waiting": ("Waiting", _N),
    "suppressed": ("Suppressed", _N),
    CaseState.RESOLVED: ("Resolved", _G),
    "closed": ("Closed", _G),
}
QUESTION: Mapping[str, tuple[str, Tone]] = {
    "raised": ("Nobody decided", _W),
    "decided": ("Decided", _I),
    "in-blueprint": ("In the plan", _G),
}
BASKET: Mapping[str, tuple[str, Tone]] = {
    "open": ("Open", _I),
    "decided": ("Decided", _I),
    "settled-with-buyer": ("Settled with buyer", _G),
    "closed": ("Closed", _N),
}
LEG: Mapping[str, tuple[str, Tone]] = {
    "on-hold": ("On hold", _N),
    "awaiting-acceptance": ("Awaiting acceptance", _W),
    "accepted": ("Accepted", _I),
    "part-accepted": ("Partly accepted", _I),
    "refused": ("Refused", _B),
    "expired": ("Expired", _B),
    "awaiting-payment": ("Awaiting payment", _I),
    "to-ship": ("To ship", _I),
    "part-shipped": ("Partly shipped", _I),
    "shipped": ("Shipped", _G),
    "to-collect": ("To collect", _G),
    "delivered": ("Delivered", _G),
    "closed": ("Closed", _N),
    "cancelled": ("Cancelled", _B),
}
FEED: Mapping[str, tuple[str, Tone]] = {
    "arriving": ("Arriving", _N),
    "found": ("Waits to be fetched", _I),
    "kept": ("Waits to be read", _I),
    "reading": ("Being read", _I),
    "applied": ("Applied", _G),
    "same": ("Nothing new", _N),
    "refused": ("Cannot be read", _B),
    "replaced": ("Taken away", _N),
}
DOOR: Mapping[str, str] = {"folder": "Folder", "api": "API", "console": "Console", "command": "Command"}
PROMISE: Mapping[str, tuple[str, Tone]] = {
    "due": ("Running", _I),
    "warned": ("Warned", _W),
    "escalated": ("Escalated", _B),
    "met": ("Kept", _G),
    "met-late": ("Kept late", _W),
    "missed": ("Missed", _B),
    "void": ("No longer needed", _N),
}
MESSAGE: Mapping[str, tuple[str, Tone]] = {
    "new": ("Waiting", _I),
    "decided": ("Decided", _G),
    "ignored": ("Nothing to do", _N),
    "parked": ("Parked", _B),
    "suppressed": ("Suppressed", _N),
    "replaced": ("Replaced", _N),
}
ACTION: Mapping[str, tuple[str, Tone]] = {
    "planned": ("Waiting", _I),
    "sending": ("Being sent", _I),
    "done": ("Done", _G),
    "refused": ("Refused", _B),
    "unknown": ("Unclear result", _W),
    "parked": ("Parked", _B),
    "void": ("No longer wanted", _N),
    "observed": ("Only observed", _N),
    "advised": ("Waits for release", _W),
}
ATTEMPT: Mapping[str, tuple[str, Tone]] = {
    "done": ("Done", _G),
    "later": ("Later", _W),
    "refused": ("Refused", _B),
    "unknown": ("Unclear result", _W),
    "not-there": ("Not found there", _N),
}
STATEMENT: Mapping[str, tuple[str, Tone]] = {
    "announced": ("Announced", _N),
    "fetched": ("Fetched", _N),
    "parsed": ("Read", _I),
    "balanced": ("Adds up", _I),
    "matched": ("Matched", _I),
    "explained": ("Explained", _G),
    "closed": ("Closed", _G),
}
LINE_MATCH: Mapping[str, tuple[str, Tone]] = {
    "open": ("Not matched yet", _N),
    "matched": ("Matched", _G),
    "variance": ("Differs", _B),
}
VARIANCE: Mapping[str, tuple[str, Tone]] = {
    "open": ("Open", _W),
    "accepted": ("Accepted", _G),
    "corrected": ("Corrected", _G),
}
PAYOUT: Mapping[str, tuple[str, Tone]] = {
    "computed": ("Computed", _I),
    "carried-over": ("Carried over", _N),
    "blocked": ("Blocked", _B),
    "proposed": ("Prepared", _I),
    "approved": ("Approved", _I),
    "sent": ("Sent", _I),
    "confirmed": ("Confirmed", _G),
    "bank-matched": ("Matched at the bank", _G),
    "done": ("Done", _G),
    "failed": ("Failed", _B),
}
REFUND: Mapping[str, tuple[str, Tone]] = {
    "awaiting-approval": ("Awaiting approval", _W),
    "sent": ("Sent", _I),
    "cleared": ("Cleared", _I),
    "posted": ("In the books", _G),
    "refused": ("Refused", _B),
    "failed": ("Failed", _B),
    "cancelled": ("Cancelled", _N),
}
RETURN: Mapping[str, tuple[str, Tone]] = {
    "requested": ("Requested", _I),
    "accepted": ("Accepted", _I),
    "refused": ("Refused", _B),
    "in-transit": ("On its way back", _I),
    "received": ("Received", _G),
    "not-received": ("Not received", _B),
    "refunded": ("Refunded", _G),
    "closed-without-refund": ("Closed without refund", _N),
    "cancelled": ("Cancelled", _N),
}
PARCEL: Mapping[str, tuple[str, Tone]] = {
    "planned": ("Planned", _N),
    "handed-over": ("Handed over", _I),
    "in-transit": ("On its way", _I),
    "delivered": ("Delivered", _G),
    "lost": ("Lost", _B),
    "returned": ("Returned", _W),
}
PARCEL_AT_CHANNEL: Mapping[str, tuple[str, Tone]] = {
    "unconfirmed": ("The channel does not know", _W),
    "refused": ("Refused by the channel", _B),
    "confirmed": ("The channel knows", _G),
}
LISTING: Mapping[str, tuple[str, Tone]] = {
    "requested": ("Requested", _N),
    "submitted": ("Submitted", _I),
    "accepted": ("Accepted, not live yet", _I),
    "live": ("Live", _G),
    "issue": ("With issues", _B),
    "suppressed": ("Suppressed", _B),
    "ended": ("Ended", _N),
}
SUBMISSION: Mapping[str, tuple[str, Tone]] = {
    "taken": ("Taken", _I),
    "working": ("Being worked off", _I),
    "done": ("Worked off", _G),
    "failed": ("Failed", _B),
}
DISPUTE: Mapping[str, tuple[str, Tone]] = {
    "open": ("Open", _W),
    "action-needed": ("Waits for our answer", _B),
    "won": ("Won", _G),
    "lost": ("Lost", _B),
    "closed": ("Closed", _N),
}
FLOW: Mapping[str, tuple[str, Tone]] = {
    "running": ("Running", _G),
    "paused": ("Paused", _B),
    "emptying": ("Emptying the queue", _W),
}

MODE: Mapping[str, tuple[str, Tone]] = {
    "act": ("Acts", _G),
    "advise": ("Advises", _W),
    "observe": ("Observes", _N),
}
PLAN_CHANGE: Mapping[str, tuple[str, Tone]] = {
    "first": ("First plan", _N),
    "apply": ("Applied", _G),
    "rollback": ("Rolled back", _W),
}

CAUSE: Mapping[str, str] = {
    "missing-in-books": "Not in our books",
    "missing-in-statement": "Not in their statement",
    "amount-differs": "Amount differs",
    "commission-rate-differs": "Commission rate differs",
    "fee-unknown": "Unknown fee",
    "tax": "Tax",
    "fx": "Exchange rate",
    "duplicate-line": "Line charged twice",
    "timing": "Falls into another period",
    "reserve": "Reserve held back",
    "manual-document": "Manual credit or debit",
    "rounding": "Rounding",
}
OBJECT: Mapping[str, str] = {
    "basket": "Basket",
    "leg": "Seller order",
    "line": "Order line",
    "effect": "Outgoing action",
    "message": "Message",
    "envelope": "Received document",
    "statement": "Statement",
    "statement_line": "Statement line",
    "refund": "Refund",
    "return": "Return",
    "payout": "Payout",
    "seller": "Seller",
    "offer": "Offer",
    "lane": "Queue",
    "flow": "Flow",
    "case": "Case",
    "account": "Account",
    "cause": "Cause",
    "channel": "Channel",
    "shipment": "Parcel",
    "dispute": "Dispute",
    "parcel": "Parcel",
    "listing": "Listing",
    "submission": "Submission",
    "channel-refund": "Refund by a channel",
    "cancellation": "Cancellation asked for",
    "measure": "Account health",
    "stock": "Stock of",
}
PROMISE_KIND: Mapping[str, str] = {
    "acknowledge": "Seller accepts or refuses",
    "ship": "Ship",
    "settle-authorisation": "Charge or release the authorisation",
    "capture": "Charge the buyer",
    "capture-before-expiry": "Charge before the authorisation lapses",
    "authorisation": "Charge before the authorisation lapses",
    "refund": "Refund the buyer",
    "refund-confirmed": "Refund confirmed by everybody",
    "statement-due": "Statement arrives",
    "payout": "Pay the seller out",
    "cancelled-by-channel": "The channel cancels it",
    "answer-dispute": "Answer the dispute",
    "answer-cancellation": "Say whether it can still be cancelled",
}
CHANNEL_DUTY: Mapping[str, str] = {  # of orders of a channel; the seller is ourselves
    "acknowledge": "Acknowledge",
    "ship": "Ship and confirm",
    "cancelled-by-channel": "The channel cancels it",
    "refund-confirmed": "Refund in our books",
}
WITNESS: Mapping[str, str] = {
    "marketplace": "Marketplace",
    "gateway": "Payment gateway",
    "books": "Our books",
    "rate-agreement": "Rate agreement",
    "erp": "ERP",
    "carrier": "Carrier",
    "bank": "Bank",
    "hub": "Entrepot",
}
CASE_EVENT: Mapping[str, tuple[str, Tone]] = {
    "opened": ("Case opened", _W),
    "again": ("Happened again", _W),
    "ours": ("Not only observed any more", Tone.INFO),
    "reopened": ("Case reopened", _W),
    "assign": ("Assigned", _I),
    "note": ("Note", _I),
    "working": ("In work", _I),
    "waiting": ("Waits for somebody", _N),
    "question": ("Asked who owns this", _W),
    "answer": ("Dispute answered", _I),
    "missed": ("The promise was broken", _B),
    "retry": ("Retry asked for", _I),
    "repair": ("Repaired", _I),
    "suppress": ("Suppressed", _N),
    "escalate": ("Escalated", _B),
    "escalated": ("Escalated", _B),
    CaseState.RESOLVED: ("Resolved", _G),
    "closed": ("Closed: the cause is gone", _G),
    "cause-gone": ("Closed: the cause is gone", _G),
}
AUTHOR: Mapping[str, str] = {"marketplace": "marketplace", "gateway": "payment gateway", "bank": "bank"}
CHANNEL: Mapping[str, str] = {
    "webhook": "webhook",
    "page": "fetched page",
    "file": "file",
    "api": "API call",
    "person": "person",
}
# What happened, where the plain name would speak the engine's language; a move is told by the state it led to.
EVENT: Mapping[str, str] = {
    "basket bought": "bought",
    "leg seen": "arrived from the marketplace",
    "leg charged": "charged",
    "line refunded": "refunded",
    "hold released": "authorisation released",
    "leg handed over": "taken by our back office",
    "dispute answered": "answered",
}
LINE_TYPE: Mapping[str, str] = {"unrecognised": "Not recognised"}


def state(table: Mapping[str, tuple[str, Tone]], value: str, theirs: str = "") -> State:
    """Look a state up; one we have no word for is shown as it is, as a warning, never as good news."""
    word, tone = table.get(value, (plain(value), Tone.WARN))
    return State(word, tone, theirs)


def offer_field(name: str) -> str:
    """A field of an offer, as people say it."""
    return {"sku": "SKU", "gtin": "GTIN"}.get(name) or plain(name)


def flow_word(name: str) -> str:
    return plain(name)


def their_order_word(account: str) -> str:
    """What the marketplace of an account calls one of our seller orders."""
    known = {"mirakl": "Mirakl order", "amazon": "Amazon order", "walmart": "Walmart PO", "ebay": "eBay order",
             "channelengine": "ChannelEngine order"}  # fmt: skip
    return next((word for prefix, word in known.items() if account.startswith(prefix)), "Marketplace order")


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) or not text else ".")
