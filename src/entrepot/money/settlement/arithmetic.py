"""A statement's own arithmetic: does it add up, and what does the operator keep of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from entrepot.money.settlement.families import FAMILY, OPERATOR_SHARE, Family
from entrepot.money.settlement.model import LineType


class Balance(StrEnum):
    BALANCED = "balanced"
    CARRIED_OVER = "carried-over"  # nothing is transferred, because its lines add up to nothing or less
    WAITING = "waiting"  # not yet; lines may still be on their way
    NO_LINES = "no-lines"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Sums:
    """Units: minor units of the statement's currency. `carried`: lines of earlier cycles that its voucher pays too."""

    total: int  # what they say is transferred, or the net of a gateway's report
    lines: int
    carried: int
    count: int

    @property
    def off(self) -> int:
        return self.total - self.lines - self.carried

    @property
    def own_total(self) -> int:
        """What its own lines should add up to."""
        return self.total - self.carried


def balance(sums: Sums, *, pays_sellers: bool, has_voucher: bool, waited: bool) -> Balance:
    """Judge by their own numbers alone.

    A total that is not zero and equals the lines proves that the lines are all there. Zero proves nothing: nobody says
    how many lines there should be, so a zero is believed only after waiting.
    """
    if not sums.off and sums.total:
        return Balance.BALANCED
    if not waited:
        return Balance.WAITING
    if not sums.off:
        return Balance.BALANCED
    if pays_sellers and not sums.total and not has_voucher and sums.lines < 0:
        return Balance.CARRIED_OVER
    return Balance.OFF if sums.count else Balance.NO_LINES


def operator_share(lines: Iterable[tuple[LineType, int]]) -> int:
    """What the operator keeps of a billing cycle: his lines, turned to his side. It may be negative."""
    return -sum(amount for line_type, amount in lines if FAMILY[line_type] in OPERATOR_SHARE)


def payment_of(lines: Iterable[tuple[LineType, int]]) -> int:
    """What the voucher of these lines pays: everything but the payment line itself."""
    return sum(amount for line_type, amount in lines if FAMILY[line_type] is not Family.PAYMENT)
