"""Which flows of a plan this version of the hub runs, and the module that holds each one's story. A test holds it against the code."""

from collections.abc import Mapping

RUNS: Mapping[str, str] = {
    "checkout-check": "checkout_check",
    "order-creation": "order_creation",
    "order-acceptance": "order_acceptance",
    "capture": "charging",
    "offer-publication": "offer_publication",
    "shipment": "shipment",
    "return-refund": "return_refund",
    "incident-dispute": "incident_dispute",
    "settlement": "settlement",
    "payout": "payout",
    "order-intake": "order_intake",
    "fulfilment-confirm": "fulfilment_confirm",
    "listing-offer": "listing_offer",
    "listing-content": "listing_content",
    "cancel-return-refund": "channel_returns",
    "settlement-intake": "settlement_intake",
}
