"""The failure modes a plan must own: those the hub opens by name, and those of the trade that its models can meet.

A mode the hub opens and nobody owns would be a failure without an owner: an error. One of the trade that the hub does not
open yet is a warning. To make it an error, move its name up. What the hub opens only where we are the seller is asked for
only there; in a plan of both models such a mode may be told in words of the channel's own, under `channel-` and its name.
"""

from collections.abc import Mapping

OPERATOR, SYNDICATION = "operator", "syndication"

# Every mode that a module of the hub opens by name. A test holds the list against the source.
OPENED = (
    "ack-at-risk",
    "ack-missed",
    "leg-refused",
    "split-incomplete",
    "basket-not-placed",
    "basket-money-mismatch",
    "payment-refused",
    "payment-late",
    "authorisation-lapsing",
    "duplicate-other-content",
    "incompatible-status",
    "gap-found",
    "unknown-word",
    "malformed-message",
    "poison-message",
    "effect-refused",
    "effect-stuck",
    "unknown-outcome",
    "retry-window-over",
    "ship-late",
    "refund-above-leg",
    "refund-unconfirmed",
    "settlement-variance",
    "statement-unbalanced",
    "statement-missing",
    "payout-failed",
    "payout-unconfirmed",
    "chargeback-opened",
    "drain-failing",
    "system-down",
    "credentials-refused",
    "flow-paused-too-long",
    "alert-undelivered",
    "offer-under-floor",
    "offer-above-ceiling",
    "offer-other-currency",
    "ownership-refused",
    "ownership-fight",
    "correction-unanswered",
    "feed-incomplete",
    "feed-unreadable",
    "offer-not-live",
    "offer-not-sent",
    "action-advised",
    "mapping-missing",
    "record-unjoined",
)

# What the flows of the seller's side open besides, by `channels.mode(...)`. The same test holds it against the source.
OPENED_BY_SELLERS = (
    "category-unknown",
    "attribute-missing",
    "offer-rejected",
    "listing-suppressed",
    "listing-not-live",
    "stock-stale",
    "oversold",
    "account-at-risk",
    "unknown-sku",
    "accepted-outside-capacity",
    "erp-refused",
    "tracking-refused",
    "shipped-unconfirmed",
    "evidence-due",
)
TOLD_BY_CHANNEL = "channel-"  # in a plan of both models, before a name that each model tells in words of its own

_OPERATOR_ONLY = (
    "seller-legal-missing seller-tax-missing seller-shipping-missing seller-compliance-missing seller-bank-refused"
    " seller-kyc-refused seller-kyc-expired payout-account-changed vendor-missing unknown-seller"
    " payout-differs payout-returned payout-twice"
)
_BOTH = (
    "category-unknown attribute-missing gtin-invalid gtin-duplicate image-refused brand-refused values-changed"
    " offer-rejected stock-stale oversold live-not-in-storefront in-storefront-not-live listing-suppressed"
    " duplicate-same-content unknown-sku accepted-outside-capacity address-refused"
    " erp-refused booking-unconfirmed partial-too-long shipped-unconfirmed tracking-refused"
    " refund-before-ship refund-twice refund-not-at-gateway refund-never-posted return-without-refund refund-without-return"
    " partial-reversal statement-late statement-reissued line-without-posting posting-without-line"
    " commission-differs fee-unknown fx-residual reserve-unreleased chargeback-wrong-party evidence-due"
    " rate-limit-storm schema-drift backlog-too-old store-at-limit"
)

_SELLER_ONLY = "listing-not-live account-at-risk dispute-answer-due"

# Modes of the trade by the model that can meet them. Modes of the operator's own storefront and gateway are his alone.
TRADE: Mapping[str, tuple[str, ...]] = {
    OPERATOR: (*_OPERATOR_ONLY.split(), *_BOTH.split()),
    SYNDICATION: tuple(
        mode
        for mode in (*_SELLER_ONLY.split(), *_BOTH.split())
        if mode not in ("live-not-in-storefront", "in-storefront-not-live", "refund-not-at-gateway")
    ),
}


def opened(models: frozenset[str]) -> tuple[str, ...]:
    """What the hub opens by name in a plan of these models."""
    return (*OPENED, *(OPENED_BY_SELLERS if SYNDICATION in models else ()))


def of_the_trade(models: frozenset[str]) -> tuple[str, ...]:
    """What the models of a plan can meet and the hub does not open by itself, each once, in order."""
    known = opened(models)
    return tuple(dict.fromkeys(mode for model in sorted(models) for mode in TRADE[model] if mode not in known))
