"""What one look at a folder says about its files: which are still growing, which stand still, which are new versions. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.bulk.arrival.model import Arrival, State
from entrepot.bulk.arrival.places import Seen

CUT_MAX = timedelta(hours=1)  # how long an archive may lie without its end, and a file without a byte
OPEN = (State.ARRIVING, State.FOUND)


@dataclass(frozen=True, slots=True)
class Move:
    """One file's next state. `known` None: a new arrival. `seen` None: it is not there any more."""

    known: Arrival | None
    seen: Seen | None
    to: State
    cut_since: datetime | None = None


def moves(
    seen: Sequence[Seen], known: Mapping[str, Arrival], open_: Sequence[Arrival], now: datetime
) -> Iterator[Move]:
    """`known`: the newest arrival of each file seen; `open_`: all that were not fetched yet."""
    for one in seen:
        last = known.get(one.origin)
        if last is None or (last.state not in OPEN and not _same(one, last)):
            yield Move(None, one, State.ARRIVING, _cut(one, None, now))
        elif last.state not in OPEN:
            continue
        elif not _same(one, last):
            yield Move(last, one, State.ARRIVING, _cut(one, None, now))
        elif last.state is State.ARRIVING and (last.cut_since is None or now - last.cut_since >= CUT_MAX):
            yield Move(last, one, State.FOUND, last.cut_since)
    there = {one.origin for one in seen}
    for gone in open_:
        if gone.origin not in there:
            yield Move(gone, None, State.REPLACED)


def _same(one: Seen, last: Arrival) -> bool:
    return (one.size_bytes, one.stamp) == (last.size_bytes, last.stamp)


def _cut(one: Seen, since: datetime | None, now: datetime) -> datetime | None:
    """A file without a byte is one that somebody has just begun to write."""
    return since or now if one.size_bytes == 0 else None
