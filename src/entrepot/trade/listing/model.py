"""What channels tell us about listings, submitted batches and the health of our account: frozen data, in our words."""

from dataclasses import dataclass
from datetime import datetime

from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.listing.states import ListingState, SubmissionState


@dataclass(frozen=True, slots=True)
class Issue:
    """What they find wrong. `code`, `message`: theirs, verbatim. `attribute`: theirs, of which owner it is told; '' for none."""

    code: str
    message: str
    attribute: str = ""
    severity: str = "error"  # error | warning


@dataclass(frozen=True, slots=True)
class ListingSeen:
    """One listing as the channel shows it. None: they did not say. `their_id`: their own number of it (ASIN, item id, offer id)."""

    sku: str
    state: ListingState | Unrecognised
    their_state: str
    updated_at: datetime
    their_id: str = ""
    product_type: str = ""
    price_minor: int | None = None
    currency: str = ""
    quantity: int | None = None
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The third level: what became of one item of a batch. `key`: ours (an order id, a SKU, our own number), as we sent it."""

    key: str
    accepted: bool
    code: str = ""
    message: str = ""
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class SubmissionSeen:
    """A batch of ours at the channel. `submission_id`: what the receipt of the effect named as `submission_id`."""

    submission_id: str
    state: SubmissionState | Unrecognised
    their_state: str
    updated_at: datetime
    kind: str = ""  # their word of what it carries
    items: int = 0
    rejected: int = 0
    results: tuple[ItemResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """One rate the channel measures of us. `limit`: theirs, when they say it; `above`: too much is bad."""

    name: str  # late-shipments | cancellations | defects | valid-tracking | on-time-delivery | their own word
    rate: float  # 0.04 = 4 %
    their_name: str
    limit: float | None = None
    above: bool = True


@dataclass(frozen=True, slots=True)
class HealthSeen:
    """How the channel judges our account. `standing`: theirs, verbatim (NORMAL, AT_RISK, BELOW_STANDARD ...)."""

    account_id: str
    measured_at: datetime
    standing: str
    measures: tuple[Measure, ...]
    at_risk: bool = False
