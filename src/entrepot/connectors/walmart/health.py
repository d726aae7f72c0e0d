"""The seller performance report: rates over 7 to 90 days, as percentages. Standards are judged over the last 30 days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec

from entrepot.connectors.manifest import LimitRow, SourceRow
from entrepot.connectors.naming import ByRow
from entrepot.connectors.port import Limit, Page, Translator
from entrepot.connectors.reading import NOT_JSON, Unreadable, canonical, total, typed
from entrepot.connectors.walmart.lists import page_of, unreadable
from entrepot.connectors.walmart.records import Records
from entrepot.connectors.walmart.wire import Wire
from entrepot.kernel.ctx import Ctx
from entrepot.trade.listing.model import HealthSeen, Measure

PATH = "/v3/report/payment/performance"
WINDOW = "30DAY"
PER_CENT = 100
# Their name -> ours, and whether too much of it is bad.
MEASURES: Mapping[str, tuple[str, bool]] = {
    "cancellationSellerFault": ("cancellations", True),
    "ots": ("on-time-shipment", False),
    "otd": ("on-time-delivery", False),
    "vtr": ("valid-tracking", False),
    "refundRateSellerFault": ("refunds", True),
}
Rates = dict[str, int | Decimal | None]


class _Report(msgspec.Struct):
    payload: dict[str, Rates] | None = None
    window: Rates | None = msgspec.field(name=WINDOW, default=None)
    partnerId: str = ""


class _Record(msgspec.Struct):
    on: str
    account: str
    report: _Report


def reader(limits: Mapping[str, LimitRow]) -> Translator:
    """The translator, with the published standards beside the rates: the report does not name them."""

    @total
    def read(body: bytes) -> HealthSeen:
        seen = typed(body, _Record)
        rates = (seen.report.payload or {}).get(WINDOW) or seen.report.window
        if not rates:
            raise Unreadable("no rates of the last 30 days", f"$.report.{WINDOW}")
        measures = tuple(_measure(name, rates[name], limits) for name in MEASURES if rates.get(name) is not None)
        try:
            measured_at = datetime.combine(date.fromisoformat(seen.on), datetime.min.time(), UTC)
        except ValueError as error:
            raise Unreadable(f"“{seen.on[:40]}” is not a day", "$.on") from error
        return HealthSeen(
            account_id=seen.report.partnerId or seen.account,
            measured_at=measured_at,
            standing="",  # they name none: the standards say who is at risk
            measures=measures,
            at_risk=any(_beyond(measure) for measure in measures),
        )

    return read


def _measure(name: str, per_cent: int | Decimal | None, limits: Mapping[str, LimitRow]) -> Measure:
    ours, above = MEASURES[name]
    number = Decimal(per_cent or 0)
    if not number.is_finite() or not 0 <= number <= PER_CENT:
        raise Unreadable(f"{number} is not a rate", f"$.report.{WINDOW}.{name}")
    limit = limits.get(ours)
    return Measure(ours, float(number / PER_CENT), name, limit.rate if limit else None, above)


def _beyond(measure: Measure) -> bool:
    if measure.limit is None:
        return False
    return measure.rate > measure.limit if measure.above else measure.rate < measure.limit


@dataclass(frozen=True, slots=True)
class Performance(ByRow):
    """One record per day at most: the same rates on the same day are the same record."""

    row: SourceRow
    wire: Wire
    records: Records
    limit: Limit | None
    account: str
    name: str = "performance"

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        page, empty = page_of(self.wire, ctx, self.row, PATH, ())
        if page.problem or empty:
            yield page
            return
        try:
            canonical(page.body)
            typed(page.body, _Report)
        except (Unreadable, *NOT_JSON) as error:
            where = error if isinstance(error, Unreadable) else Unreadable(f"not JSON: {error}")
            yield replace(page, problem=unreadable(where))
            return
        day = ctx.clock.now().date().isoformat()
        yield replace(page, received=(self.records.health(self.account, day, msgspec.Raw(page.body)),))
