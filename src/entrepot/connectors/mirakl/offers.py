"""The offer export (OF51): a CSV of what changed, `;` between quoted cells. What checkouts are answered from."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.mirakl.wire import Wire
from entrepot.connectors.port import Limit, Page, Problem, ProblemCode, Received
from entrepot.connectors.reading import (
    Unreadable,
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
from entrepot.trade.offer.model import OfferSeen

KIND = "offer"
COLUMNS = ("offer-id", "shop-id", "shop-sku", "price", "currency-iso-code", "quantity", "active", "last-updated")
DELETED = "deleted"
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
    )


@dataclass(frozen=True, slots=True)
class OfferExport:
    """A source of one page. The cursor is the newest change seen, less the overlap."""

    row: SourceRow
    wire: Wire
    limit: Limit | None
    name: str = "offers"

    @property
    def flow(self) -> str:
        return self.row.flow

    @property
    def every_s(self) -> float:
        return self.row.every_s

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
            body = canonical(encoded({name: row[name] for name in (*COLUMNS, DELETED) if name in row}))
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
