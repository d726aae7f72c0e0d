"""What is heard about payouts and what follows from it: frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.cases.model import CaseAsked


@dataclass(frozen=True, slots=True)
class TransferHeard:
    """A transfer to a seller, as the gateway tells it. `reference`: the voucher it pays. Units: minor units."""

    transfer_id: str
    reference: str
    amount_minor: int
    currency: str
    at: datetime
    failure_reason: str = ""


@dataclass(frozen=True, slots=True)
class Confirm:
    """The marketplace is to be told that a cycle was paid: the payload of `mirakl.confirm-payout`."""

    key: str
    account: str
    root: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Nothing:
    """Known already."""

    why: str


@dataclass(frozen=True, slots=True)
class NotKnown:
    """No payout has this voucher yet: the cycle's news is still on its way."""

    why: str


@dataclass(frozen=True, slots=True)
class Disputed:
    """The money moved (and is in the books), but not as computed: a person decides, nothing is confirmed."""

    case: CaseAsked


PayoutVerdict = Confirm | Nothing | NotKnown | Disputed
