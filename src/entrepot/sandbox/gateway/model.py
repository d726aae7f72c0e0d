"""What the gateway remembers: authorisations, captures, releases, refunds, disputes, transfers.

Every amount of a buyer's money sits in a `Purse`: a fixed total spread over named buckets. Money only moves from one
bucket to another, so "authorised = captured + released + expired + open" cannot stop being true.
Units: int minor units of the object's currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


class Refusal(Exception):
    """The gateway says no. Shape: the wire's `{code, message, field}` and its status."""

    def __init__(self, status: int, code: str, message: str, where: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.where = where


class Purse:
    """A total that can be divided differently, never changed."""

    def __init__(self, total: int, buckets: Iterable[str]) -> None:
        names = tuple(buckets)
        self._held = dict.fromkeys(names, 0)
        self._held[names[0]] = total
        self.total = total

    def __getitem__(self, bucket: str) -> int:
        return self._held[bucket]

    def move(self, amount: int, source: str, target: str) -> None:
        """Errors: ValueError when the bucket holds less; callers refuse before it comes to that."""
        if not 0 < amount <= self._held[source]:
            raise ValueError(f"cannot move {amount} from {source!r} holding {self._held[source]}")
        self._held[source] -= amount
        self._held[target] += amount

    def balanced(self) -> bool:
        return sum(self._held.values()) == self.total and min(self._held.values()) >= 0


OPEN, CAPTURED, RELEASED, EXPIRED = "open", "captured", "released", "expired"
KEPT, REFUNDED, CHARGED_BACK = "kept", "refunded", "charged_back"


class AuthorisationState(StrEnum):
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass
class Authorisation:
    id: str
    reference: str
    customer_id: str
    currency: str
    created_at: datetime
    expires_at: datetime
    purse: Purse
    refunded_minor: int = 0
    charged_back_minor: int = 0

    @property
    def state(self) -> AuthorisationState:
        """Expired wins over captured: what was not taken in time cannot be taken any more."""
        if self.purse[OPEN]:
            return AuthorisationState.AUTHORISED
        if self.purse[EXPIRED]:
            return AuthorisationState.EXPIRED
        return AuthorisationState.CAPTURED if self.purse[CAPTURED] else AuthorisationState.RELEASED


@dataclass(frozen=True)
class Capture:
    id: str
    authorisation_id: str
    reference: str
    currency: str
    fee_minor: int
    created_at: datetime
    purse: Purse

    @property
    def amount_minor(self) -> int:
        return self.purse.total


@dataclass(frozen=True)
class Release:
    id: str
    authorisation_id: str
    reference: str
    amount_minor: int
    currency: str
    created_at: datetime


@dataclass(frozen=True)
class Refund:
    id: str
    capture_id: str
    authorisation_id: str
    reference: str
    amount_minor: int
    currency: str
    created_at: datetime


class TransferState(StrEnum):
    PAID = "paid"
    FAILED = "failed"


@dataclass
class Transfer:
    id: str
    reference: str
    destination: str
    amount_minor: int
    currency: str
    created_at: datetime
    state: TransferState
    failure_reason: str | None
    authorisation_id: None = None


@dataclass(frozen=True)
class Payout:
    """Money from the merchant's balance to the merchant's own bank account."""

    id: str
    reference: str
    amount_minor: int
    currency: str
    created_at: datetime
    authorisation_id: None = None


class DisputeState(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass
class Dispute:
    id: str
    capture_id: str
    authorisation_id: str
    reference: str
    reason: str
    amount_minor: int
    currency: str
    created_at: datetime
    evidence_due_at: datetime
    state: DisputeState = DisputeState.OPEN
    closed_at: datetime | None = None


Operation: TypeAlias = Capture | Release | Refund | Transfer
OPERATION_NAMES: dict[type, str] = {Capture: "capture", Release: "release", Refund: "refund", Transfer: "transfer"}


@dataclass(frozen=True)
class Terms:
    """What this gateway's contract says. Units: days, minor units, thousandths of the amount."""

    authorisation_days: int = 7
    evidence_days: int = 10
    fee_fixed_minor: int = 25
    fee_per_mille: int = 14
    dispute_fee_minor: int = 0
    refused_destinations: dict[str, str] = field(default_factory=dict)

    def capture_fee(self, amount_minor: int) -> int:
        """25 minor + 1.4 %, the percentage rounded half-up to a whole minor unit."""
        return self.fee_fixed_minor + (amount_minor * self.fee_per_mille + 500) // 1000
