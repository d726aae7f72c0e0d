"""What others say about money, in canonical words: statements (a billing cycle, a gateway's report) and their lines.

Connectors translate into CycleSeen and StatementLineSeen; nothing here knows a foreign field name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Author(StrEnum):
    """Who wrote the statement. A line is witnessed only by somebody else than its author."""

    MARKETPLACE = "marketplace"
    GATEWAY = "gateway"
    BANK = "bank"


class LineType(StrEnum):
    """Canonical types: for marketplaces the transaction types Mirakl publishes (TL02), for gateways GATEWAY_…."""

    ORDER_AMOUNT = "ORDER_AMOUNT"
    ORDER_AMOUNT_TAX = "ORDER_AMOUNT_TAX"
    ORDER_SHIPPING_AMOUNT = "ORDER_SHIPPING_AMOUNT"
    ORDER_SHIPPING_AMOUNT_TAX = "ORDER_SHIPPING_AMOUNT_TAX"
    ORDER_FEE_AMOUNT = "ORDER_FEE_AMOUNT"
    COMMISSION_FEE = "COMMISSION_FEE"
    COMMISSION_VAT = "COMMISSION_VAT"
    REFUND_ORDER_AMOUNT = "REFUND_ORDER_AMOUNT"
    REFUND_ORDER_AMOUNT_TAX = "REFUND_ORDER_AMOUNT_TAX"
    REFUND_ORDER_SHIPPING_AMOUNT = "REFUND_ORDER_SHIPPING_AMOUNT"
    REFUND_ORDER_SHIPPING_AMOUNT_TAX = "REFUND_ORDER_SHIPPING_AMOUNT_TAX"
    REFUND_ORDER_FEE_AMOUNT = "REFUND_ORDER_FEE_AMOUNT"
    REFUND_COMMISSION_FEE = "REFUND_COMMISSION_FEE"
    REFUND_COMMISSION_VAT = "REFUND_COMMISSION_VAT"
    SUBSCRIPTION_FEE = "SUBSCRIPTION_FEE"
    SUBSCRIPTION_VAT = "SUBSCRIPTION_VAT"
    MANUAL_CREDIT = "MANUAL_CREDIT"
    MANUAL_CREDIT_VAT = "MANUAL_CREDIT_VAT"
    MANUAL_INVOICE = "MANUAL_INVOICE"
    MANUAL_INVOICE_VAT = "MANUAL_INVOICE_VAT"
    INVOICEABLE_ONE_OFF_DEBIT = "INVOICEABLE_ONE_OFF_DEBIT"
    INVOICEABLE_ONE_OFF_DEBIT_TAX = "INVOICEABLE_ONE_OFF_DEBIT_TAX"
    INVOICEABLE_ONE_OFF_CREDIT = "INVOICEABLE_ONE_OFF_CREDIT"
    INVOICEABLE_ONE_OFF_CREDIT_TAX = "INVOICEABLE_ONE_OFF_CREDIT_TAX"
    SELLER_FEE_ON_ORDER = "SELLER_FEE_ON_ORDER"
    SELLER_FEE_ON_ORDER_TAX = "SELLER_FEE_ON_ORDER_TAX"
    SELLER_PENALTY_FEE = "SELLER_PENALTY_FEE"
    SELLER_PENALTY_FEE_TAX = "SELLER_PENALTY_FEE_TAX"
    OPERATOR_REMITTED_ORDER_AMOUNT_TAX = "OPERATOR_REMITTED_ORDER_AMOUNT_TAX"
    OPERATOR_REMITTED_ORDER_SHIPPING_AMOUNT_TAX = "OPERATOR_REMITTED_ORDER_SHIPPING_AMOUNT_TAX"
    OPERATOR_REMITTED_REFUND_ORDER_AMOUNT_TAX = "OPERATOR_REMITTED_REFUND_ORDER_AMOUNT_TAX"
    OPERATOR_REMITTED_REFUND_ORDER_SHIPPING_AMOUNT_TAX = "OPERATOR_REMITTED_REFUND_ORDER_SHIPPING_AMOUNT_TAX"
    OPERATOR_REMITTED_ORDER_FEE_AMOUNT = "OPERATOR_REMITTED_ORDER_FEE_AMOUNT"
    OPERATOR_REMITTED_REFUND_ORDER_FEE_AMOUNT = "OPERATOR_REMITTED_REFUND_ORDER_FEE_AMOUNT"
    OPERATOR_PAID_ORDER_SHIPPING_AMOUNT = "OPERATOR_PAID_ORDER_SHIPPING_AMOUNT"
    OPERATOR_PAID_ORDER_SHIPPING_AMOUNT_TAX = "OPERATOR_PAID_ORDER_SHIPPING_AMOUNT_TAX"
    OPERATOR_PAID_REFUND_ORDER_SHIPPING_AMOUNT = "OPERATOR_PAID_REFUND_ORDER_SHIPPING_AMOUNT"
    OPERATOR_PAID_REFUND_ORDER_SHIPPING_AMOUNT_TAX = "OPERATOR_PAID_REFUND_ORDER_SHIPPING_AMOUNT_TAX"
    PURCHASE_COMMISSION_FEE = "PURCHASE_COMMISSION_FEE"
    PURCHASE_SHIPPING_COMMISSION_FEE = "PURCHASE_SHIPPING_COMMISSION_FEE"
    PURCHASE_FEE_COMMISSION_FEE = "PURCHASE_FEE_COMMISSION_FEE"
    PURCHASE_ORDER_AMOUNT_TAX = "PURCHASE_ORDER_AMOUNT_TAX"
    PURCHASE_ORDER_SHIPPING_AMOUNT_TAX = "PURCHASE_ORDER_SHIPPING_AMOUNT_TAX"
    REFUND_PURCHASE_COMMISSION_FEE = "REFUND_PURCHASE_COMMISSION_FEE"
    REFUND_PURCHASE_SHIPPING_COMMISSION_FEE = "REFUND_PURCHASE_SHIPPING_COMMISSION_FEE"
    REFUND_PURCHASE_FEE_COMMISSION_FEE = "REFUND_PURCHASE_FEE_COMMISSION_FEE"
    REFUND_PURCHASE_ORDER_AMOUNT_TAX = "REFUND_PURCHASE_ORDER_AMOUNT_TAX"
    REFUND_PURCHASE_ORDER_SHIPPING_AMOUNT_TAX = "REFUND_PURCHASE_ORDER_SHIPPING_AMOUNT_TAX"
    RESERVE_FUNDING = "RESERVE_FUNDING"
    RESERVE_SETTLEMENT = "RESERVE_SETTLEMENT"
    PAYMENT = "PAYMENT"

    GATEWAY_CAPTURE = "GATEWAY_CAPTURE"
    GATEWAY_REFUND = "GATEWAY_REFUND"
    GATEWAY_CHARGEBACK = "GATEWAY_CHARGEBACK"
    GATEWAY_CHARGEBACK_REVERSAL = "GATEWAY_CHARGEBACK_REVERSAL"
    GATEWAY_FEE = "GATEWAY_FEE"
    GATEWAY_TRANSFER = "GATEWAY_TRANSFER"
    GATEWAY_PAYOUT = "GATEWAY_PAYOUT"

    UNRECOGNISED = "unrecognised"  # kept, counted and flagged; never dropped


def marketplace_line_type(word: str) -> LineType:
    """A marketplace's own word; what we do not know, or what only a gateway may say, is UNRECOGNISED."""
    known = word in LineType.__members__ and not word.startswith("GATEWAY_")
    return LineType[word] if known else LineType.UNRECOGNISED


def gateway_line_type(word: str) -> LineType:
    """capture, refund, chargeback, chargeback_reversal, fee, transfer, payout; anything else is UNRECOGNISED."""
    return LineType.__members__.get(f"GATEWAY_{word.upper()}", LineType.UNRECOGNISED)


@dataclass(frozen=True, slots=True)
class CycleSeen:
    """A statement as announced: one seller's billing cycle (kind `mirakl-cycle`) or one settlement of a gateway
    (kind `gateway-settlement`).

    Units: minor units of `currency`. `their_total_minor`: what they say is transferred to the seller (marketplace), or
    the net of the settlement (gateway: gross less fees). `operator_minor`: what they say is the operator's share; None
    when they do not say. `line_count`: how many StatementLineSeen belong to it, fee lines included; None when they do
    not say (Mirakl). `voucher`: '' while there is none. `payout_state`: to-pay | paid | failed, '' where it has no
    meaning. `summary`: their own totals by their own names.
    """

    author: Author
    kind: str
    external_id: str
    currency: str
    their_total_minor: int
    announced_at: datetime
    seller_id: str = ""
    voucher: str = ""
    period_from: datetime | None = None
    period_to: datetime | None = None
    operator_minor: int | None = None
    line_count: int | None = None
    payout_state: str = ""
    payout_reference: str = ""
    failure_reason: str = ""
    summary: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatementLineSeen:
    """One line. Units: minor units, signed: credited less debited as the seller sees it (marketplace), or as the
    merchant sees it (gateway).

    `external_id`: their line id, unique per account and author; where lines have none: `<settlement id>:<line_no>`.
    A fee inside a gateway line is a line of its own: same reference, id + `:fee`, type `fee`, GATEWAY_FEE, negative.
    `reference`: the refund's id on refund lines, the document number on manual documents, the voucher on PAYMENT, the
    gateway's operation id (capture, refund, dispute, transfer) on gateway lines, else ''.
    `cycle_id`: external id of its CycleSeen, '' while it is in none. `type`: their word, verbatim. `raw`: as received.
    """

    external_id: str
    type: str
    line_type: LineType
    amount_minor: int
    currency: str
    posted_at: datetime
    cycle_id: str = ""
    voucher: str = ""
    line_no: int = 0
    seller_id: str = ""
    order_id: str = ""
    order_line_id: str = ""
    reference: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
