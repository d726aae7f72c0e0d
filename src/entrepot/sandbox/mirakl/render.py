"""Orders, refunds and cancelations as the wire shows them."""

from decimal import Decimal
from typing import Any, Final

from entrepot.sandbox.mirakl import shapes
from entrepot.sandbox.mirakl.money import major
from entrepot.sandbox.mirakl.state import Cancelation, Line, Order, Refund, rate
from entrepot.sandbox.mirakl.wire import Raw, encode, maybe, stamp

COMMISSION_TAX_CODE: Final = "TAXDEFAULT"
PAID_STATES: Final = frozenset({"SHIPPING", "SHIPPED", "TO_COLLECT", "RECEIVED"})
LABELS: Final = {"STD": "Standard delivery", "EXP": "Express delivery", "FR": "France"}


def order_json(order: Order) -> Raw:
    """One order, encoded once per change."""
    if order.rendered is None:
        order.rendered = Raw(encode(order_dict(order)))
    rendered: Raw = order.rendered
    return rendered


def order_json_for_seller(order: Order) -> dict[str, Any]:
    """As a shop's own key sees it: the published list, which does not name the shop."""
    return {name: value for name, value in order_dict(order).items() if name not in ("shop_id", "shop_name")}


def order_dict(order: Order) -> dict[str, Any]:
    """One order with every documented key. Totals count the lines that are alive: a refused order reads as 0."""
    currency = order.currency
    live = [line for line in order.lines.values() if line.live]
    price = sum(line.price_minor - sum(c.amount_minor for c in line.cancelations) for line in live)
    shipping = sum(line.shipping_minor - sum(c.shipping_minor for c in line.cancelations) for line in live)
    commission = sum(line.commission_minor + line.commission_tax_minor for line in live)
    return {
        **shapes.ORDER,
        "acceptance_decision_date": maybe(order.decided_at),
        "can_cancel": order.debit != "DEBITED"
        and order.state in ("STAGING", "WAITING_ACCEPTANCE", "WAITING_DEBIT", "WAITING_DEBIT_PAYMENT", "SHIPPING"),
        "can_shop_ship": order.state == "SHIPPING",
        "channel": {"code": order.channel, "label": order.channel} if order.channel else None,
        "commercial_id": order.commercial_id,
        "created_date": stamp(order.created_at),
        "currency_iso_code": currency,
        "customer": order.customer,
        "customer_debited_date": maybe(order.debited_at),
        "customer_directly_pays_seller": False,
        "fulfillment": {"center": {"code": order.fulfillment_center}},
        "fully_refunded": order.fully_refunded,
        "has_customer_message": False,
        "has_incident": order.has_incident,
        "has_invoice": False,
        "last_updated_date": stamp(order.updated_at),
        "leadtime_to_ship": order.lead_time_days,
        "order_id": order.order_id,
        "order_lines": [line_dict(order, line) for line in order.lines.values()],
        "order_refunds": [
            {"order_refund_id": refund_id, "taxes": []}
            for refund_id in dict.fromkeys(r.order_refund_id for line in order.lines.values() for r in line.refunds)
        ],
        "order_state": order.state,
        "shop_id": order.shop_id,  # operator and front keys: seen in running connectors, not in the sellers' public list
        "shop_name": order.shop_name,
        "order_state_reason_code": order.reason_code,
        "order_state_reason_label": order.reason_label,
        "order_tax_mode": "TAX_INCLUDED",
        "paymentType": order.payment_type,
        "payment_type": order.payment_type,
        "payment_workflow": order.payment_workflow,
        "price": major(price, currency),
        "promotions": {"applied_promotions": [], "total_deduced_amount": 0},
        "references": {
            "order_reference_for_customer": order.reference_for_customer,
            "order_reference_for_seller": order.reference_for_seller,
        },
        "shipping_carrier_code": order.carrier_code,
        "shipping_carrier_standard_code": order.carrier_standard_code,
        "shipping_company": order.carrier_name,
        "shipping_deadline": maybe(order.shipping_deadline),
        "shipping_price": major(shipping, currency),
        "shipping_tracking": order.tracking,
        "shipping_tracking_url": order.carrier_url,
        "shipping_type_code": order.shipping_type,
        "shipping_type_label": LABELS.get(order.shipping_type, order.shipping_type),
        "shipping_zone_code": order.shipping_zone,
        "shipping_zone_label": LABELS.get(order.shipping_zone, order.shipping_zone),
        "total_commission": major(commission, currency),
        "total_price": major(price + shipping, currency),
        "transaction_date": order.transaction_at,
        "transaction_number": order.transaction_number,
    }


def line_dict(order: Order, line: Line) -> dict[str, Any]:
    """One order line with every documented key."""
    currency = order.currency
    offer = line.offer
    tax_percent = rate(line.tax_rate_per_100k)
    commission, tax = major(line.commission_minor, currency), major(line.commission_tax_minor, currency)
    return {
        **shapes.ORDER_LINE,
        "can_refund": may_refund(order, line),
        "cancelations": [cancelation_dict(c, currency) for c in line.cancelations],
        "category_code": offer.category_code,
        "category_label": offer.category_label,
        "commission_fee": commission,
        "commission_rate_vat": tax_percent,
        "commission_taxes": [{"amount": tax, "code": COMMISSION_TAX_CODE, "rate": tax_percent}],
        "commission_vat": tax,
        "created_date": stamp(line.created_at),
        "debited_date": maybe(line.debited_at),
        "description": offer.description,
        "last_updated_date": stamp(line.updated_at),
        "offer_id": offer.offer_id,
        "offer_sku": offer.shop_sku,
        "offer_state_code": offer.state_code,
        "order_line_additional_fields": line.additional_fields,
        "order_line_id": line.line_id,
        "order_line_index": line.index,
        "order_line_state": "INCIDENT_OPEN" if line.incident_reason is not None else line.state,
        "order_line_state_reason_code": line.incident_reason or line.reason_code,
        "origin_unit_price": major(line.price_unit_minor, currency),
        "price": major(line.price_minor, currency),
        "price_amount_breakdown": _breakdown(line.price_minor, currency),
        "price_unit": major(line.price_unit_minor, currency),
        "product_sku": offer.product_sku,
        "product_shop_sku": offer.shop_sku,
        "product_title": offer.title,
        "quantity": line.quantity,
        "received_date": maybe(line.received_at),
        "refunds": [refund_dict(refund, currency) for refund in line.refunds],
        "shipped_date": maybe(line.shipped_at),
        "shipping_price": major(line.shipping_minor, currency),
        "shipping_price_amount_breakdown": _breakdown(line.shipping_minor, currency),
        "total_commission": commission + tax,
        "total_price": major(line.total_minor, currency),
    }


def refund_dict(refund: Refund, currency: str) -> dict[str, Any]:
    """One refund of a line with every documented key. `state` is the older field and lacks the newest word."""
    tax = major(refund.commission_tax_minor, currency)
    return {
        **shapes.REFUND,
        "amount": major(refund.amount_minor, currency),
        "amount_breakdown": _breakdown(refund.amount_minor, currency),
        "commission_amount": major(refund.commission_minor, currency),
        "commission_tax_amount": tax,
        "commission_taxes": [{"amount": tax, "code": COMMISSION_TAX_CODE}],
        "commission_total_amount": major(refund.commission_minor, currency) + tax,
        "created_date": stamp(refund.created_at),
        "id": refund.refund_id,
        "order_refund_id": refund.order_refund_id,
        "quantity": refund.quantity,
        "reason_code": refund.reason_code,
        "refund_state": refund.state,
        "shipping_amount": major(refund.shipping_minor, currency),
        "shipping_amount_breakdown": _breakdown(refund.shipping_minor, currency),
        "state": refund.state,
        "transaction_date": refund.transaction_at,
        "transaction_number": refund.transaction_number,
    }


def cancelation_dict(cancelation: Cancelation, currency: str) -> dict[str, Any]:
    """One cancelation of a line with every documented key."""
    tax = major(cancelation.commission_tax_minor, currency)
    return {
        **shapes.CANCELATION,
        "amount": major(cancelation.amount_minor, currency),
        "amount_breakdown": _breakdown(cancelation.amount_minor, currency),
        "commission_amount": major(cancelation.commission_minor, currency),
        "commission_taxes": [{"amount": tax, "code": COMMISSION_TAX_CODE}],
        "commission_total_amount": major(cancelation.commission_minor, currency) + tax,
        "created_date": stamp(cancelation.created_at),
        "id": cancelation.cancelation_id,
        "quantity": cancelation.quantity,
        "reason_code": cancelation.reason_code,
        "shipping_amount": major(cancelation.shipping_minor, currency),
        "shipping_amount_breakdown": _breakdown(cancelation.shipping_minor, currency),
    }


def may_refund(order: Order, line: Line) -> bool:
    """A paid line of an order that is not over, with something left of it."""
    return (
        order.debit == "DEBITED" and order.state in PAID_STATES and line.live and line.refunded_minor < line.owed_minor
    )


def _breakdown(minor: int, currency: str) -> dict[str, Any]:
    amount: Decimal = major(minor, currency)
    part = {"amount": amount, "commissionable": True, "debitable_from_customer": True, "payable_to_shop": True}
    return {"parts": [part]}


def customer_dict(given: dict[str, Any]) -> dict[str, Any]:
    """The customer a basket came with, with every documented key."""
    customer = {**shapes.CUSTOMER, **{key: given.get(key) for key in shapes.CUSTOMER if key in given}}
    shipping = given.get("shipping_address") or {}
    billing = given.get("billing_address") or shipping
    customer["shipping_address"] = {key: shipping.get(key) for key in shapes.SHIPPING_ADDRESS}
    customer["billing_address"] = {key: billing.get(key) for key in shapes.ADDRESS}
    for key in ("accounting_contact", "delivery_contact", "organization"):
        customer[key] = None
    return customer
