"""What Amazon's settlement lines mean, where the meaning is ours. Pairs, never a description alone: one word names several things.

None of these words is enumerated by Amazon: what is not here is kept, counted and flagged. Casing varies between sources.
A discount (Promotion) is a negative part of the price or of the shipping, as it is in an order.
"""

from collections.abc import Mapping

from entrepot.money.settlement.model import LineType

ORDER, REFUND = "order", "refund"
KIND_BY_TRANSACTION: Mapping[str, str] = {
    "order": ORDER,
    "refund": REFUND,
    "chargeback refund": REFUND,
    "a-to-z guarantee refund": REFUND,
    "a-to-z guarantee recovery": "",
}

Pair = tuple[str, str]

_SALE: Mapping[Pair, LineType] = {
    ("itemprice", "principal"): LineType.ORDER_AMOUNT,
    ("itemprice", "tax"): LineType.ORDER_AMOUNT_TAX,
    ("itemprice", "shipping"): LineType.ORDER_SHIPPING_AMOUNT,
    ("itemprice", "shippingtax"): LineType.ORDER_SHIPPING_AMOUNT_TAX,
    ("itemprice", "giftwrap"): LineType.ORDER_FEE_AMOUNT,
    ("promotion", "principal"): LineType.ORDER_AMOUNT,
    ("promotion", "shipping"): LineType.ORDER_SHIPPING_AMOUNT,
    ("itemfees", "commission"): LineType.COMMISSION_FEE,
    ("itemfees", "variableclosingfee"): LineType.SELLER_FEE_ON_ORDER,
    ("itemfees", "fixedclosingfee"): LineType.SELLER_FEE_ON_ORDER,
    ("itemfees", "shippingchargeback"): LineType.SELLER_FEE_ON_ORDER,
    ("itemfees", "giftwrapchargeback"): LineType.SELLER_FEE_ON_ORDER,
    ("itemfees", "fbaperunitfulfillmentfee"): LineType.SELLER_FEE_ON_ORDER,
    ("itemwithheldtax", "marketplacefacilitatortax-principal"): LineType.OPERATOR_REMITTED_ORDER_AMOUNT_TAX,
    ("itemwithheldtax", "marketplacefacilitatortax-shipping"): LineType.OPERATOR_REMITTED_ORDER_SHIPPING_AMOUNT_TAX,
}

_BACK: Mapping[Pair, LineType] = {
    ("itemprice", "principal"): LineType.REFUND_ORDER_AMOUNT,
    ("itemprice", "tax"): LineType.REFUND_ORDER_AMOUNT_TAX,
    ("itemprice", "shipping"): LineType.REFUND_ORDER_SHIPPING_AMOUNT,
    ("itemprice", "shippingtax"): LineType.REFUND_ORDER_SHIPPING_AMOUNT_TAX,
    ("itemprice", "giftwrap"): LineType.REFUND_ORDER_FEE_AMOUNT,
    ("itemprice", "goodwill"): LineType.REFUND_ORDER_AMOUNT,
    ("promotion", "principal"): LineType.REFUND_ORDER_AMOUNT,
    ("promotion", "shipping"): LineType.REFUND_ORDER_SHIPPING_AMOUNT,
    ("itemfees", "commission"): LineType.REFUND_COMMISSION_FEE,
    ("itemfees", "refundcommission"): LineType.SELLER_FEE_ON_ORDER,  # what they keep of the commission
    ("itemwithheldtax", "marketplacefacilitatortax-principal"): LineType.OPERATOR_REMITTED_REFUND_ORDER_AMOUNT_TAX,
    (
        "itemwithheldtax",
        "marketplacefacilitatortax-shipping",
    ): LineType.OPERATOR_REMITTED_REFUND_ORDER_SHIPPING_AMOUNT_TAX,
}

_OTHER: Mapping[Pair, LineType] = {
    ("other-transaction", "current reserve amount"): LineType.RESERVE_FUNDING,
    ("other-transaction", "previous reserve amount balance"): LineType.RESERVE_SETTLEMENT,
    ("other-transaction", "subscription fee"): LineType.SUBSCRIPTION_FEE,
}


def line_type(transaction_type: str, amount_type: str, description: str) -> LineType:
    pair = (amount_type.strip().lower(), description.strip().lower())
    kind = KIND_BY_TRANSACTION.get(transaction_type.strip().lower(), "")
    table = {ORDER: _SALE, REFUND: _BACK}.get(kind, _OTHER)
    return table.get(pair) or _OTHER.get(pair) or LineType.UNRECOGNISED


def is_refund(transaction_type: str) -> bool:
    return KIND_BY_TRANSACTION.get(transaction_type.strip().lower()) == REFUND
