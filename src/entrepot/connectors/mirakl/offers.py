"""Offers: the export (OF51), a CSV of what changed, `;` between quoted cells; and the list (OF21), which tells the rest.

The list names neither an offer's shop nor when it changed: its records are joined to the export's by the offer's id, and
the same content is told once a day at most, so that a value that comes back is not taken for one that never left.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.mirakl import shapes
from entrepot.connectors.mirakl.lists import OffsetList
from entrepot.connectors.mirakl.wire import Wire
from entrepot.connectors.naming import ByRow
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import (
    NOT_JSON,
    Unreadable,
    as_text,
    canonical,
    encoded,
    first_bytes,
    instant,
    sortable,
    total,
    typed,
    unreadable_record,
)
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.money import Money, NotMoney
from entrepot.trade.offer.model import OfferDetails, OfferSeen

KIND, DETAIL_KIND = "offer", "offer-detail"
COLUMNS = ("offer-id", "shop-id", "shop-sku", "price", "currency-iso-code", "quantity", "active", "last-updated")
TOLD_BESIDE = ("deleted", "product-sku", "state-code", "description")
CELL_CHARS_MAX = 131_072
YES_NO = {"true": True, "false": False, "": False}


class _Row(msgspec.Struct, rename="kebab"):
    offer_id: str
    shop_id: str
    shop_sku: str
    price: str
    currency_iso_code: str
    quantity: str
    active: str
    last_updated: str
    deleted: str = ""
    product_sku: str = ""
    state_code: str = ""
    description: str = ""


@total
def offer(body: bytes) -> OfferSeen:
    """One row of the export. A deleted offer is one that is not active."""
    row = typed(body, _Row)
    if row.active not in YES_NO or row.deleted not in YES_NO:
        raise Unreadable("“active” and “deleted” are true or false", "$.active")
    if not row.quantity.isascii() or not row.quantity.isdigit():
        raise Unreadable(f"“{row.quantity[:20]}” is not a quantity", "$.quantity")
    try:
        price = Money.parse(row.price, row.currency_iso_code)
    except NotMoney as error:
        raise Unreadable(error.message, "$.price") from error
    return OfferSeen(
        offer_id=row.offer_id,
        sku=row.shop_sku,
        seller_id=row.shop_id,
        price_minor=price.minor,
        currency=price.currency,
        quantity=int(row.quantity),
        active=YES_NO[row.active] and not YES_NO[row.deleted],
        updated_at=instant(row.last_updated, "$.last-updated"),
        product_id=row.product_sku,
        state_code=row.state_code,
        description=row.description,
    )


# ── the list: what the export does not tell ──────────────────────────────────────────────────────────────────

TOLD_BY_THE_EXPORT = ("price", "quantity", "description")
SEEN_ON = "seen_on"
TERM_BY_FIELD: Mapping[str, str] = {  # OF21's name → OF24's name
    "allow_quote_requests": "allow_quote_requests",
    "available_end_date": "available_ended",
    "available_start_date": "available_started",
    "eco_contributions": "eco_contributions",
    "internal_description": "internal_description",
    "leadtime_to_ship": "leadtime_to_ship",
    "max_order_quantity": "max_order_quantity",
    "min_order_quantity": "min_order_quantity",
    "min_quantity_alert": "min_quantity_alert",
    "msrp": "msrp",
    "offer_additional_fields": "offer_additional_fields",
    "package_quantity": "package_quantity",
    "price_additional_info": "price_additional_info",
    "product_tax_code": "product_tax_code",
}


@total
def offer_detail(body: bytes) -> OfferDetails:
    """One offer of the list."""
    seen = typed(body, shapes.Offer)
    return OfferDetails(
        offer_id=str(seen.offer_id),
        sku=seen.shop_sku,
        category=seen.category_code or "",
        title=seen.product_title or "",
        terms=terms_of(as_text(body)),
    )


def terms_of(shown: Mapping[str, Any]) -> dict[str, Any]:
    """All of an offer that a write must repeat, in the write's own names; fractions as text. What is empty is its default."""
    terms = {name: shown[field] for field, name in TERM_BY_FIELD.items() if shown.get(field) not in (None, "", [])}
    if code := (shown.get("logistic_class") or {}).get("code"):
        terms["logistic_class"] = code
    if discount := shown.get("discount"):
        named = {"price": discount.get("discount_price"), "ranges": discount.get("ranges") or None}
        dates = {name: discount.get(name) for name in ("start_date", "end_date")}
        terms["discount"] = {name: value for name, value in {**named, **dates}.items() if value is not None}
    prices = [_channel_price(price) for price in shown.get("all_prices") or [] if price.get("channel_code")]
    if prices:
        terms["all_prices"] = prices
    return terms


def _channel_price(price: Mapping[str, Any]) -> dict[str, Any]:
    """A price of its own for one channel. The one for all channels travels as the offer's price."""
    names = ("channel_code", "discount_start_date", "discount_end_date", "unit_discount_price", "unit_origin_price")
    found = {name: price[name] for name in names if price.get(name) is not None}
    steps = ("quantity_threshold", "unit_discount_price", "unit_origin_price")
    volumes = [{k: v[k] for k in steps if v.get(k) is not None} for v in price.get("volume_prices") or []]
    return {**found, "volume_prices": volumes} if volumes else found


def split_detail(body: bytes, position: int, flow: str) -> Received:
    """One record of the list, without what moves by itself or is told by the export."""
    seen = typed(body, shapes.Offer)
    kept = {name: value for name, value in _members(seen) if name not in TOLD_BY_THE_EXPORT}
    offer_id = str(seen.offer_id)
    return Received(DETAIL_KIND, offer_id, "", canonical(encoded(kept)), position, f"offer:{offer_id}", flow)


def _members(seen: shapes.Offer) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(seen, name)) for name in seen.__struct_fields__)


@dataclass(frozen=True, slots=True)
class DetailList:
    """The list of offers, each record with the day on which it was seen."""

    inner: OffsetList

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def flow(self) -> str:
        return self.inner.flow

    @property
    def every_s(self) -> float:
        return self.inner.every_s

    @property
    def limit(self) -> Limit | None:
        return self.inner.limit

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        day = ctx.clock.now().date().isoformat()
        for page in self.inner.fetch(ctx, cursor):
            yield replace(page, received=tuple(_dated(record, day) for record in page.received))


def _dated(record: Received, day: str) -> Received:
    if record.kind != DETAIL_KIND:
        return record
    try:
        members = msgspec.json.decode(record.body, type=dict[str, msgspec.Raw])
    except NOT_JSON:
        return record
    return replace(record, body=canonical(encoded({**members, SEEN_ON: day})))


# ── the export as a source ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OfferExport(ByRow):
    """A source of one page. The cursor is the newest change seen, less the overlap."""

    row: SourceRow
    wire: Wire
    limit: Limit | None
    name: str = "offers"

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        """Without a cursor everything, else what changed since it, deleted and inactive offers included."""
        query = [("include_inactive_offers", "true")]
        if cursor:
            query.append(("last_request_date", sortable(instant(cursor, "cursor"))))
        answer, _ = self.wire.call(ctx, self.row.role, Call("GET", "/api/offers/export", query))
        if not isinstance(answer, Good):
            yield Page(self.row.code, {}, b"", problem=problem_of(answer))
            return
        page = Page(self.row.code, answer.response.headers, answer.response.body)
        try:
            received = tuple(self._split(rows_of(page.body)))
        except Unreadable as error:
            yield replace(page, problem=Problem(ProblemCode.UNREADABLE, f"{error.what} (at {error.where})"))
            return
        yield replace(page, received=received, cursor=self._cursor(ctx, cursor, received))

    def _split(self, rows: Iterator[Mapping[str, str]]) -> Iterator[Received]:
        for position, row in enumerate(rows):
            body = canonical(encoded({name: row[name] for name in (*COLUMNS, *TOLD_BESIDE) if name in row}))
            try:
                revision = sortable(instant(row["last-updated"], "$.last-updated"))
            except Unreadable:
                yield unreadable_record(body, KIND, self.flow, position)
                continue
            root = f"offer:{row['offer-id']}"
            yield Received(KIND, row["offer-id"], revision, body, position, root, self.flow)

    def _cursor(self, ctx: Ctx, cursor: str | None, received: tuple[Received, ...]) -> str | None:
        marks = [instant(record.revision, "revision") for record in received if record.revision]
        if not marks:
            return cursor
        newest = min(max(marks), ctx.clock.now())
        moved = newest - timedelta(seconds=self.row.overlap_s)
        before: datetime | None = instant(cursor, "cursor") if cursor else None
        return sortable(moved if before is None else max(before, moved))


def rows_of(body: bytes) -> Iterator[dict[str, str]]:
    """Rows by column name, the order of columns being theirs. Errors: Unreadable for a cut file or another header."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8: {error}") from error
    if not text.endswith("\n"):
        raise Unreadable(f"the file is cut, or no file: {first_bytes(body)}")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    try:
        header = next(reader, [])
        missing = [name for name in COLUMNS if name not in header]
        if missing:
            raise Unreadable(f"columns missing: {', '.join(missing)}: {first_bytes(body)}", "row 1")
        for number, cells in enumerate(reader, start=2):
            if len(cells) != len(header):
                raise Unreadable(f"{len(cells)} cells where the header has {len(header)}", f"row {number}")
            yield dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise Unreadable(f"not the CSV they publish: {error}", f"line {reader.line_num}") from error
