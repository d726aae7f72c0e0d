"""Hold statement lines against postings: what matches, and what does not. Pure.

A line and a posting match when their declared identifiers and type are the same and the amounts are the same, to the
minor unit; one line may stand for several postings and several lines for one posting, when the sums are equal. An
identifier that one side leaves out (a statement without line numbers, say) is not held against it.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from entrepot.money.settlement.model import Author, LineType

Key = tuple[str, ...]
One = TypeVar("One", "Line", "Ours")


@dataclass(frozen=True, slots=True)
class Line:
    """A statement line, as it is held against the books."""

    id: str
    external_id: str
    type: str
    line_type: LineType
    amount_minor: int
    currency: str
    order_id: str = ""
    order_line_id: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Ours:
    """A posting that answers statement lines; `amount_minor` signed as the statement's author signs its lines."""

    journal_id: str
    number: int
    line_type: LineType
    amount_minor: int
    currency: str
    witness: str
    order_id: str = ""
    order_line_id: str = ""
    reference: str = ""
    free: bool = True  # not matched by another line yet


@dataclass(frozen=True, slots=True)
class Pair:
    """Lines and postings that speak of the same; equal sums unless it stands among the differences."""

    lines: tuple[Line, ...]
    ours: tuple[Ours, ...]

    @property
    def theirs_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def ours_minor(self) -> int:
        return sum(posting.amount_minor for posting in self.ours)


@dataclass(frozen=True, slots=True)
class Matching:
    """`differing`: same identifiers, other amounts. `unanswered`: lines no posting speaks of."""

    matched: tuple[Pair, ...]
    differing: tuple[Pair, ...]
    unanswered: tuple[Line, ...]


def key_of(one: Line | Ours) -> Key:
    return (one.currency, str(one.line_type), one.order_id, one.order_line_id, one.reference)


def match(lines: Sequence[Line], postings: Sequence[Ours]) -> Matching:
    """Pair what can be paired, finest identifiers first. Shape: deterministic in the order of what is given."""
    matched: list[Pair] = []
    open_ours = [posting for posting in postings if posting.free]
    answered = {key_of(posting) for posting in open_ours}
    silent = [line for line in lines if not line.amount_minor and key_of(line) not in answered]
    matched += [Pair((line,), ()) for line in silent]  # they say nothing is due, and so do we
    open_lines = [line for line in lines if line.amount_minor or key_of(line) in answered]
    for step in _STEPS:
        found = step(open_lines, open_ours)
        matched += found
        open_lines = _without(open_lines, (line for pair in found for line in pair.lines))
        open_ours = _without(open_ours, (posting for pair in found for posting in pair.ours))
    differing = [Pair(tuple(some), tuple(ours)) for _, some, ours in _grouped(open_lines, open_ours, key_of)]
    unanswered = _without(open_lines, (line for pair in differing for line in pair.lines))
    return Matching(tuple(matched), tuple(differing), tuple(unanswered))


def witness_of(pair: Pair, author: Author) -> str:
    """Who else than the author confirms every amount of this pair; '' when nobody does.

    Lines of zero that our books do not contradict are confirmed by the books themselves.
    """
    if not pair.ours:
        return "hub"
    witnesses = {posting.witness for posting in pair.ours}
    return min(witnesses) if author not in witnesses else ""


def ref(posting: Ours) -> tuple[str, int]:
    return (posting.journal_id, posting.number)


# -- inside ------------------------------------------------------------------------------------------------------------


def _exactly(lines: Sequence[Line], ours: Sequence[Ours]) -> list[Pair]:
    return [pair for _, some, postings in _grouped(lines, ours, key_of) for pair in _pair_up(some, postings)]


def _leaving_out(name: str) -> Callable[[Sequence[Line], Sequence[Ours]], list[Pair]]:
    """Pair those where one side does not declare the identifier `name`, but declares something else."""

    def key(one: Line | Ours) -> Key | None:
        rest = [getattr(one, other) for other in ("order_id", "order_line_id", "reference") if other != name]
        return (one.currency, str(one.line_type), *rest) if any(rest) else None

    def step(lines: Sequence[Line], ours: Sequence[Ours]) -> list[Pair]:
        found: list[Pair] = []
        for _, some, postings in _grouped(lines, ours, key):
            vague_lines = [line for line in some if not getattr(line, name)]
            found += _pair_up(vague_lines, postings)
            used = [posting for pair in found for posting in pair.ours]
            vague_ours = [posting for posting in _without(postings, used) if not getattr(posting, name)]
            found += _pair_up([line for line in some if getattr(line, name)], vague_ours)
        return found

    return step


_STEPS = (_exactly, _leaving_out("reference"), _leaving_out("order_line_id"))


def _pair_up(lines: Sequence[Line], ours: Sequence[Ours]) -> list[Pair]:
    """Equal amounts one to one; what is left all together, when the sums are equal."""
    by_amount: dict[int, deque[Ours]] = defaultdict(deque)
    for posting in ours:
        by_amount[posting.amount_minor].append(posting)
    pairs, left = [], []
    for line in lines:
        waiting = by_amount[line.amount_minor]
        if waiting:
            pairs.append(Pair((line,), (waiting.popleft(),)))
        else:
            left.append(line)
    rest = Pair(tuple(left), tuple(posting for waiting in by_amount.values() for posting in waiting))
    if rest.lines and rest.ours and rest.theirs_minor == rest.ours_minor:
        pairs.append(rest)
    return pairs


def _grouped(
    lines: Sequence[Line], ours: Sequence[Ours], key: Callable[[Line | Ours], Key | None]
) -> list[tuple[Key, list[Line], list[Ours]]]:
    some: dict[Key, list[Line]] = defaultdict(list)
    postings: dict[Key, list[Ours]] = defaultdict(list)
    for line in lines:
        if (found := key(line)) is not None:
            some[found].append(line)
    for posting in ours:
        if (found := key(posting)) is not None:
            postings[found].append(posting)
    return [(found, group, postings[found]) for found, group in some.items() if found in postings]


def _without(all_of: Sequence[One], gone: Iterable[One]) -> list[One]:
    used = set(gone)
    return [one for one in all_of if one not in used]
