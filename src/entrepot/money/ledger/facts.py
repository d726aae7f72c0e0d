"""The fact table: every business fact that moves money, and which accounts it debits and credits. Data, not code.

How to read a row: `dr(account, "item", …)` debits the amount named item, one posting per order line; `whole` puts the
sum over all lines into one posting; several names are added up. `answers` is the statement line this posting will be
compared with, and `witness` is who vouches for it besides that statement's author: the gateway's captures and refunds
carry the marketplace (it asked for exactly this amount), a seller's order amounts carry the gateway (it took the
money), commissions carry the agreed rate. A fact only its statement's author knows carries that author, and stays
unwitnessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from entrepot.money.ledger.chart import LedgerAccount as A
from entrepot.money.ledger.model import Witness as W
from entrepot.money.settlement.model import LineType as L


class Book(StrEnum):
    """Whose statement lists the fact: which of our accounts its journal names."""

    MARKETPLACE = "marketplace"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Rule:
    ledger_account: A
    side: int  # +1 debit, -1 credit
    amounts: tuple[str, ...]
    witness: W
    answers: L | None
    whole: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """`signed`: amounts may be negative (corrections in either direction); elsewhere a negative amount is our bug."""

    name: str
    book: Book
    story: str
    rules: tuple[Rule, ...]
    signed: bool = False

    @property
    def amounts(self) -> frozenset[str]:
        return frozenset(name for rule in self.rules for name in rule.amounts)


def dr(account: A, *amounts: str, witness: W, answers: L | None = None, whole: bool = False) -> Rule:
    return Rule(account, 1, amounts, witness, answers, whole)


def cr(account: A, *amounts: str, witness: W, answers: L | None = None, whole: bool = False) -> Rule:
    return Rule(account, -1, amounts, witness, answers, whole)


ITEM, SHIPPING, ITEM_TAX, SHIPPING_TAX = "item", "shipping", "item_tax", "shipping_tax"
FEE, TAX, AMOUNT = "fee", "tax", "amount"


def _chargeback_lost(by: str, account: A, story: str, answers: L | None = None) -> Fact:
    return Fact(f"chargeback-lost-{by}", Book.MARKETPLACE, story, (
        dr(account, AMOUNT, witness=W.GATEWAY, answers=answers),
        cr(A.CHARGEBACK_SUSPENSE, AMOUNT, witness=W.GATEWAY),
    ))  # fmt: skip


def _accepted(name: str, counter: A, story: str) -> Fact:
    """A difference to the seller's statement, accepted: positive amounts give the seller more than our books said."""
    return Fact(name, Book.MARKETPLACE, story, (
        dr(counter, AMOUNT, witness=W.MARKETPLACE),
        cr(A.SELLER_PAYABLE, AMOUNT, witness=W.MARKETPLACE),
    ), signed=True)  # fmt: skip


_TABLE = (
    Fact("basket-captured", Book.GATEWAY, "The gateway took the buyer's money for the accepted part of a basket.", (
        dr(A.GATEWAY_CLEARING, AMOUNT, witness=W.MARKETPLACE, answers=L.GATEWAY_CAPTURE),
        cr(A.BUYER_CLEARING, AMOUNT, witness=W.GATEWAY),
    )),
    Fact("leg-debited", Book.MARKETPLACE, "The buyer's money for one leg is assigned to its seller, line by line.", (
        dr(A.BUYER_CLEARING, ITEM, SHIPPING, ITEM_TAX, SHIPPING_TAX, witness=W.GATEWAY, whole=True),
        cr(A.SELLER_PAYABLE, ITEM, witness=W.GATEWAY, answers=L.ORDER_AMOUNT),
        cr(A.SELLER_PAYABLE, SHIPPING, witness=W.GATEWAY, answers=L.ORDER_SHIPPING_AMOUNT),
        cr(A.SELLER_PAYABLE, ITEM_TAX, witness=W.GATEWAY, answers=L.ORDER_AMOUNT_TAX),
        cr(A.SELLER_PAYABLE, SHIPPING_TAX, witness=W.GATEWAY, answers=L.ORDER_SHIPPING_AMOUNT_TAX),
    )),
    Fact("commission-charged", Book.MARKETPLACE, "The operator's commission on a debited leg, at the agreed rate.", (
        dr(A.SELLER_PAYABLE, FEE, witness=W.RATE_AGREEMENT, answers=L.COMMISSION_FEE),
        dr(A.SELLER_PAYABLE, TAX, witness=W.RATE_AGREEMENT, answers=L.COMMISSION_VAT),
        cr(A.COMMISSION_INCOME, FEE, witness=W.RATE_AGREEMENT, whole=True),
        cr(A.COMMISSION_TAX, TAX, witness=W.RATE_AGREEMENT, whole=True),
    )),
    Fact("leg-refunded", Book.MARKETPLACE, "The gateway gave money back to the buyer; the seller bears it.", (
        dr(A.SELLER_PAYABLE, ITEM, witness=W.GATEWAY, answers=L.REFUND_ORDER_AMOUNT),
        dr(A.SELLER_PAYABLE, SHIPPING, witness=W.GATEWAY, answers=L.REFUND_ORDER_SHIPPING_AMOUNT),
        dr(A.SELLER_PAYABLE, ITEM_TAX, witness=W.GATEWAY, answers=L.REFUND_ORDER_AMOUNT_TAX),
        dr(A.SELLER_PAYABLE, SHIPPING_TAX, witness=W.GATEWAY, answers=L.REFUND_ORDER_SHIPPING_AMOUNT_TAX),
        cr(A.REFUND_CLEARING, ITEM, SHIPPING, ITEM_TAX, SHIPPING_TAX, witness=W.GATEWAY, whole=True),
    )),
    Fact("commission-returned", Book.MARKETPLACE, "Commission given back to the seller for a refund, where agreed.", (
        dr(A.COMMISSION_INCOME, FEE, witness=W.RATE_AGREEMENT, whole=True),
        dr(A.COMMISSION_TAX, TAX, witness=W.RATE_AGREEMENT, whole=True),
        cr(A.SELLER_PAYABLE, FEE, witness=W.RATE_AGREEMENT, answers=L.REFUND_COMMISSION_FEE),
        cr(A.SELLER_PAYABLE, TAX, witness=W.RATE_AGREEMENT, answers=L.REFUND_COMMISSION_VAT),
    )),
    Fact("refund-paid", Book.GATEWAY, "The refund left the gateway's balance.", (
        dr(A.REFUND_CLEARING, AMOUNT, witness=W.GATEWAY),
        cr(A.GATEWAY_CLEARING, AMOUNT, witness=W.MARKETPLACE, answers=L.GATEWAY_REFUND),
    )),
    Fact("gateway-fee", Book.GATEWAY, "The gateway kept its fee; posted from its own settlement report.", (
        dr(A.GATEWAY_FEE_EXPENSE, AMOUNT, witness=W.GATEWAY),
        cr(A.GATEWAY_CLEARING, AMOUNT, witness=W.GATEWAY, answers=L.GATEWAY_FEE),
    ), signed=True),
    Fact("gateway-paid-out", Book.GATEWAY, "The gateway sent part of our balance to our bank.", (
        dr(A.BANK, AMOUNT, witness=W.GATEWAY),
        cr(A.GATEWAY_CLEARING, AMOUNT, witness=W.GATEWAY, answers=L.GATEWAY_PAYOUT),
    )),
    Fact("chargeback-opened", Book.GATEWAY, "A buyer's bank took money back: it leaves now, not when lost.", (
        dr(A.CHARGEBACK_SUSPENSE, AMOUNT, witness=W.GATEWAY),
        cr(A.GATEWAY_CLEARING, AMOUNT, witness=W.GATEWAY, answers=L.GATEWAY_CHARGEBACK),
    )),
    Fact("chargeback-won", Book.GATEWAY, "The bank gave the money back.", (
        dr(A.GATEWAY_CLEARING, AMOUNT, witness=W.GATEWAY, answers=L.GATEWAY_CHARGEBACK_REVERSAL),
        cr(A.CHARGEBACK_SUSPENSE, AMOUNT, witness=W.GATEWAY),
    )),
    _chargeback_lost("seller", A.SELLER_PAYABLE, "Lost; the seller bears it, by manual invoice.", L.MANUAL_INVOICE),
    _chargeback_lost("operator", A.WRITE_OFF, "Lost; we bear it."),
    _chargeback_lost("marketplace", A.MARKETPLACE_RECEIVABLE, "Lost; the marketplace's operator company bears it."),
    _chargeback_lost("buyer", A.BUYER_CLEARING, "Lost; claimed from the buyer."),
    Fact("payout-sent", Book.MARKETPLACE, "A seller's voucher was paid.", (
        dr(A.SELLER_PAYABLE, AMOUNT, witness=W.GATEWAY, answers=L.PAYMENT),
        cr(A.PAYOUT_CLEARING, AMOUNT, witness=W.GATEWAY),
    )),
    Fact("payout-settled", Book.GATEWAY, "The payment of a voucher stands on the gateway's report.", (
        dr(A.PAYOUT_CLEARING, AMOUNT, witness=W.GATEWAY),
        cr(A.GATEWAY_CLEARING, AMOUNT, witness=W.MARKETPLACE, answers=L.GATEWAY_TRANSFER),
    )),
    Fact("manual-credit", Book.MARKETPLACE, "A credit document of the operator for a seller.", (
        dr(A.FEE_EXPENSE, FEE, witness=W.MARKETPLACE),
        dr(A.COMMISSION_TAX, TAX, witness=W.MARKETPLACE),
        cr(A.SELLER_PAYABLE, FEE, witness=W.MARKETPLACE, answers=L.MANUAL_CREDIT),
        cr(A.SELLER_PAYABLE, TAX, witness=W.MARKETPLACE, answers=L.MANUAL_CREDIT_VAT),
    )),
    Fact("manual-invoice", Book.MARKETPLACE, "An invoice of the operator to a seller.", (
        dr(A.SELLER_PAYABLE, FEE, witness=W.MARKETPLACE, answers=L.MANUAL_INVOICE),
        dr(A.SELLER_PAYABLE, TAX, witness=W.MARKETPLACE, answers=L.MANUAL_INVOICE_VAT),
        cr(A.FEE_INCOME, FEE, witness=W.MARKETPLACE),
        cr(A.COMMISSION_TAX, TAX, witness=W.MARKETPLACE),
    )),
    Fact("subscription", Book.MARKETPLACE, "A seller's subscription to the marketplace.", (
        dr(A.SELLER_PAYABLE, FEE, witness=W.MARKETPLACE, answers=L.SUBSCRIPTION_FEE),
        dr(A.SELLER_PAYABLE, TAX, witness=W.MARKETPLACE, answers=L.SUBSCRIPTION_VAT),
        cr(A.FEE_INCOME, FEE, witness=W.MARKETPLACE),
        cr(A.COMMISSION_TAX, TAX, witness=W.MARKETPLACE),
    )),
    Fact("reserve-funded", Book.MARKETPLACE, "Money of a seller is kept back as security.", (
        dr(A.SELLER_PAYABLE, AMOUNT, witness=W.MARKETPLACE, answers=L.RESERVE_FUNDING),
        cr(A.RESERVE, AMOUNT, witness=W.MARKETPLACE),
    )),
    Fact("reserve-released", Book.MARKETPLACE, "Security is given back to the seller.", (
        dr(A.RESERVE, AMOUNT, witness=W.MARKETPLACE),
        cr(A.SELLER_PAYABLE, AMOUNT, witness=W.MARKETPLACE, answers=L.RESERVE_SETTLEMENT),
    )),
    _accepted("commission-adjusted", A.COMMISSION_INCOME, "Another commission than agreed, accepted."),
    _accepted("tax-adjusted", A.COMMISSION_TAX, "Another tax than computed, accepted."),
    _accepted("fee-adjusted", A.FEE_INCOME, "A fee we did not know of, accepted."),
    _accepted("document-adjusted", A.FEE_EXPENSE, "A manual document outside our books, accepted."),
    _accepted("reserve-adjusted", A.RESERVE, "A reserve movement outside our books, accepted."),
    _accepted("fx-result", A.FX_RESULT, "The residual of a conversion."),
    _accepted("rounding", A.ROUNDING, "A minor unit of rounding, accepted."),
    _accepted("write-off", A.WRITE_OFF, "Any other difference to a seller's statement, accepted with a reason."),
    Fact("gateway-written-off", Book.GATEWAY, "A difference to the gateway's report, accepted with a reason.", (
        dr(A.GATEWAY_CLEARING, AMOUNT, witness=W.GATEWAY),
        cr(A.WRITE_OFF, AMOUNT, witness=W.GATEWAY),
    ), signed=True),
)  # fmt: skip

FACTS: Mapping[str, Fact] = {fact.name: fact for fact in _TABLE}
