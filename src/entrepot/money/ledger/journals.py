"""The journals that flows post, each with the ids it needs. `rules.build` with typed names; nothing is written here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired, Required, TypedDict, Unpack

from entrepot.money.commission.model import Commission
from entrepot.money.ledger.model import Item, Journal
from entrepot.money.ledger.rules import build


class Head(TypedDict, total=False):
    """What every journal says. `key` is one per fact, e.g. `leg-debited:C-100-A`; `at`: when it took effect."""

    key: Required[str]
    account: Required[str]
    root: Required[str]
    at: Required[datetime]
    currency: Required[str]
    message_id: NotRequired[str | None]
    memo: NotRequired[str]


@dataclass(frozen=True, slots=True)
class LineMoney:
    """One order line's money, in minor units; `reference` is the refund's id when it is about a refund."""

    order_line_id: str
    item_minor: int
    shipping_minor: int = 0
    item_tax_minor: int = 0
    shipping_tax_minor: int = 0
    reference: str = ""

    def _item(self) -> Item:
        amounts = {
            "item": self.item_minor,
            "shipping": self.shipping_minor,
            "item_tax": self.item_tax_minor,
            "shipping_tax": self.shipping_tax_minor,
        }
        return Item(amounts, self.order_line_id, self.reference)


def basket_captured(*, capture_id: str, amount_minor: int, **head: Unpack[Head]) -> Journal:
    """`account`: the gateway's."""
    return build("basket-captured", items=[Item({"amount": amount_minor}, reference=capture_id)], **head)


def leg_debited(*, order_id: str, seller_id: str, lines: Sequence[LineMoney], **head: Unpack[Head]) -> Journal:
    """`lines`: the accepted lines whose payment is confirmed; prices of the whole line."""
    items = [line._item() for line in lines]
    return build("leg-debited", order_id=order_id, seller_id=seller_id, items=items, **head)


def leg_refunded(*, order_id: str, seller_id: str, lines: Sequence[LineMoney], **head: Unpack[Head]) -> Journal:
    """`lines`: each with its part of the refund and the marketplace's refund id as reference."""
    items = [line._item() for line in lines]
    return build("leg-refunded", order_id=order_id, seller_id=seller_id, items=items, **head)


def _commission_items(lines: Sequence[Commission]) -> list[Item]:
    return [Item({"fee": one.fee_minor, "tax": one.tax_minor}, one.order_line_id, one.reference) for one in lines]


def commission_charged(*, order_id: str, seller_id: str, lines: Sequence[Commission], **head: Unpack[Head]) -> Journal:
    """`lines`: commission.rules.compute of each debited line."""
    items = _commission_items(lines)
    return build("commission-charged", order_id=order_id, seller_id=seller_id, items=items, **head)


def commission_returned(*, order_id: str, seller_id: str, lines: Sequence[Commission], **head: Unpack[Head]) -> Journal:
    """`lines`: commission.rules.compute_return of each refunded line, with the refund's id as reference."""
    items = _commission_items(lines)
    return build("commission-returned", order_id=order_id, seller_id=seller_id, items=items, **head)


def refund_paid(*, gateway_refund_id: str, amount_minor: int, **head: Unpack[Head]) -> Journal:
    """`account`: the gateway's."""
    return build("refund-paid", items=[Item({"amount": amount_minor}, reference=gateway_refund_id)], **head)


def gateway_fee(*, operation_id: str, amount_minor: int, **head: Unpack[Head]) -> Journal:
    """`account`: the gateway's. Positive: the gateway kept it; negative: it gave a fee back."""
    return build("gateway-fee", items=[Item({"amount": amount_minor}, reference=operation_id)], **head)


def gateway_paid_out(*, operation_id: str, amount_minor: int, **head: Unpack[Head]) -> Journal:
    """`account`: the gateway's."""
    return build("gateway-paid-out", items=[Item({"amount": amount_minor}, reference=operation_id)], **head)


def chargeback_opened(*, dispute_id: str, amount_minor: int, **head: Unpack[Head]) -> Journal:
    """`account`: the gateway's."""
    return build("chargeback-opened", items=[Item({"amount": amount_minor}, reference=dispute_id)], **head)


def chargeback_won(*, dispute_id: str, amount_minor: int, **head: Unpack[Head]) -> Journal:
    """`account`: the gateway's."""
    return build("chargeback-won", items=[Item({"amount": amount_minor}, reference=dispute_id)], **head)


def chargeback_lost(
    *, by: str, amount_minor: int, reference: str, order_id: str = "", seller_id: str = "", **head: Unpack[Head]
) -> Journal:
    """`by`: seller | operator | marketplace | buyer. `reference`: a manual invoice's number, else the dispute."""
    items = [Item({"amount": amount_minor}, reference=reference)]
    return build(f"chargeback-lost-{by}", order_id=order_id, seller_id=seller_id, items=items, **head)


def payout_sent(*, seller_id: str, voucher: str, amount_minor: int, **head: Unpack[Head]) -> Journal:
    items = [Item({"amount": amount_minor}, reference=voucher)]
    return build("payout-sent", seller_id=seller_id, items=items, **head)


def payout_settled(*, seller_id: str, transfer_id: str, amount_minor: int, **head: Unpack[Head]) -> Journal:
    """`account`: the gateway's."""
    items = [Item({"amount": amount_minor}, reference=transfer_id)]
    return build("payout-settled", seller_id=seller_id, items=items, **head)


def document(
    fact: str, *, seller_id: str, number: str, fee_minor: int, tax_minor: int, **head: Unpack[Head]
) -> Journal:
    """`fact`: manual-credit | manual-invoice | subscription; amounts are not signed, the fact says who owes."""
    items = [Item({"fee": fee_minor, "tax": tax_minor}, reference=number)]
    return build(fact, seller_id=seller_id, items=items, **head)


def reserve(fact: str, *, seller_id: str, reference: str, amount_minor: int, **head: Unpack[Head]) -> Journal:
    """`fact`: reserve-funded | reserve-released."""
    return build(fact, seller_id=seller_id, items=[Item({"amount": amount_minor}, reference=reference)], **head)
