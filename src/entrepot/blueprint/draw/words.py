"""People's words for the plan's own: objects, parties, failure modes, flows."""

from collections.abc import Mapping
from datetime import timedelta

OBJECT_WORDS: Mapping[str, str] = {
    "seller-catalog": "Seller’s catalog",
    "leg": "Seller order",
    "line": "Order line",
    "line-routing": "Routing of a line",
    "stock-pool": "Stock pool",
    "shipment": "Parcel",
    "seller-refund": "Refund by the seller",
    "rate-agreement": "Rate agreement",
    "settlement": "Settlement of a cycle",
    "tax-document": "Tax document",
}
PARTY_WORDS: Mapping[str, str] = {
    "customer-care": "Customer care",
    "pim": "PIM",
    "erp": "ERP",
    "oms": "OMS",
    "hub": "Entrepot",
}
MODE_WORDS: Mapping[str, str] = {
    "leg": "seller order",
    "ack": "acknowledgement",
    "kyc": "identity check",
    "fx": "exchange rate",
}
PATTERN_WORDS: Mapping[str, str] = {"direct-api": "Direct API", "ipaas": "iPaaS"}
LATENCY_WORDS: Mapping[str, str] = {
    "checkout-blocking": "buyer waits",
    "near-real-time": "minutes",
    "same-day-operational": "hours",
    "next-cycle-enrichment": "daily",
    "finance-close": "by billing cycle",
}
FALLBACK_WORDS: Mapping[str, str] = {
    "hold-last-known": "the last known value goes on counting",
    "stop-selling": "selling stops",
    "park": "what depends on it waits for a person",
}
NO_DATA = "no data yet"


def plain(name: str) -> str:
    """`commission-rate-differs` → `Commission rate differs`."""
    text = name.replace("-", " ").replace("_", " ").replace(".", ": ").strip()
    return text[:1].upper() + text[1:]


def mode_word(mode: str) -> str:
    """`leg-refused` → `Seller order refused`."""
    text = " ".join(MODE_WORDS.get(part, part) for part in mode.split("-"))
    return text[:1].upper() + text[1:]


def object_word(name: str) -> str:
    return OBJECT_WORDS.get(name, plain(name))


def pattern_word(pattern: str) -> str:
    return PATTERN_WORDS.get(pattern, plain(pattern))


def party_word(actor: str) -> str:
    """`erp@sap-eu` → `ERP (sap-eu)`."""
    party, _, system = actor.partition("@")
    word = PARTY_WORDS.get(party, plain(party))
    return f"{word} ({system})" if system else word


def fallback_word(fallback: str) -> str:
    kind, _, actor = fallback.partition(":")
    return f"the value of {party_word(actor)} is used" if kind == "use" else FALLBACK_WORDS.get(fallback, fallback)


def span_word(time: timedelta) -> str:
    """`30 s`, `10 min`, `1 h 30 min`, `5 d`."""
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"), (seconds, "s"))
    return " ".join([f"{n} {unit}" for n, unit in parts if n][:2]) or "0 s"


def listed(words: list[str] | tuple[str, ...], none: str = "nobody") -> str:
    return ", ".join(words) or none
