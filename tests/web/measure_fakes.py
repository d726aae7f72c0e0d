"""Made-up measures of offers: within what the plan allows and beyond it, sellers and ourselves, words of others that are no markup."""

from datetime import UTC, datetime, timedelta

from web.channel_rows import AMAZON, EBAY

from entrepot.blueprint.load import load
from entrepot.insight.offers import Age, Handed, OfferMeasures, Oversell, Oversold, Reason, ToLive
from entrepot.web.store import measures
from entrepot.web.views import Link
from entrepot.web.views.measures import MeasuresView

ACCOUNT = "mirakl-fr/operator"
AT = datetime(2026, 11, 23, 13, 40, tzinfo=UTC)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MEASURED = OfferMeasures(
    handed=(
        Handed(ACCOUNT, "2001", 7, 8_412, 712, 31, 3, "case_01", 1041),
        Handed(ACCOUNT, "2003", 7, 1_000_000, 9_204, 18, 1, "case_02", 1042),
        Handed(AMAZON, "", 212, 1_904, 0, 12),
        Handed(ACCOUNT, "2004 <b>", 7, 40_000, 0, 0),
        Handed(ACCOUNT, "2005", 0, 0, 0, 4),
    ),
    reasons=(
        Reason("price", "limits", "hub", 8_803, 8_800, 3, 2, "“4.99” is outside at least 5.00 EUR, what this category allows.", ACCOUNT, "2003"),
        Reason("gtin", "marketplace-refused", "marketplace", 49, 12, 37, 2, "Unknown product <b>4006381333931</b>", ACCOUNT, "2001"),
        Reason("", "90057", "marketplace", 12, None, None, 1, "The ASIN does not exist in this marketplace", AMAZON, ""),
    ),
    ages=(
        Age("fed", ACCOUNT, 17_283, 1_044_102, timedelta(hours=3, minutes=12), timedelta(days=11, hours=4), 1_463, DAY),
        Age("pool", "oms@backoffice", 8_400, 8_400, minutes(14), minutes(96), 31, 2 * HOUR),
        Age("pool", "", 12, 12, minutes(1), minutes(2), 0, None),
    ),
    to_live=(
        ToLive("fed", ACCOUNT, 5_000, minutes(22), timedelta(hours=5, minutes=2), 310, 41, 12_000, 4 * HOUR),
        ToLive("own", AMAZON, 1_930, timedelta(seconds=46), minutes(3), 4, 0, 2, None),
        ToLive("own", EBAY, 0, None, None, 0, 0, 0, None),
    ),
    oversold=Oversold(14, 12, 2, (
        Oversell("case_03", 1043, "open", 3, "stock", "LAMP-1", "LAMP-1", "2 pieces of LAMP-1 are ordered and not there", AT, ("bas_1", "302-1112223-0000001")),
        Oversell("case_04", 1044, "resolved", 1, "effect", "eff_1", "", "the back office refused order 27-1: <b>out of stock</b>", AT - DAY, None),
    )),
)  # fmt: skip


class MeasureRecords:
    def measures(self, period: str, now: datetime) -> MeasuresView:
        if period == "24h":
            return measures.told(load(), period, OfferMeasures((), (), (), (), Oversold(0, 0, 0, ())), ())
        return measures.told(load(), period, MEASURED, (Link("LAMP-1", "/find?q=LAMP-1", "Stock of"), None))
