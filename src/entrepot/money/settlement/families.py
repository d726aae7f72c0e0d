"""What kinds of lines mean together: the steps from gross sales to payout, and what the operator keeps."""

from collections.abc import Mapping
from enum import StrEnum

from entrepot.money.settlement.model import LineType


class Family(StrEnum):
    """One step of the waterfall, in the order it is drawn."""

    SALES = "sales"
    COMMISSION = "commission"
    REFUNDS = "refunds"
    COMMISSION_RETURNED = "commission-returned"
    FEES = "fees"
    DOCUMENTS = "documents"
    OPERATOR_PAID = "operator-paid"
    OPERATOR_REMITTED = "operator-remitted"
    PURCHASES = "purchases"
    RESERVE = "reserve"
    CAPTURES = "captures"
    CHARGEBACKS = "chargebacks"
    TRANSFERS = "transfers"
    PAYMENT = "payment"
    UNRECOGNISED = "unrecognised"


_PREFIXES: tuple[tuple[str, Family], ...] = (  # the first that fits
    ("OPERATOR_REMITTED_", Family.OPERATOR_REMITTED),
    ("OPERATOR_PAID_", Family.OPERATOR_PAID),
    ("REFUND_PURCHASE_", Family.PURCHASES),
    ("PURCHASE_", Family.PURCHASES),
    ("REFUND_COMMISSION_", Family.COMMISSION_RETURNED),
    ("REFUND_", Family.REFUNDS),
    ("ORDER_", Family.SALES),
    ("COMMISSION_", Family.COMMISSION),
    ("SUBSCRIPTION_", Family.FEES),
    ("SELLER_", Family.FEES),
    ("MANUAL_", Family.DOCUMENTS),
    ("INVOICEABLE_", Family.DOCUMENTS),
    ("RESERVE_", Family.RESERVE),
    ("PAYMENT", Family.PAYMENT),
    ("GATEWAY_CAPTURE", Family.CAPTURES),
    ("GATEWAY_REFUND", Family.REFUNDS),
    ("GATEWAY_CHARGEBACK", Family.CHARGEBACKS),
    ("GATEWAY_FEE", Family.FEES),
    ("GATEWAY_TRANSFER", Family.TRANSFERS),
    ("GATEWAY_PAYOUT", Family.TRANSFERS),
)


def _family(line_type: LineType) -> Family:
    return next((family for prefix, family in _PREFIXES if line_type.startswith(prefix)), Family.UNRECOGNISED)


FAMILY: Mapping[LineType, Family] = {line_type: _family(line_type) for line_type in LineType}

TAXES = frozenset(
    {line_type for line_type in LineType if line_type.endswith(("_TAX", "_VAT"))}
    | {line_type for line_type, family in FAMILY.items() if family is Family.OPERATOR_REMITTED}
)

# What the operator keeps of a billing cycle, negated: every line that is neither a sale, a refund of one, a reserve nor
# the payment itself. Source: design of money, "operator share of a billing cycle".
OPERATOR_SHARE = frozenset(
    {
        Family.COMMISSION,
        Family.COMMISSION_RETURNED,
        Family.FEES,
        Family.DOCUMENTS,
        Family.OPERATOR_PAID,
        Family.OPERATOR_REMITTED,
    }
)
