"""The numbers of a settlement: how long we wait for whom, and from which amount a person is asked."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """`lines_wait`: a statement that does not add up is given this long for its missing lines before a person looks.
    `listing_lag`: a fact of ours may take this long until they list it; younger ones are not missing yet.
    `look_back`: older facts than this were looked for often enough.
    `case_from_minor`: differences of one cause that add up to less make no case; they still need a decision.
    """

    lines_wait: timedelta = timedelta(hours=6)
    listing_lag: timedelta = timedelta(hours=48)
    look_back: timedelta = timedelta(days=120)
    case_from_minor: int = 1


DEFAULT_POLICY = Policy()
STATEMENTS_PER_RUN = 50
RECHECKED_PER_RUN = 500
EXPLANATIONS_SHOWN = 20
