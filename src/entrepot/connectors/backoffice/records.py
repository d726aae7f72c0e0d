"""Which record a piece of JSON is, by which name and at which revision; the same from a list and from a webhook."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from entrepot.connectors.backoffice.wire_shapes import Version, Word
from entrepot.connectors.port import Received
from entrepot.connectors.reading import instant, records, sortable, typed
from entrepot.connectors.roots import basket_root

VERSION_DIGITS = 19  # so that versions sort as text


class _OfOrder(msgspec.Struct):
    number: Word


class _Parcel(_OfOrder):
    parcel: Word
    updated_at: str


class _Cancellation(_OfOrder):
    cancellation: Word
    at: str


class _Return(_OfOrder):
    return_id: Word
    at: str


class _Stock(msgspec.Struct):
    sku: Word
    location: Word
    version: Version
    at: str


class _Price(msgspec.Struct):
    sku: Word
    channel: Word
    version: Version
    at: str


class _Product(msgspec.Struct):
    sku: Word
    at: str


def order_root(number: str) -> str:
    """Our own number is `<account>:<channel order id>`; another one is its own root, and the flow decides."""
    _, colon, order_id = number.partition(":")
    return basket_root(order_id) if colon and order_id else f"number:{number}"


def listing_root(sku: str) -> str:
    return f"listing:{sku}"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of record is named. `marked`: the field by which its list is filtered."""

    kind: str
    shape: type[msgspec.Struct]
    name: Callable[[Any], str]
    marked: str = "at"
    versioned: bool = False


def _version(head: Any) -> str:
    return f"{head.version:0{VERSION_DIGITS}d}"


def _at(sku: str, place: str) -> str:
    """An article at a place, whatever characters the two are made of."""
    return f"{sku}@{place.replace('@', '%40')}"


KINDS: Sequence[Kind] = (
    Kind("parcel", _Parcel, lambda head: str(head.parcel), marked="updated_at"),
    Kind("cannot-deliver", _Cancellation, lambda head: str(head.cancellation)),
    Kind("goods-back", _Return, lambda head: str(head.return_id)),
    Kind("stock", _Stock, lambda head: _at(head.sku, head.location), versioned=True),
    Kind("price", _Price, lambda head: _at(head.sku, head.channel), versioned=True),
    Kind("product", _Product, lambda head: str(head.sku)),
)
BY_KIND = {one.kind: one for one in KINDS}


@dataclass(frozen=True, slots=True)
class Records:
    """`flows`: by kind, from the manifest."""

    flows: Mapping[str, str]

    def split(self, kind: str, raws: Sequence[msgspec.Raw]) -> tuple[Received, ...]:
        """The elements of a page; one that does not say what it is about is kept as malformed."""
        return records(raws, kind, self.flows[kind], lambda body, n: self._one(BY_KIND[kind], body, n))

    def _one(self, kind: Kind, body: bytes, position: int) -> Received:
        """Errors: Unreadable."""
        head = typed(body, kind.shape)
        marked = sortable(instant(getattr(head, kind.marked), f"$.{kind.marked}"))
        revision = _version(head) if kind.versioned else marked
        root = order_root(head.number) if isinstance(head, _OfOrder) else listing_root(getattr(head, "sku", ""))
        return Received(kind.kind, kind.name(head), revision, body, position, root, self.flows[kind.kind])

    def marked(self, record: Received) -> str:
        """The instant by which its list is filtered, sortable; empty for a record nobody could read."""
        kind = BY_KIND.get(record.kind)
        if kind is None:
            return ""
        return sortable(instant(getattr(typed(record.body, kind.shape), kind.marked), f"$.{kind.marked}"))
