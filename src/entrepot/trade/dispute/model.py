"""What channels tell us about disputes and cancellation requests: frozen data, in our words."""

from dataclasses import dataclass
from datetime import datetime

from entrepot.kernel.outcome import Unrecognised


@dataclass(frozen=True, slots=True)
class DisputeSeen:
    """A buyer, or his bank, questions an order. `state`: open | action-needed | won | lost | closed.

    `kind`: claim | chargeback | incident. `respond_by`: null when nobody waits for us. `revision`: theirs, named in the answer.
    """

    dispute_id: str
    order_id: str
    kind: str
    state: str | Unrecognised
    their_state: str
    reason: str
    amount_minor: int
    currency: str
    opened_at: datetime
    updated_at: datetime
    respond_by: datetime | None = None
    revision: str = ""


@dataclass(frozen=True, slots=True)
class CancellationAsked:
    """The buyer wants an order cancelled. `state`: asked | approved | rejected | closed."""

    request_id: str
    order_id: str
    state: str | Unrecognised
    their_state: str
    asked_at: datetime
    updated_at: datetime
    respond_by: datetime | None = None
