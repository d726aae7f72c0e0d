"""How eBay judges our account, in our words: seller standards, and how much of our call quotas is used up. Pure and total."""

from decimal import Decimal

import msgspec

from entrepot.connectors.ebay import shapes
from entrepot.connectors.ebay.listing import NOT_SAID
from entrepot.connectors.ebay.words import GOOD_WHEN_HIGH, LEVELS, MEASURE_BY_KEY
from entrepot.connectors.reading import (
    NOT_JSON,
    UnknownWord,
    Unreadable,
    maybe_instant,
    members,
    total,
    typed,
)
from entrepot.trade.listing.model import HealthSeen, Measure

CURRENT, RATE = "CURRENT", "RATE"
QUOTAS = "quotas"
NEARLY_USED_UP = 0.9
DIGITS_MAX = 9
LIST = "rateLimits"


@total
def health(body: bytes) -> HealthSeen:
    """A standards profile, or the quotas."""
    return _quotas(body) if LIST in members(body) else _standards(body)


def _standards(body: bytes) -> HealthSeen:
    """One profile (findSellerStandardsProfiles): PROJECTED is how it would be judged today."""
    seen = typed(body, shapes.Standards)
    if seen.standardsLevel not in LEVELS:
        raise UnknownWord("standardsLevel", seen.standardsLevel)
    cycle = seen.cycle.cycleType
    return HealthSeen(
        account_id=seen.program if cycle == CURRENT else f"{seen.program}:{cycle}",
        measured_at=maybe_instant(seen.cycle.evaluationDate, "$.cycle.evaluationDate") or NOT_SAID,
        standing=seen.standardsLevel,
        measures=tuple(measure for one in seen.metrics or () if (measure := _measure(one)) is not None),
        at_risk=seen.standardsLevel == "BELOW_STANDARD",
    )


def _measure(metric: shapes.Metric) -> Measure | None:
    """Rates only: days on site and turnover are no rates. They are given in per cent."""
    if metric.metricKey not in MEASURE_BY_KEY and metric.type != RATE:
        return None
    value = _number(metric.value)
    if value is None:
        return None
    name = MEASURE_BY_KEY.get(metric.metricKey, metric.metricKey)
    above = name not in GOOD_WHEN_HIGH
    bound = _number(metric.thresholdUpperBound if above else metric.thresholdLowerBound)
    return Measure(name, float(value / 100), metric.metricKey, None if bound is None else float(bound / 100), above)


def _number(told: msgspec.Raw) -> Decimal | None:
    """A number, a text, or an object with either as `value`; anything else is not said."""
    try:
        inner = members(told).get("value", shapes.NOTHING) if bytes(told).lstrip()[:1] == b"{" else told
        number = msgspec.json.decode(bytes(inner), type=Decimal | None)
    except (Unreadable, *NOT_JSON):
        return None
    return number if number is not None and number.is_finite() and abs(number.adjusted()) < DIGITS_MAX else None


def _quotas(body: bytes) -> HealthSeen:
    """The live figures (getRateLimits): which share of each quota is used up."""
    measures = []
    for quota in typed(body, shapes.Quotas).rateLimits:
        for resource in quota.resources or ():
            for rate in resource.rates or ():
                if rate.limit and rate.remaining is not None:
                    used = min(1.0, max(0.0, (rate.limit - rate.remaining) / rate.limit))
                    name = f"{quota.apiContext or ''}.{quota.apiName or ''}.{resource.name}"
                    measures.append(Measure("quota-used", used, name, NEARLY_USED_UP, above=True))
    near = any(one.rate >= NEARLY_USED_UP for one in measures)
    return HealthSeen(QUOTAS, NOT_SAID, "", tuple(measures), at_risk=near)
