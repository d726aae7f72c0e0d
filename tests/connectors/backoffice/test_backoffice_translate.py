"""The back office's words as ours: every field carried over, every oddity a value, nothing ever raised."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.connectors.backoffice.translate import TRANSLATORS
from entrepot.connectors.port import Malformed
from entrepot.connectors.verbs import REASONS
from entrepot.kernel.outcome import Unrecognised
from entrepot.sandbox.back_office.settings import REASONS as THEIR_REASONS
from entrepot.trade.catalog.model import ProductSeen
from entrepot.trade.shipment.model import CannotDeliver, GoodsBack, ParcelSeen
from entrepot.trade.stock.model import PriceSeen, StockSeen

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LINES = [{"line_id": "1", "quantity": 2}, {"line_id": "2", "quantity": 1}]
GOOD: dict[str, dict[str, Any]] = {
    "parcel": {
        "parcel": "PK-1",
        "number": "a:1",
        "carrier": "DHL",
        "tracking": "JD01",
        "service": "express",
        "shipped_at": "2026-11-02T10:00:00+01:00",
        "updated_at": "2026-11-02T11:00:00Z",
        "lines": LINES,
    },
    "cannot-deliver": {
        "cancellation": "CX-1",
        "number": "a:1",
        "reason": "out-of-stock",
        "at": "2026-11-02T09:00:00Z",
        "lines": LINES,
    },
    "goods-back": {
        "return_id": "RT-1",
        "number": "a:1",
        "at": "2026-11-02T09:00:00Z",
        "accepted": [LINES[0]],
        "rejected": [LINES[1]],
        "refund_minor": {"1": 2_000},
    },
    "stock": {"sku": "LAMP-1", "location": "main", "quantity": 7, "version": 3, "at": "2026-11-02T09:00:00Z"},
    "price": {
        "sku": "LAMP-1",
        "channel": "*",
        "price_minor": 4_990,
        "currency": "EUR",
        "version": 2,
        "at": "2026-11-02T09:00:00Z",
    },
    "product": {
        "sku": "LAMP-1",
        "revision": "4",
        "title": "Lamp",
        "brand": "Quay",
        "gtin": "4006381333931",
        "description": "Brass.",
        "category": "lamps",
        "images": ["https://images.example/1.jpg"],
        "attributes": {"metal": "brass"},
        "at": "2026-11-02T09:00:00Z",
    },
}
SEEN = {
    "parcel": ParcelSeen("PK-1", "a:1", "DHL", "JD01", AT, {"1": 2, "2": 1}, "express"),
    "cannot-deliver": CannotDeliver("CX-1", "a:1", "out-of-stock", {"1": 2, "2": 1}, AT),
    "goods-back": GoodsBack("RT-1", "a:1", {"1": 2}, {"2": 1}, {"1": 2_000}, AT),
    "stock": StockSeen("LAMP-1", "main", 7, 3, AT),
    "price": PriceSeen("LAMP-1", "*", 4_990, "EUR", 2, AT),
    "product": ProductSeen(
        "LAMP-1",
        "4",
        "Lamp",
        "4006381333931",
        "lamps",
        AT,
        "Quay",
        "Brass.",
        ("https://images.example/1.jpg",),
        {"metal": "brass"},
    ),
}


def read(kind: str, value: Any) -> Any:
    return TRANSLATORS[kind](msgspec.json.encode(value))


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_every_field_is_carried_over(kind: str) -> None:
    assert read(kind, GOOD[kind]) == SEEN[kind]


def test_every_kind_has_its_reader() -> None:
    assert set(TRANSLATORS) == set(GOOD)


@pytest.mark.parametrize("reason", REASONS)
def test_every_published_reason_is_known(reason: str) -> None:
    assert read("cannot-deliver", {**GOOD["cannot-deliver"], "reason": reason}).reason == reason
    assert set(REASONS) == set(THEIR_REASONS)


def test_a_reason_nobody_published_is_unrecognised() -> None:
    assert read("cannot-deliver", {**GOOD["cannot-deliver"], "reason": "mood"}) == Unrecognised("reason", "mood")


@pytest.mark.parametrize(
    ("kind", "changed", "where"),
    [
        ("parcel", {"lines": []}, "$.lines"),
        ("parcel", {"lines": [{"line_id": "1", "quantity": 0}]}, "$.lines[0].quantity"),
        ("parcel", {"lines": [{"line_id": "", "quantity": 1}]}, "$.lines[0].line_id"),
        ("parcel", {"shipped_at": "2026-11-02T10:00:00"}, "$.shipped_at"),
        ("parcel", {"shipped_at": 1_793_000_000}, "$.shipped_at"),
        ("parcel", {"tracking": None}, "$.tracking"),
        ("cannot-deliver", {"lines": {}}, "$.lines"),
        ("cannot-deliver", {"at": ""}, "$.at"),
        ("goods-back", {"accepted": [], "rejected": [], "refund_minor": {}}, "$.accepted"),
        ("goods-back", {"refund_minor": {"2": 5}}, "$.refund_minor"),
        ("goods-back", {"refund_minor": {"1": -5}}, "$.refund_minor[...]"),
        ("goods-back", {"refund_minor": {"1": 10**30}}, "$.refund_minor"),
        ("goods-back", {"refund_minor": {"1": 5.5}}, "$.refund_minor[...]"),
        ("stock", {"quantity": "7"}, "$.quantity"),
        ("stock", {"quantity": 10**30}, "$.quantity"),
        ("stock", {"version": -1}, "$.version"),
        ("price", {"price_minor": 0}, "$.price_minor"),
        ("price", {"price_minor": 49.90}, "$.price_minor"),
        ("price", {"price_minor": 10**30}, "$.price_minor"),
        ("price", {"currency": "XYZ"}, "$.currency"),
        ("product", {"revision": ""}, "$.revision"),
        ("product", {"attributes": {"height": 40}}, "$.attributes[...]"),
        ("product", {"images": [None]}, "$.images[0]"),
    ],
)
def test_a_record_that_cannot_be_says_where(kind: str, changed: dict[str, Any], where: str) -> None:
    found = read(kind, {**GOOD[kind], **changed})
    assert isinstance(found, Malformed), found
    assert found.where == where


def test_what_may_be_missing_may_be_missing() -> None:
    left_out = ("gtin", "brand", "description", "images", "attributes")
    product = read("product", {name: value for name, value in GOOD["product"].items() if name not in left_out})
    assert (product.gtin, product.brand, product.description, product.images, product.attributes) == (
        "",
        "",
        "",
        (),
        {},
    )
    assert read("product", {**GOOD["product"], "gtin": None}).gtin == ""
    assert read("parcel", {**GOOD["parcel"], "service": None}).service == ""
    back = {name: value for name, value in GOOD["goods-back"].items() if name != "refund_minor"}
    assert read("goods-back", back).refund_minor == {}


def test_a_line_named_twice_is_the_sum_of_both() -> None:
    assert read("parcel", {**GOOD["parcel"], "lines": LINES + LINES}).lines == {"1": 4, "2": 2}


def test_more_booked_out_than_lay_there_is_below_nothing() -> None:
    assert read("stock", {**GOOD["stock"], "quantity": -3}).quantity == -3


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(sorted(GOOD)), data=st.data())
def test_whatever_they_say_nothing_is_raised(kind: str, data: st.DataObject) -> None:
    value = dict(GOOD[kind])
    for name in data.draw(st.lists(st.sampled_from(sorted(value)), max_size=3)):
        value[name] = data.draw(JSON)
    found = TRANSLATORS[kind](json_of(value))
    assert isinstance(found, Malformed | Unrecognised | type(SEEN[kind]))


@settings(max_examples=100, deadline=None)
@given(kind=st.sampled_from(sorted(GOOD)), body=st.binary(max_size=60))
def test_bytes_that_are_no_record_are_malformed(kind: str, body: bytes) -> None:
    assert isinstance(TRANSLATORS[kind](body), Malformed)


def json_of(value: Any) -> bytes:
    import json

    return json.dumps(value).encode("utf-8", "surrogatepass")
