"""How Amazon judges the account: the performance report, its measures by our names, with their own targets.

Source: the published schema accountHealthReport-2020-11-18. A target is kept as they state it: less than it is good, or more.
"""

from decimal import Decimal
from typing import Any

import msgspec

from entrepot.connectors.amazon.records import HEALTH, Records, packed
from entrepot.connectors.amazon.reports import Report, RequestedReport
from entrepot.connectors.amazon.wire import Wire
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.port import Limit, Received
from entrepot.connectors.reading import UnknownWord, Unreadable, instant, sortable, total, typed
from entrepot.trade.listing.model import HealthSeen, Measure

PERFORMANCE = "GET_V2_SELLER_PERFORMANCE_REPORT"
NORMAL = "NORMAL"
NAME = {
    "lateShipmentRate": "late-shipments",
    "preFulfillmentCancellationRate": "cancellations",
    "prefulfillmentCancelRate": "cancellations",
    "orderDefectRate.mfn": "defects",
    "validTrackingRate": "valid-tracking",
    "onTimeDeliveryRate": "on-time-delivery",
}
TOO_MUCH_IS_BAD = {"LESS_THAN": True, "EQUALS": True, "GREATER_THAN": False}


_row = msgspec.json.Decoder(dict[str, msgspec.Raw])
_rows = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


class _Status(msgspec.Struct):
    marketplaceId: str
    status: str


class _Measure(msgspec.Struct):
    rate: Decimal | None = None
    targetValue: Decimal | None = None
    targetCondition: str | None = None


class _Told(msgspec.Struct):
    accountStatuses: list[_Status]
    performanceMetrics: msgspec.Raw


class _Record(msgspec.Struct):
    """A record of ours: their report, whose account it is of, when it was made."""

    account_id: str
    marketplace_id: str
    measured_at: str
    report: _Told


@total
def health(body: bytes) -> HealthSeen:
    seen = typed(body, _Record)
    statuses = {one.marketplaceId: one.status for one in seen.report.accountStatuses}
    standing = statuses.get(seen.marketplace_id, "")
    if not standing:
        raise Unreadable(f"no status of {seen.marketplace_id}", "$.report.accountStatuses")
    measures = [
        measure
        for name, raw in _metrics(seen).items()
        for measure in (_split_rate(raw) if name == "orderDefectRate" else [_measure(name, raw)])
        if measure is not None
    ]
    return HealthSeen(
        account_id=seen.account_id,
        measured_at=instant(seen.measured_at, "$.measured_at"),
        standing=standing,
        measures=tuple(sorted(measures, key=lambda one: one.their_name)),
        at_risk=standing != NORMAL,
    )


def _metrics(seen: _Record) -> dict[str, msgspec.Raw]:
    """Of our marketplace. The schema shows a list, answers have been seen with one object."""
    raw = bytes(seen.report.performanceMetrics)
    try:
        listed = raw[:1] == b"["
        rows = _rows.decode(raw) if listed else [_row.decode(raw)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"neither measures nor a list of them ({error})", "$.report.performanceMetrics") from error
    for row in rows:
        if _text(row.get("marketplaceId")) in (seen.marketplace_id, None):
            return row
    return {}


def _text(raw: msgspec.Raw | None) -> Any:
    if raw is None:
        return None
    try:
        return msgspec.json.decode(bytes(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _split_rate(raw: msgspec.Raw) -> list[Measure | None]:
    """Defects are measured apart for what we deliver and what they deliver."""
    try:
        parts = msgspec.json.decode(bytes(raw), type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"not a measure ({error})", "$.report.performanceMetrics.orderDefectRate") from error
    return [_measure(f"orderDefectRate.{name}", part) for name, part in sorted(parts.items())]


def _measure(their_name: str, raw: msgspec.Raw) -> Measure | None:
    """None: what has no rate (a count of violations, a rating, the marketplace)."""
    if bytes(raw)[:1] != b"{":
        return None
    where = f"$.report.performanceMetrics.{their_name}"
    try:
        seen = typed(raw, _Measure)
    except Unreadable as error:
        raise Unreadable(error.what, where) from error
    if seen.rate is None:
        return None
    condition = seen.targetCondition or "LESS_THAN"
    if condition not in TOO_MUCH_IS_BAD:
        raise UnknownWord(f"{their_name}.targetCondition", condition)
    if not seen.rate.is_finite() or (seen.targetValue is not None and not seen.targetValue.is_finite()):
        raise Unreadable("not a rate", where)
    limit = None if seen.targetValue is None else float(seen.targetValue)
    return Measure(
        NAME.get(their_name, their_name), float(seen.rate), their_name, limit, above=TOO_MUCH_IS_BAD[condition]
    )


def account_health(row: SourceRow, wire: Wire, records: Records, limit: Limit | None) -> RequestedReport:
    def tell(report: Report, body: bytes) -> tuple[Received, ...]:
        made = instant(report.processingEndTime or report.createdTime, "$.processingEndTime")
        record = packed(
            {
                "account_id": wire.seller_id,
                "marketplace_id": wire.marketplace_id,
                "measured_at": sortable(made),
                "report": msgspec.Raw(body),
            }
        )
        name = f"{wire.seller_id}/{wire.marketplace_id}"
        return (records.make(HEALTH, name, sortable(made), record, 0, f"account:{records.account}"),)

    return RequestedReport("account-health", row, PERFORMANCE, wire, limit, tell, spans=False)
