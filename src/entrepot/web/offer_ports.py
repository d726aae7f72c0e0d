"""What the pages of offers, and the door for sellers' answers, ask of ownership."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from entrepot.ownership.model import Value
from entrepot.web.views.offers import AnswerTaken, AskedView, GivenAnswer


@dataclass(frozen=True, slots=True)
class Acting:
    """Who pulls a lever, and for which team: its party is what the plan gives rights to."""

    name: str
    team: str


class OfferDesk(Protocol):
    """A person's levers on one offer, within what the plan gives his team's party; each answers in a sentence.

    Errors: OwnerDecides in words that say who may, or what must come first; NotNow when somebody else is at it.
    """

    def hold(self, account: str, offer_id: str, field: str, by: Acting, reason: str, until: datetime) -> str: ...

    def release(self, hold_id: str, by: Acting, reason: str) -> str: ...

    def override(
        self, account: str, offer_id: str, field: str, value: Value, by: Acting, reason: str, until: datetime
    ) -> str:
        """A large one is asked for, and counts when a second person confirms it: the answer says which."""
        ...

    def confirm(self, override_id: str, by: Acting, reason: str) -> str: ...

    def end(self, override_id: str, by: Acting, reason: str) -> str: ...

    def ask(self, account: str, offer_id: str, field: str, wanted: Value, by: Acting, reason: str) -> str:
        """Ask the owner for another value; it goes into his next message."""
        ...


class AnswerDesk(Protocol):
    """What a single-use link opens, and what is answered through it.  Shape: `token` is what the link holds, in clear."""

    def asked(self, token: str) -> AskedView | None:
        """None: used, or never given. Looking uses nothing up."""
        ...

    def answer(self, token: str, given: Sequence[GivenAnswer]) -> AnswerTaken | None:
        """All rows or none, once; None when another answer came first."""
        ...
