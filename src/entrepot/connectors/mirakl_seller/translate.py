"""Mirakl's records in the words of a channel: what the operator's side reads is read here by the same readers, and seen as a seller.

Pure and total. A seller sees his own leg only, so each order is a basket of its own; the buyer's money is the channel's affair.
"""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from entrepot.connectors.mirakl import shapes, translate
from entrepot.connectors.mirakl.words import IMPORT_DONE_BY_STATUS
from entrepot.connectors.port import Malformed
from entrepot.connectors.reading import UnknownWord, Unreadable, instant, minor, total, typed
from entrepot.kernel.outcome import Unrecognised
from entrepot.money.settlement.model import CycleSeen, StatementLineSeen
from entrepot.trade.listing.model import Issue, ItemResult, ListingSeen, SubmissionSeen
from entrepot.trade.listing.states import ListingState, SubmissionState
from entrepot.trade.order.model import ChannelRefundSeen, OrderSeen
from entrepot.trade.order.states import LegState

US = "us"
NOT_SAID = datetime(1970, 1, 1, tzinfo=UTC)  # an offer in the list (OF21) does not say when it changed
OWN_CENTER = "DEFAULT"
AWAITING_DEBIT = "WAITING_DEBIT"


class _Code(msgspec.Struct):
    code: str | None = None


class _Fulfilment(msgspec.Struct):
    center: _Code | None = None


class _SellerOrder(msgspec.Struct):
    """What only a seller asks of an order: who sends it, and in which channel of the operator's it was bought."""

    fulfillment: _Fulfilment | None = None
    channel: _Code | None = None


class OneRefund(msgspec.Struct):
    """The record the hub keeps of a refund on an order line, with what the order says around it."""

    order_id: str
    order_line_id: str
    currency_iso_code: str
    refund: shapes.Refund
    order_tax_mode: str | None = None


class ShopOffer(shapes.Offer):
    active: bool | None = None
    inactivity_reasons: list[str] | None = None


class Import(msgspec.Struct):
    """Where an import stands (OF02, OF04, PRI02, STO02): counters differ by lane."""

    import_id: shapes.Id
    status: str
    date_created: str | None = None
    has_error_report: bool | None = None
    lines_in_error: int | None = None
    lines_in_success: int | None = None
    lines_in_pending: int | None = None
    reason_status: str | None = None


class ImportWhole(msgspec.Struct, rename={"of": "import"}):
    """The record the hub keeps of an import: its lane, what the list says, and its error report where it has one."""

    lane: str
    of: Import
    report: str = ""


@total
def order(body: bytes) -> OrderSeen:
    """One order of ours (OR11, OR12). What waits for the buyer's money waits for payment, whatever was accepted."""
    seen = translate.order(body)
    if not isinstance(seen, OrderSeen):
        raise _again(seen)
    more = typed(body, _SellerOrder)
    center = more.fulfillment.center if more.fulfillment else None
    state = LegState.AWAITING_PAYMENT if seen.their_state.startswith(AWAITING_DEBIT) else seen.state
    return replace(
        seen,
        commercial_id=seen.order_id,
        seller_id=US,
        state=seen.state if isinstance(seen.state, Unrecognised) else state,
        lines=tuple(replace(line, refunds=()) for line in seen.lines),
        fulfilled_by="seller" if center is None or center.code in (None, OWN_CENTER) else "marketplace",
        market=(more.channel.code if more.channel else None) or "",
    )


def _again(seen: Malformed | Unrecognised) -> Exception:
    """What a shared reader could not read, for our own to say again."""
    return Unreadable(seen.what, seen.where) if isinstance(seen, Malformed) else UnknownWord(seen.field, seen.word)


@total
def refund(body: bytes) -> ChannelRefundSeen:
    """One refund on an order line. The order does not say who decided it: by us, until somebody says otherwise [guess]."""
    kept = typed(body, OneRefund)
    currency, given = kept.currency_iso_code, kept.refund
    taxes = [*(given.taxes or ()), *(given.shipping_taxes or ())] if kept.order_tax_mode == "TAX_EXCLUDED" else []
    return ChannelRefundSeen(
        refund_id=str(given.id),
        order_id=kept.order_id,
        order_line_id=kept.order_line_id,
        amount_minor=minor(given.amount, currency, "$.refund.amount")
        + minor(given.shipping_amount, currency, "$.refund.shipping_amount")
        + sum(minor(tax.amount, currency, "$.refund.taxes") for tax in taxes),
        currency=currency,
        by="seller",
        reason=given.reason_code or "",
        at=instant(given.created_date, "$.refund.created_date"),
    )


# Why an offer is not active. Not here: it is not shown, and the reason is told as it stands.
REFUSED_REASONS = frozenset(
    {
        "PRODUCT_STATUS_INVALID",
        "PRODUCT_STATUS_REJECTED",
        "PRODUCT_STATUS_UNAUTHORIZED_TO_SELL",
        "PRODUCT_STATUS_SYNCHRO_ERROR",
        "CATEGORY_UNAUTHORIZED_TO_SELL",
        "BRAND_UNAUTHORIZED_TO_SELL",
        "NO_ACTIVE_PRICE",
        "NO_MIN_SHIPPING_RATE",
        "SHOP_CURRENCY_DISABLED",
        "NO_CHANNEL_ON_SHOP",
    }
)
PENDING_REASONS = frozenset({"PRODUCT_STATUS_NEW", "PRODUCT_STATUS_PENDING"})
WILL_PASS = frozenset({"ZERO_QUANTITY", "NOT_IN_AVAILABILITY_PERIOD", *PENDING_REASONS})


@total
def listing(body: bytes) -> ListingSeen:
    """One of our offers (OF21)."""
    offer = typed(body, ShopOffer)
    reasons = offer.inactivity_reasons or []
    currency = offer.currency_iso_code or ""
    told = offer.price is not None and currency  # the list may leave the currency out; a bare number is no price
    return ListingSeen(
        sku=offer.shop_sku,
        state=_listing_state(offer.active, reasons),
        their_state="ACTIVE" if offer.active else "/".join(reasons) or "INACTIVE",
        updated_at=NOT_SAID,
        their_id=str(offer.offer_id),
        product_type=offer.category_code or "",
        price_minor=minor(offer.price, currency, "$.price") if told else None,
        currency=currency,
        quantity=offer.quantity,
        issues=tuple(Issue(code, code, severity="warning" if code in WILL_PASS else "error") for code in reasons),
    )


def _listing_state(active: bool | None, reasons: list[str]) -> ListingState:
    if active:
        return ListingState.LIVE
    if REFUSED_REASONS & set(reasons):
        return ListingState.ISSUE
    passing = bool(reasons) and WILL_PASS.issuperset(reasons)  # sold out is nobody's fault: nothing was taken off
    return ListingState.ACCEPTED if passing or PENDING_REASONS & set(reasons) else ListingState.SUPPRESSED


@total
def cycle(body: bytes) -> CycleSeen:
    """One billing cycle of ours (SBC11)."""
    seen = translate.cycle(body)
    if not isinstance(seen, CycleSeen):
        raise _again(seen)
    return replace(seen, seller_id=US)


@total
def line(body: bytes) -> StatementLineSeen:
    """One line of our transaction log (TL02)."""
    seen = translate.transaction(body)
    if not isinstance(seen, StatementLineSeen):
        raise _again(seen)
    return replace(seen, seller_id=US)


@total
def submission(body: bytes) -> SubmissionSeen:
    """One import (OF04, PRI02): what became of it, and of each row that was refused."""
    whole = typed(body, ImportWhole)
    one = whole.of
    if one.status not in IMPORT_DONE_BY_STATUS:
        state: SubmissionState | Unrecognised = Unrecognised("import.status", one.status)
    else:
        done = IMPORT_DONE_BY_STATUS[one.status]
        working = SubmissionState.TAKEN if one.status.startswith("WAITING") else SubmissionState.WORKING
        state = working if done is None else SubmissionState.DONE if done else SubmissionState.FAILED
    rejected = one.lines_in_error or 0
    results = [ItemResult(sku, False, "ROW_REFUSED", message) for sku, message in refused_rows(whole.report)]
    if state is SubmissionState.DONE and len(results) < rejected:
        more = f"{rejected - len(results)} of {rejected} refused rows are not named in their report"
        results.append(ItemResult("", False, "ROW_REFUSED", more))
    if state is SubmissionState.FAILED and one.reason_status:
        results.append(ItemResult("", False, "IMPORT_FAILED", one.reason_status))
    return SubmissionSeen(
        submission_id=submission_id(whole.lane, one.import_id),
        state=state,
        their_state=one.status,
        updated_at=instant(one.date_created, "$.import.date_created") if one.date_created else NOT_SAID,
        kind=whole.lane,
        items=rejected + (one.lines_in_success or 0) + (one.lines_in_pending or 0),
        rejected=rejected,
        results=tuple(results),
    )


def submission_id(lane: str, import_id: shapes.Id) -> str:
    """Numbers are unique within a lane only."""
    return f"{lane}:{import_id}"


SKU_HEADERS = ("offer-sku", "sku", "shop-sku", "shop_sku")


def refused_rows(report: str) -> list[tuple[str, str]]:
    """SKU and message of each row of an error report; headers are matched loosely, as theirs differ. Errors: Unreadable."""
    if not report.strip():
        return []
    try:
        rows = list(csv.DictReader(io.StringIO(report.removeprefix("\ufeff"), newline=""), delimiter=";", strict=True))
    except csv.Error as error:
        raise Unreadable(f"the error report cannot be read: {error}", "$.report") from error
    found = []
    for row in rows:
        named = {(name or "").strip().lower(): value for name, value in row.items() if isinstance(value, str)}
        sku = next((named[name] for name in SKU_HEADERS if named.get(name)), "")
        found.append((sku, named.get("error-message") or "the row was refused"))
    return found
