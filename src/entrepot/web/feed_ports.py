"""What the pages of sellers' files ask of the bulk plane."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from entrepot.bulk.arrival.model import Sent
from entrepot.bulk.arrival.service import Receiving
from entrepot.web.views.feeds import MappingView


class FeedDesk(Protocol):
    """Errors: OwnerDecides in words that say what must come first; NotNow when somebody else is at it."""

    def receive(self, sent: Sent) -> Receiving:
        """A file begins to come in."""
        ...

    def keep(self, receiving: Receiving) -> str:
        """It is whole; its id."""
        ...

    def again(self, arrival_id: str) -> None:
        """Read it once more, with the mapping and the plan as they are now."""
        ...

    def reject_lines(self, arrival_id: str) -> Iterator[str] | None:
        """Its rejected rows as a CSV in the seller's own columns; None where the file is not here any more."""
        ...

    def mapping(
        self, account: str, seller: str, arrival_id: str, draft: Mapping[str, Any] | None
    ) -> MappingView | None:
        """One of his files (empty: the newest that is here) as the draft would read it; without one, as it is read now. None: there is no file."""
        ...

    def save(self, account: str, seller: str, draft: Mapping[str, Any], by: str, reason: str) -> int:
        """A new version; its number."""
        ...
