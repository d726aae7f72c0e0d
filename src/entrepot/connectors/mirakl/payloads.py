"""What the hub's flows put into effects for Mirakl: our words, minor units, ISO 4217. Unknown members are allowed."""

from typing import Annotated, Any, Literal

import msgspec

Positive = Annotated[int, msgspec.Meta(gt=0)]
NotNegative = Annotated[int, msgspec.Meta(ge=0)]
Word = Annotated[str, msgspec.Meta(min_length=1)]


class BasketLine(msgspec.Struct):
    offer_id: Word
    quantity: Positive
    unit_price_minor: NotNegative
    shipping_minor: NotNegative
    seller_id: str = ""


class Basket(msgspec.Struct):
    commercial_id: Word
    currency: Word
    customer: dict[str, Any]
    lines: Annotated[list[BasketLine], msgspec.Meta(min_length=1)]
    shipping_type: str = ""  # their code; empty: the marketplace takes its own


class CreateOrders(msgspec.Struct):
    basket: Basket


class LineDecision(msgspec.Struct):
    order_line_id: Word
    accepted: bool


class Accept(msgspec.Struct):
    order_id: Word
    lines: Annotated[list[LineDecision], msgspec.Meta(min_length=1)]


class Tracking(msgspec.Struct):
    order_id: Word
    tracking_number: Word
    carrier_code: str = ""
    carrier_name: str = ""
    carrier_url: str = ""


class OneOrder(msgspec.Struct):
    order_id: Word


class RefundLine(msgspec.Struct):
    order_line_id: Word
    amount_minor: NotNegative
    shipping_minor: NotNegative
    reason_code: Word
    quantity: NotNegative = 0


class Refund(msgspec.Struct):
    """Also cancels lines before they are paid: the same members."""

    order_id: Word
    currency: Word
    lines: Annotated[list[RefundLine], msgspec.Meta(min_length=1)]


class ConfirmDebit(msgspec.Struct):
    order_id: Word
    customer_id: Word
    amount_minor: Positive
    currency: Word
    status: Literal["OK", "REFUSED"]
    transaction_number: str
    transaction_at: str


class ConfirmRefund(msgspec.Struct):
    refund_id: Word
    amount_minor: Positive
    currency: Word
    status: Literal["OK", "REFUSED"]
    transaction_number: str
    transaction_at: str
    order_id: str = ""


class ConfirmPayout(msgspec.Struct):
    cycle_id: Word
    status: Literal["PAID", "FAILED"]
    paid_at: str
    transaction_number: str = ""
    failure_reason: str = ""


class UpdateOffer(msgspec.Struct):
    """The whole offer: what is left out falls back to its default there. `wanted`: the fields this write is about."""

    shop_id: Word
    sku: Word
    product_id: Word
    price_minor: Positive
    currency: Word
    quantity: Annotated[int, msgspec.Meta(ge=0)]
    state_code: Word
    wanted: Annotated[dict[str, str | int], msgspec.Meta(min_length=1)]
    description: str = ""
    terms: dict[str, Any] = {}  # the rest of the offer in their own words, as last observed


class FeedFile(msgspec.Struct):
    """A file of offers of one shop; its rows come along as the effect's cargo."""

    shop_id: Word
    batch_id: Word


class OpenThread(msgspec.Struct):
    """`reference`: ours, by which the conversation is found again. `file_text`: an attached CSV file, or empty."""

    shop_id: Word
    subject: Word
    body: Word
    reference: Word
    asked_at: Word
    offer_ids: list[str] = []
    file_name: str = ""
    file_text: str = ""


class ReplyThread(msgspec.Struct):
    thread_id: Word
    shop_id: Word
    body: Word
    reference: Word
    file_name: str = ""
    file_text: str = ""


class UpdateShop(msgspec.Struct):
    shop_id: Word
    payment_blocked: bool | None = None
    suspend: bool | None = None
    kyc_status: str | None = None
    kyc_reason: str | None = None
