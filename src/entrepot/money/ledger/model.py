"""Journals and postings: frozen data. Amounts in minor units, debit positive, credit negative."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from entrepot.money.ledger.chart import LedgerAccount


class Witness(StrEnum):
    """Who vouches for an amount."""

    GATEWAY = "gateway"
    RATE_AGREEMENT = "rate-agreement"
    ERP = "erp"
    CARRIER = "carrier"
    BANK = "bank"
    MARKETPLACE = "marketplace"
    HUB = "hub"


@dataclass(frozen=True, slots=True)
class Posting:
    ledger_account: LedgerAccount
    currency: str
    amount_minor: int  # debit positive, credit negative, never zero
    witness: Witness
    seller_id: str = ""
    order_id: str = ""
    order_line_id: str = ""
    reference: str = ""
    line_type: str = ""  # the canonical statement line this posting answers; '' when no statement lists it


@dataclass(frozen=True, slots=True)
class Journal:
    """One business fact. `key`: made once from the fact's own ids; the same key is the same fact.

    `account`: the marketplace account for facts about sellers, the gateway account for facts about its balance
    (facts.Fact.book says which). A journal without postings (nothing but zeros) is legal here and is not written.
    """

    fact: str
    key: str
    account: str
    root: str
    effective_at: datetime
    postings: tuple[Posting, ...]
    message_id: str | None = None
    memo: str = ""
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """The part of a fact that belongs to one order line or one reference; `amounts` by the names of the fact table."""

    amounts: Mapping[str, int]
    order_line_id: str = ""
    reference: str = ""
