"""What a seller does on every channel, in one set of words: the payload of each verb, whoever carries it out.

A flow plans a verb; the account's connector names the operation behind it (`Connector.verbs`), and its wire shape is the connector's
own. A channel without a verb has no such duty: eBay has nothing to acknowledge. Units: minor units of `currency`; instants ISO 8601 with zone.
"""

from enum import StrEnum

import msgspec

REASONS = ("out-of-stock", "buyer-asked", "undeliverable", "price-error", "other")


class Verb(StrEnum):
    ACKNOWLEDGE = "acknowledge"  # we have the order, and mean to deliver it
    SHIP = "ship"  # a parcel left
    CANCEL = "cancel"  # we will not deliver these quantities
    REFUND = "refund"  # the buyer gets money back, by our decision
    SET_PRICE = "set-price"
    SET_STOCK = "set-stock"
    SUBMIT_LISTING = "submit-listing"  # the whole content of a product
    END_LISTING = "end-listing"
    ANSWER_DISPUTE = "answer-dispute"
    ANSWER_CANCELLATION = "answer-cancellation"  # the buyer asked to cancel
    RECEIVE_RETURN = "receive-return"  # the goods are back


class Quantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    line_id: str
    quantity: int
    sku: str = ""


class AcknowledgeOrder(msgspec.Struct, frozen=True):
    """`our_number`: by which our back office knows the order; a channel manager uses it in every later call."""

    order_id: str
    our_number: str
    lines: list[Quantity]


class ShipParcel(msgspec.Struct, frozen=True):
    """One parcel. `parcel`: our own number of it, unique within the order: the natural key where the channel takes one.

    `carrier`: the channel's word, by the plan's table; `our_carrier`: the warehouse's. `other_carrier`: the table does not know
    it, so `carrier` is a name and no code of the channel's.
    """

    order_id: str
    our_number: str
    parcel: str
    carrier: str
    tracking: str
    shipped_at: str
    lines: list[Quantity]
    service: str = ""
    our_carrier: str = ""
    other_carrier: bool = False


class CancelLines(msgspec.Struct, frozen=True):
    """`reason`: one of REASONS. `cancellation`: our own number of it."""

    order_id: str
    our_number: str
    cancellation: str
    reason: str
    lines: list[Quantity]


class RefundedLine(msgspec.Struct, frozen=True):
    line_id: str
    quantity: int
    item_minor: int
    shipping_minor: int = 0
    tax_minor: int = 0
    sku: str = ""


class RefundLines(msgspec.Struct, frozen=True):
    """`reason`: returned | not-received | not-as-described | goodwill | cancelled | other. `refund`: our own number of it."""

    order_id: str
    our_number: str
    refund: str
    currency: str
    reason: str
    lines: list[RefundedLine]


class SetPrice(msgspec.Struct, frozen=True):
    """`their_id`: the channel's own id of the offer or listing, where a call needs it (eBay offer id)."""

    sku: str
    price_minor: int
    currency: str
    their_id: str = ""
    product_type: str = ""


class SetStock(msgspec.Struct, frozen=True):
    sku: str
    quantity: int
    lead_time_days: int | None = None
    their_id: str = ""
    product_type: str = ""


class SubmitListing(msgspec.Struct, frozen=True):
    """A product as the mapping made it. `attributes`: the channel's own names and values; `category`: the channel's word."""

    sku: str
    revision: str
    category: str
    title: str
    gtin: str
    price_minor: int
    currency: str
    quantity: int
    attributes: dict[str, object] = {}
    brand: str = ""
    description: str = ""
    images: list[str] = []
    condition: str = "new"


class EndListing(msgspec.Struct, frozen=True):
    sku: str
    their_id: str = ""
    product_type: str = ""


class AnswerDispute(msgspec.Struct, frozen=True):
    """`answer`: accept | contest. `revision`: theirs, when they lock by it. `evidence`: {"kind", "text"} each."""

    dispute_id: str
    answer: str
    revision: str = ""
    order_id: str = ""
    evidence: list[dict[str, str]] = []
    note: str = ""


class AnswerCancellation(msgspec.Struct, frozen=True):
    """`answer`: approve | reject. A reject says by which parcel the order has left."""

    order_id: str
    request_id: str
    answer: str
    carrier: str = ""
    tracking: str = ""
    shipped_at: str = ""


class ReceiveReturn(msgspec.Struct, frozen=True):
    """`accepted`, `rejected`: quantities by line that came back as agreed, or not."""

    return_id: str
    order_id: str
    accepted: list[Quantity]
    rejected: list[Quantity] = []
