"""What a channel demands of us for one order, from dated rules: kind, due time, penalty. Pure.

The rules stand in the channel's manifest (`[[obligations]]`), with their source and the day they were read; the plan's account may set
another time for a kind (`obligations:`). Windows differ by market and change: the rule of the day the order was placed counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from entrepot.blueprint.model import Account, Calendar
from entrepot.blueprint.units import parse_window
from entrepot.connectors.manifest import ObligationRow
from entrepot.kernel.errors import WrongSetting
from entrepot.trade.order.model import LineSeen, OrderSeen

ACKNOWLEDGE, SHIP, CANCELLED = "acknowledge", "ship", "cancelled-by-channel"
KINDS = {"acknowledge": ACKNOWLEDGE, "ship": SHIP, "cancelled": CANCELLED}
OF_ORDERS = frozenset(KINDS)
ALL_DAYS = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Duty:
    """One obligation of one order, or of one line of it. `line_id`: the channel's; '' for the whole order."""

    kind: str
    starts_at: datetime
    due_at: datetime
    penalty: str
    source: str
    line_id: str = ""


def duties(
    rules: Sequence[ObligationRow], account: Account, calendar: Calendar | None, zone: str, order: OrderSeen
) -> list[Duty]:
    """Of an order that somebody waits for us to deliver: none when the marketplace delivers it."""
    if order.fulfilled_by != "seller":
        return []
    own = {str(kind): within for kind, within in account.obligations.items()}
    placed_on = order.created_at.astimezone(ZoneInfo(zone)).date()
    found = []
    for rule in _in_force(rules, placed_on, order.market):
        within = own.get(rule.kind, rule.within)
        for line, starts_at in _starts(rule, order):
            due_at = due(starts_at, within, calendar, zone)
            found.append(Duty(KINDS[rule.kind], min(order.created_at, due_at), due_at, rule.penalty, rule.source, line))
    return found


def rule_of(rules: Sequence[ObligationRow], kind: str, placed_on: date, market: str) -> ObligationRow | None:
    """The published rule behind an obligation of this kind; None when the channel has none for such an order."""
    return next((rule for rule in _in_force(rules, placed_on, market) if KINDS[rule.kind] == kind), None)


def _in_force(rules: Sequence[ObligationRow], on: date, market: str) -> Iterator[ObligationRow]:
    """A rule said of a market goes before one that is said of all."""
    named = {rule.kind for rule in rules if market and market in rule.markets and _holds(rule, on)}
    for rule in rules:
        if rule.kind not in OF_ORDERS or not _holds(rule, on):
            continue
        if market in rule.markets or (not rule.markets and rule.kind not in named):
            yield rule


def _holds(rule: ObligationRow, on: date) -> bool:
    return rule.since <= on.isoformat() < rule.until


def _starts(rule: ObligationRow, order: OrderSeen) -> Iterator[tuple[str, datetime]]:
    """(line or '', instant) from which the time runs; what names no such instant has no such duty."""
    if rule.per == "line":
        for line in order.lines:
            if (at := _instant(rule.starts, order, line)) is not None:
                yield line.order_line_id, at
        return
    lines = [at for line in order.lines if (at := _instant(rule.starts, order, line)) is not None]
    if lines:
        yield "", min(lines)


def _instant(starts: str, order: OrderSeen, line: LineSeen) -> datetime | None:
    match starts:
        case "placed":
            return order.created_at
        case "ship-by":
            return line.ship_due_at or order.ship_due_at
        case "deliver-by":
            return order.deliver_due_at
        case _:  # given with the dispute or the return itself: not a duty of the order
            return None


def due(starts_at: datetime, within: str, calendar: Calendar | None, zone: str) -> datetime:
    """So long after an instant. `7 working-days` are counted in the account's calendar, on the channel's own clock.

    Errors: WrongSetting for words that are no time.
    """
    try:
        window = parse_window(within)
    except ValueError as error:
        raise WrongSetting(str(error), within=within) from error
    if isinstance(window, timedelta):
        return starts_at + window
    return working_days_after(starts_at, window, calendar, zone)


def working_days_after(starts_at: datetime, days: int, calendar: Calendar | None, zone: str) -> datetime:
    """The same time of day so many working days later; Saturdays, Sundays and the calendar's holidays do not count."""
    where = ZoneInfo(calendar.hours.zone if calendar else zone)
    week = {n for n, spans in enumerate(calendar.hours.week) if spans} if calendar else set(range(5))
    holidays = set(calendar.holidays) if calendar else set()
    at = starts_at.astimezone(where)
    while days > 0:
        at += timedelta(days=1)
        days -= 1 if at.weekday() in (week or ALL_DAYS) and at.date() not in holidays else 0
    return at.astimezone(UTC)


def mode_of(kind: str) -> str:
    """Which failure it is when such a duty is at risk."""
    return {ACKNOWLEDGE: "ack-at-risk", SHIP: "ship-late", CANCELLED: "ship-late"}[kind]


def by_kind(found: Sequence[Duty]) -> Mapping[str, list[Duty]]:
    kinds: dict[str, list[Duty]] = {}
    for duty in found:
        kinds.setdefault(duty.kind, []).append(duty)
    return kinds
