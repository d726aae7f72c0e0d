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
}
