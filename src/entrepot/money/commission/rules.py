"""The arithmetic of commission on one line: fee and tax are rounded separately, once each, per line."""

from entrepot.kernel.money import RATE_SCALE, divide
from entrepot.money.commission.model import Base, Commission, RateAgreement


def compute(
    agreement: RateAgreement, *, order_line_id: str, category: str, item_minor: int, shipping_minor: int
) -> Commission:
    """What should be charged for one accepted line.

    Units: minor units; item is the price of the whole line. Source: commission tax = commission x the tax rate,
    rounded per line (design of money, facts about Mirakl).
    """
    rate = agreement.rate_for(category)
    base = item_minor + (shipping_minor if agreement.base is Base.ITEM_AND_SHIPPING else 0)
    fee = divide(base * rate, RATE_SCALE, agreement.rounding)
    tax = divide(fee * agreement.tax_rate_per_100k, RATE_SCALE, agreement.rounding)
    return Commission(order_line_id, fee, tax, rate, base)


def compute_return(
    agreement: RateAgreement,
    *,
    order_line_id: str,
    category: str,
    refund_id: str,
    item_minor: int,
    shipping_minor: int,
    refunded_item_minor: int,
    refunded_shipping_minor: int,
    before_item_minor: int = 0,
    before_shipping_minor: int = 0,
) -> Commission:
    """What comes back to the seller for one refund of a line: what was due before it, less what is due after it.

    Shape: item and shipping as debited; `refunded_…` this refund; `before_…` all earlier refunds of the line. By
    subtraction, so the returns of a line refunded in any number of parts add up to its commission exactly.
    """

    def due(item_back: int, shipping_back: int) -> Commission:
        return compute(
            agreement,
            order_line_id=order_line_id,
            category=category,
            item_minor=item_minor - item_back,
            shipping_minor=shipping_minor - shipping_back,
        )

    earlier = due(before_item_minor, before_shipping_minor)
    later = due(before_item_minor + refunded_item_minor, before_shipping_minor + refunded_shipping_minor)
    return Commission(
        order_line_id=order_line_id,
        fee_minor=earlier.fee_minor - later.fee_minor if agreement.returned_on_refund else 0,
        tax_minor=earlier.tax_minor - later.tax_minor if agreement.returned_on_refund else 0,
        rate_per_100k=earlier.rate_per_100k,
        base_minor=earlier.base_minor - later.base_minor,
        reference=refund_id,
    )
