"""The gateway's settlement report: every movement of the merchant's balance, by currency and UTC business day.

Shape: one settlement per currency and day that saw a movement; its lines are numbered from 1 in order of arrival.
Identities: gross = sum of line amounts, fee = sum of line fees, net = gross - fee,
closing balance = opening balance + net, and a settlement opens with the balance its predecessor closed with.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol


class LineType(StrEnum):
    CAPTURE = "capture"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    CHARGEBACK_REVERSAL = "chargeback_reversal"
    FEE = "fee"
    TRANSFER = "transfer"
    PAYOUT = "payout"


class Movement(Protocol):
    """What a settlement line is about: any of the gateway's operations."""

    @property
    def id(self) -> str: ...
    @property
    def reference(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def authorisation_id(self) -> str | None: ...


@dataclass(frozen=True)
class SettlementLine:
    """One movement. Units: minor units, signed as the merchant sees them; the fee is what it cost, never negative."""

    line_no: int
    type: LineType
    operation_id: str
    authorisation_id: str | None
    reference: str
    amount_minor: int
    fee_minor: int
    currency: str
    created_at: datetime


@dataclass
class Settlement:
    id: str
    currency: str
    opened_at: datetime
    opening_balance_minor: int
    closed_at: datetime | None = None
    lines: list[SettlementLine] = field(default_factory=list)

    def add(self, kind: LineType, of: Movement, amount_minor: int, fee_minor: int, now: datetime) -> None:
        line_no = len(self.lines) + 1
        self.lines.append(
            SettlementLine(
                line_no, kind, of.id, of.authorisation_id, of.reference, amount_minor, fee_minor, of.currency, now
            )
        )

    @property
    def gross_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def fee_minor(self) -> int:
        return sum(line.fee_minor for line in self.lines)

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.fee_minor

    @property
    def closing_balance_minor(self) -> int:
        return self.opening_balance_minor + self.net_minor


def day_start(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def day_end(instant: datetime) -> datetime:
    return day_start(instant) + timedelta(days=1)


class SettlementBook:
    """All settlements; at most one per currency is open."""

    def __init__(self) -> None:
        self.settlements: dict[str, Settlement] = {}
        self._open: dict[str, Settlement] = {}
        self._last_closed: dict[str, Settlement] = {}

    def open_for(self, currency: str) -> Settlement | None:
        return self._open.get(currency)

    def open(self, settlement_id: str, currency: str, now: datetime) -> Settlement:
        """Start the currency's day, or what is left of a day that was closed early."""
        before = self._last_closed.get(currency)
        opened_at = day_start(now)
        if before is not None and before.closed_at is not None:
            opened_at = max(opened_at, before.closed_at)
        balance = before.closing_balance_minor if before else 0
        settlement = Settlement(settlement_id, currency, opened_at, balance)
        self.settlements[settlement_id] = self._open[currency] = settlement
        return settlement

    def close(self, currency: str, at: datetime) -> Settlement:
        settlement = self._open.pop(currency)
        settlement.closed_at = at
        self._last_closed[currency] = settlement
        return settlement

    def balances(self) -> dict[str, int]:
        """The merchant's balance per currency, the open day included."""
        return {code: day.closing_balance_minor for code, day in sorted({**self._last_closed, **self._open}.items())}

    def closed_after(self, instant: datetime | None) -> list[Settlement]:
        """Closed settlements, oldest first: a report exists from the moment its day closes."""
        closed = [one for one in self.settlements.values() if one.closed_at is not None]
        return [one for one in closed if instant is None or (one.closed_at is not None and one.closed_at > instant)]
