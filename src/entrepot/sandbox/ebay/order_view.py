"""An order as the Fulfillment interface shows it: every documented key, null when empty."""

from typing import Any, Final

from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.state import CHANNEL, Cancellation, Line, Order, Refund
from entrepot.sandbox.ebay.wire import maybe, order_amount, stamp

FULFILLMENT_PATH: Final = "/sell/fulfillment/v1"
CANCEL_REQUEST_STATE: Final = {"CANCEL_REQUESTED": "REQUESTED", "CANCEL_REJECTED": "REJECTED"}


class OrderView:
    """Renders orders."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def order(self, order: Order, *, alone: bool) -> dict[str, Any]:
        """One order. `alone`: as getOrder shows it; getOrders always leaves the list of cancel requests empty."""
        settings = self._market.settings
        fee = sum(line.fee_minor + line.order_fee_minor for line in order.lines.values())
        base = f"{settings.base_url}{FULFILLMENT_PATH}/order/{order.order_id}/shipping_fulfillment"
        return {
            "orderId": order.order_id,
            "creationDate": stamp(order.placed_at),
            "lastModifiedDate": stamp(order.modified_at),
            "orderFulfillmentStatus": order.fulfillment,
            "orderPaymentStatus": order.payment,
            "sellerId": settings.seller,
            "buyer": self._buyer(order),
            "buyerCheckoutNotes": None,
            "pricingSummary": self._pricing(order),
            "cancelStatus": _cancel_status(order, alone),
            "paymentSummary": self._payments(order),
            "fulfillmentStartInstructions": [self._instructions(order)],
            "fulfillmentHrefs": [f"{base}/{shipment.key}" for shipment in order.shipments],
            "lineItems": [self._line(order, line) for line in order.lines.values()],
            "ebayCollectAndRemitTax": any(line.tax_minor for line in order.lines.values()),
            "salesRecordReference": order.record,
            "totalFeeBasisAmount": order_amount(order.gross_minor, order.currency),
            "totalMarketplaceFee": order_amount(fee if order.paid_at else 0, order.currency),
            "program": _program(order),
        }

    # -- people and places -----------------------------------------------------------------------------------------

    def _address(self, order: Order) -> dict[str, Any]:
        number = int(order.record) % 97 + 1
        return {
            "addressLine1": f"{number} Quay Street",
            "addressLine2": None,
            "city": "Hamburg",
            "stateOrProvince": None,
            "postalCode": f"{20000 + number}",
            "countryCode": self._market.settings.country,
            "county": None,
        }

    def _contact(self, order: Order) -> dict[str, Any]:
        return {
            "fullName": order.buyer.replace("_", " ").title(),
            "companyName": None,
            "contactAddress": self._address(order),
            "email": f"{order.buyer}@members.ebay.example",
            "primaryPhone": {"phoneNumber": "040 555 0100"},
        }

    def _buyer(self, order: Order) -> dict[str, Any]:
        address = self._address(order)
        return {
            "username": order.buyer,
            "taxAddress": {key: address[key] for key in ("city", "stateOrProvince", "postalCode", "countryCode")},
            "taxIdentifier": None,
            "buyerRegistrationAddress": self._contact(order),
        }

    def _instructions(self, order: Order) -> dict[str, Any]:
        earliest, latest = self._delivery(order)
        return {
            "appointment": None,
            "ebaySupportedFulfillment": order.fulfilled_by == CHANNEL,
            "finalDestinationAddress": None,
            "fulfillmentInstructionsType": "SHIP_TO",
            "minEstimatedDeliveryDate": earliest,
            "maxEstimatedDeliveryDate": latest,
            "pickupStep": None,
            "shippingStep": {
                "shipTo": self._contact(order),
                "shippingCarrierCode": "DHL",
                "shippingServiceCode": "DE_DHLPaket",
                "shipToReferenceId": None,
            },
        }

    def _delivery(self, order: Order) -> tuple[str | None, str | None]:
        if order.ship_by is None:
            return None, None
        settings = self._market.settings
        return stamp(order.ship_by + settings.delivery_min), stamp(order.ship_by + settings.delivery_max)

    # -- money -----------------------------------------------------------------------------------------------------

    def _pricing(self, order: Order) -> dict[str, Any]:
        goods = sum(line.cost_minor for line in order.lines.values())
        delivery = sum(line.shipping_minor for line in order.lines.values())
        return {
            "priceSubtotal": order_amount(goods, order.currency),
            "deliveryCost": order_amount(delivery, order.currency),
            "deliveryDiscount": None,
            "priceDiscount": None,
            "adjustment": None,
            "fee": None,
            "tax": None,
            "total": order_amount(goods + delivery, order.currency),
        }

    def _payments(self, order: Order) -> dict[str, Any]:
        status = "PAID" if order.paid_at else ("FAILED" if order.cancelled_at else "PENDING")
        payment: dict[str, Any] = {
            "paymentMethod": "EBAY",
            "paymentReferenceId": order.order_id if order.paid_at else None,
            "paymentDate": maybe(order.paid_at),
            "paymentStatus": status,
            "paymentHolds": [],
            "amount": order_amount(order.gross_minor, order.currency),
        }
        return {
            "totalDueSeller": self._due(order),
            "payments": [payment],
            "refunds": [_refund(refund, order) for refund in order.refunds],
        }

    def _due(self, order: Order) -> dict[str, Any] | None:
        """What the seller gets after fees, in his payout currency, and from what it was converted."""
        settings = self._market.settings
        booked = self._market.transactions_by_order.get(order.order_id, [])
        kept = [one for one in booked if one.kind in ("SALE", "REFUND")]
        paid = sum(one.signed_paid_minor for one in kept)
        net = sum(one.net_minor if one.entry == "CREDIT" else -one.net_minor for one in kept)
        due = order_amount(paid, settings.paid_in)
        if due is not None and settings.paid_in != settings.currency:
            source = order_amount(net, settings.currency)
            assert source is not None
            due["convertedFromCurrency"], due["convertedFromValue"] = source["currency"], source["value"]
        return due

    # -- lines -----------------------------------------------------------------------------------------------------

    def _line(self, order: Order, line: Line) -> dict[str, Any]:
        settings, currency = self._market.settings, order.currency
        earliest, latest = self._delivery(order)
        shipped = line.shipped >= line.quantity
        status = "FULFILLED" if shipped else ("IN_PROGRESS" if line.shipped else "NOT_STARTED")
        return {
            "lineItemId": line.line_id,
            "legacyItemId": line.offer.listing_id,
            "legacyVariationId": None,
            "variationAspects": [],
            "sku": line.offer.sku,
            "title": line.title,
            "lineItemCost": order_amount(line.cost_minor, currency),
            "discountedLineItemCost": None,
            "quantity": line.quantity,
            "soldFormat": "FIXED_PRICE",
            "listingMarketplaceId": settings.marketplace,
            "purchaseMarketplaceId": settings.marketplace,
            "lineItemFulfillmentStatus": status,
            "total": order_amount(line.gross_minor, currency),
            "deliveryCost": {
                "shippingCost": order_amount(line.shipping_minor, currency),
                "discountAmount": None,
                "handlingCost": None,
                "importCharges": None,
                "shippingIntermediationFee": None,
            },
            "appliedPromotions": [],
            "taxes": [],
            "ebayCollectAndRemitTaxes": _collected(line, currency),
            "ebayCollectedCharges": None,
            "giftDetails": None,
            "itemLocation": {"countryCode": settings.country, "location": "Hamburg", "postalCode": "20457"},
            "properties": {"buyerProtection": True, "fromBestOffer": False, "soldViaAdCampaign": False},
            "lineItemFulfillmentInstructions": {
                "shipByDate": maybe(order.ship_by),
                "minEstimatedDeliveryDate": earliest,
                "maxEstimatedDeliveryDate": latest,
                "guaranteedDelivery": False,
            },
            "compatibilityProperties": [],
            "linkedOrderLineItems": [],
            "refunds": [
                {
                    "amount": order_amount(refund.parts[line.line_id], currency),
                    "refundDate": stamp(refund.at),
                    "refundId": refund.refund_id,
                    "refundReferenceId": None,
                }
                for refund in order.refunds
                if line.line_id in refund.parts
            ],
        }


def _collected(line: Line, currency: str) -> list[dict[str, Any]]:
    if not line.tax_minor:
        return []
    return [
        {
            "taxType": "STATE_SALES_TAX",
            "amount": order_amount(line.tax_minor, currency),
            "collectionMethod": "NET",
            "ebayReference": None,
        }
    ]


def _refund(refund: Refund, order: Order) -> dict[str, Any]:
    return {
        "refundId": refund.refund_id,
        "refundDate": stamp(refund.at),
        "refundReferenceId": None,
        "refundStatus": refund.status,
        "amount": order_amount(refund.total_minor, order.currency),
    }


def _program(order: Order) -> dict[str, Any] | None:
    if order.fulfilled_by != CHANNEL:
        return None
    return {
        "authenticityVerification": None,
        "ebayShipping": None,
        "ebayVault": None,
        "ebayInternationalShipping": None,
        "fulfillmentProgram": {"fulfilledBy": "EBAY"},
    }


def _cancel_status(order: Order, alone: bool) -> dict[str, Any]:
    state = "NONE_REQUESTED"
    if order.cancelled_at is not None:
        state = "CANCELED"
    elif any(one.closed_at is None for one in order.cancellations):
        state = "IN_PROGRESS"
    return {
        "cancelState": state,
        "cancelledDate": maybe(order.cancelled_at),
        "cancelRequests": [_cancel_request(one) for one in order.cancellations] if alone else [],
    }


def _cancel_request(one: Cancellation) -> dict[str, Any]:
    rejected = one.status == "CANCEL_REJECTED"
    return {
        "cancelRequestId": one.cancel_id,
        "cancelInitiator": "BUYER" if one.requestor == "buyer" else "SELLER",
        "cancelReason": one.reason,
        "cancelRequestedDate": stamp(one.at),
        "cancelCompletedDate": None if rejected else maybe(one.closed_at),
        "cancelRequestState": CANCEL_REQUEST_STATE.get(one.status, "COMPLETED"),
    }
