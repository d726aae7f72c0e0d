"""States of a listing (an offer of ours on one channel): accepted is not live. Source: design of the domain.

No table of moves: what a channel shows is so, whatever it showed before; only its older news is passed over. What we do ourselves (requested,
submitted) never overwrites what it shows.
"""

from enum import StrEnum


class ListingState(StrEnum):
    REQUESTED = "requested"
    SUBMITTED = "submitted"  # they took our words (transport), under a number
    ACCEPTED = "accepted"  # they found nothing wrong; not yet to be bought
    LIVE = "live"
    ISSUE = "issue"  # refused, with reasons: somebody has to correct something
    SUPPRESSED = "suppressed"  # it was live and is not shown any more
    ENDED = "ended"


class SubmissionState(StrEnum):
    """A batch as the channel works it off: the second of three levels (transport, batch, item)."""

    TAKEN = "taken"
    WORKING = "working"
    DONE = "done"  # worked off: each item has its own answer
    FAILED = "failed"  # as a whole
