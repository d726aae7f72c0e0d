"""Walmart's numbers and instants: units by status of a line, quantities that are text, dates that are milliseconds."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from entrepot.connectors.reading import Unreadable, instant
from entrepot.connectors.walmart import shapes, words

UNITS_MAX = 1_000_000
DIGITS_MAX = 20


@dataclass(frozen=True, slots=True)
class Counted:
    """Units of one line. `words`: the statuses some unit is in. `unknown`: words nobody published."""

    quantity: int
    open: int  # created or acknowledged: still to be shipped
    shipped: int
    cancelled: int
    words: frozenset[str]
    unknown: tuple[str, ...]


def counted(line: shapes.OrderLine, n: int) -> Counted:
    """Errors: Unreadable when a quantity is none, or more units are counted than were ordered."""
    where = f"$.orderLines.orderLine[{n}]"
    quantity = whole(line.orderLineQuantity.amount, f"{where}.orderLineQuantity.amount")
    if quantity < 1:
        raise Unreadable("a line needs a positive quantity", f"{where}.orderLineQuantity.amount")
    found: dict[str, int] = {}
    unknown = []
    for status in line.orderLineStatuses.orderLineStatus:
        amount = whole(status.statusQuantity.amount, f"{where}.orderLineStatuses")
        word = words.STATUSES.get(status.status)
        if word is None:
            unknown.append(status.status)
        elif amount:
            found[word] = found.get(word, 0) + amount
    if not found and not unknown:
        raise Unreadable("a line in no status", f"{where}.orderLineStatuses.orderLineStatus")
    cancelled = found.get(words.CANCELLED, 0)
    waiting = found.get(words.CREATED, 0) + found.get(words.ACKNOWLEDGED, 0)
    if cancelled + waiting > quantity:
        raise Unreadable(f"{cancelled + waiting} of {quantity} units are counted", f"{where}.orderLineStatuses")
    # A refunded unit may be counted as shipped as well: what left us is never more than what was not cancelled.
    left = min(sum(found.get(word, 0) for word in words.LEFT_US), quantity - cancelled - waiting)
    return Counted(quantity, waiting, left, cancelled, frozenset(found), tuple(unknown))


def whole(amount: str | int | Decimal, where: str) -> int:
    """A quantity, however it is spelt: "1", 1, 1.0. Errors: Unreadable."""
    text = str(amount)
    if len(text) <= DIGITS_MAX:
        try:
            number = Decimal(text)
        except ArithmeticError:
            number = Decimal("NaN")
        if number.is_finite() and 0 <= number <= UNITS_MAX and number == int(number):
            return int(number)
    raise Unreadable(f"“{text[:40]}” is not a quantity", where)


def when(stamp: str | int, where: str) -> datetime:
    """Milliseconds since 1970, as a number or as text, or an ISO 8601 instant. Errors: Unreadable."""
    text = str(stamp)
    if not text.isdecimal():
        return instant(text, where)
    try:
        return datetime.fromtimestamp(int(text[:DIGITS_MAX]) / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Unreadable(f"“{text[:40]}” is not an instant", where) from error
