"""What the back office tells, field by field, as docs/back-office-api.md publishes it. Fields it may leave out have a default."""

from typing import Annotated

import msgspec

Word = Annotated[str, msgspec.Meta(min_length=1)]
Pieces = Annotated[int, msgspec.Meta(ge=1)]
Version = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Line(msgspec.Struct):
    line_id: Word
    quantity: Pieces


class Parcel(msgspec.Struct):
    parcel: Word
    number: Word
    carrier: str
    tracking: str
    shipped_at: str
    updated_at: str
    lines: list[Line]
    service: str | None = None


class Cancellation(msgspec.Struct):
    cancellation: Word
    number: Word
    reason: Word
    at: str
    lines: list[Line]


class Return(msgspec.Struct):
    return_id: Word
    number: Word
    at: str
    accepted: list[Line]
    rejected: list[Line]
    refund_minor: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = {}


class Stock(msgspec.Struct):
    """`quantity`: below nothing, where more was booked out than lay there."""

    sku: Word
    location: Word
    quantity: int
    version: Version
    at: str


class Price(msgspec.Struct):
    sku: Word
    channel: Word
    price_minor: Annotated[int, msgspec.Meta(ge=1)]
    currency: Word
    version: Version
    at: str


class Product(msgspec.Struct):
    sku: Word
    revision: Word
    title: str
    category: str
    at: str
    gtin: str | None = None
    brand: str | None = None
    description: str | None = None
    images: list[str] = []
    attributes: dict[str, str] = {}
