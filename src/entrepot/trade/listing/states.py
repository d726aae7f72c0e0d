"""Lifecycle of a listing (an offer of ours on one channel): accepted is not live. Source: design of the domain."""

from collections.abc import Mapping
from enum import StrEnum


class ListingState(StrEnum):
    REQUESTED = "requested"
    SUBMITTED = "submitted"  # they took our words (transport), under a number
    ACCEPTED = "accepted"  # they found nothing wrong; not yet to be bought
    LIVE = "live"
    ISSUE = "issue"  # refused, with reasons: somebody has to correct something
    SUPPRESSED = "suppressed"  # it was live and is not shown any more
    ENDED = "ended"


_SHOWN = frozenset({ListingState.ACCEPTED, ListingState.LIVE, ListingState.ISSUE, ListingState.SUPPRESSED})

# A look may miss states in between: what they show may follow anything but the end, and an ended listing is listed anew.
LISTING_MOVES: Mapping[ListingState, frozenset[ListingState]] = {
    ListingState.REQUESTED: _SHOWN | {ListingState.SUBMITTED, ListingState.ENDED},
    ListingState.SUBMITTED: _SHOWN | {ListingState.ENDED},
    ListingState.ACCEPTED: _SHOWN | {ListingState.SUBMITTED, ListingState.ENDED},
    ListingState.LIVE: _SHOWN | {ListingState.SUBMITTED, ListingState.ENDED},
    ListingState.ISSUE: _SHOWN | {ListingState.SUBMITTED, ListingState.ENDED},
    ListingState.SUPPRESSED: _SHOWN | {ListingState.SUBMITTED, ListingState.ENDED},
    ListingState.ENDED: frozenset({ListingState.REQUESTED, ListingState.SUBMITTED}),
}


class SubmissionState(StrEnum):
    """A batch as the channel works it off: the second of three levels (transport, batch, item)."""

    TAKEN = "taken"
    WORKING = "working"
    DONE = "done"  # worked off: each item has its own answer
    FAILED = "failed"  # as a whole
