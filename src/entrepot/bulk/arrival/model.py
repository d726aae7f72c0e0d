"""One file from the moment it is seen."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from entrepot.bulk.refusals import Reason
from entrepot.kernel.ctx import Row


class State(StrEnum):
    ARRIVING = "arriving"  # seen once, or grown since, or an archive without an end
    FOUND = "found"  # two looks found it the same: to be fetched
    KEPT = "kept"  # whole in the state folder: to be read
    READING = "reading"
    APPLIED = "applied"
    SAME = "same"  # its content counted already
    REFUSED = "refused"  # it can never be read as it is
    REPLACED = "replaced"  # another version lies in its place, or it was taken away before it was fetched


MOVES = {
    State.ARRIVING: frozenset({State.FOUND, State.REFUSED, State.REPLACED}),
    State.FOUND: frozenset({State.KEPT, State.ARRIVING, State.REFUSED, State.REPLACED}),
    State.KEPT: frozenset({State.READING, State.REFUSED}),
    State.READING: frozenset({State.KEPT, State.APPLIED, State.SAME, State.REFUSED}),
    State.APPLIED: frozenset({State.KEPT}),  # read again, by another mapping
    State.SAME: frozenset({State.KEPT}),
    State.REFUSED: frozenset({State.KEPT}),
    State.REPLACED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What is known of a file that comes in by a door. `by`: who sent it, in words."""

    account: str
    seller: str
    door: str
    name: str
    complete: bool
    by: str
    feed: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that can never be read as it is: what is wrong, where, whose it is to mend."""

    code: Reason
    what: str
    where: str
    whose: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """One row, as far as the hub goes on with it."""

    id: str
    account: str
    seller: str
    door: str
    feed: str
    origin: str
    name: str
    size_bytes: int
    stamp: str
    digest: str
    complete: bool
    state: State
    seen_at: datetime
    cut_since: datetime | None
    tries: int
    is_here: bool

    @staticmethod
    def of(row: Row) -> "Arrival":
        return Arrival(**{name: row[name] for name in Arrival.__slots__} | {"state": State(row["state"])})
