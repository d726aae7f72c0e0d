"""Why a difference is there: each is given one cause, an owner and words that show both computations. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from entrepot.kernel.money import RATE_SCALE, Money, Rounding, divide
from entrepot.money.settlement.families import FAMILY, TAXES, Family
from entrepot.money.settlement.model import LineType
from entrepot.money.settlement.rules import Key, Line, Ours, Pair, key_of
from entrepot.money.settlement.states import Cause

ROUNDING_MINOR = 1  # a computed amount that differs by no more than this was rounded otherwise

OWNERS: Mapping[Cause, str] = dict.fromkeys(Cause, "finance-operations")

_COMMISSION = frozenset({Family.COMMISSION, Family.COMMISSION_RETURNED})
_BASES = {
    Family.COMMISSION: (LineType.ORDER_AMOUNT, LineType.ORDER_SHIPPING_AMOUNT),
    Family.COMMISSION_RETURNED: (LineType.REFUND_ORDER_AMOUNT, LineType.REFUND_ORDER_SHIPPING_AMOUNT),
}
_BY_FAMILY = {
    Family.FEES: Cause.FEE_UNKNOWN,
    Family.DOCUMENTS: Cause.MANUAL_DOCUMENT,
    Family.RESERVE: Cause.RESERVE,
    Family.OPERATOR_REMITTED: Cause.TAX,
    Family.UNRECOGNISED: Cause.FEE_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference with its cause. Units: minor units of `currency`; theirs less ours is what it is about."""

    cause: Cause
    theirs_minor: int
    ours_minor: int
    currency: str
    explanation: str
    line: Line | None = None  # the first of `lines`
    lines: tuple[Line, ...] = ()
    ours: tuple[Ours, ...] = ()

    @property
    def amount_minor(self) -> int:
        return self.theirs_minor - self.ours_minor

    @property
    def owner(self) -> str:
        return OWNERS[self.cause]


@dataclass(frozen=True, slots=True)
class Context:
    """What else is known: every posting of the orders concerned, matched or not, and the lines already matched."""

    postings: Sequence[Ours] = ()
    matched: Sequence[Line] = ()
    _bases: dict[tuple[str, str, LineType], int] = field(default_factory=lambda: defaultdict(int), init=False)
    _foreign: dict[Key, Ours] = field(default_factory=dict, init=False)
    _twins: set[tuple[Key, int]] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        for posting in self.postings:
            self._bases[posting.order_line_id, posting.reference, posting.line_type] += abs(posting.amount_minor)
            if posting.free:
                self._foreign.setdefault(key_of(posting)[1:], posting)
        self._twins.update((key_of(line), line.amount_minor) for line in self.matched)

    def base_of(self, line: Line) -> int:
        """What a commission line is a share of, by our books."""
        reference = line.reference if FAMILY[line.line_type] is Family.COMMISSION_RETURNED else ""
        types = _BASES[FAMILY[line.line_type]]
        return sum(self._bases.get((line.order_line_id, reference, line_type), 0) for line_type in types)

    def in_other_currency(self, line: Line) -> Ours | None:
        found = self._foreign.get(key_of(line)[1:])
        return found if found and found.currency != line.currency else None

    def is_twin(self, line: Line) -> bool:
        """The same identifiers, type and amount stand on a line that is matched already."""
        return (key_of(line), line.amount_minor) in self._twins


def explain(differing: Sequence[Pair], unanswered: Sequence[Line], context: Context) -> list[Difference]:
    """One cause for each difference. Shape: in the order given, differing amounts first."""
    rates = {
        (pair.lines[0].order_line_id, pair.lines[0].reference)
        for pair in differing
        if pair.lines[0].line_type in (LineType.COMMISSION_FEE, LineType.REFUND_COMMISSION_FEE)
    }
    return [_differs(pair, context, rates) for pair in differing] + [_alone(line, context) for line in unanswered]


def missing(posting: Ours, *, statement: str) -> Difference:
    """Our books say so, and no line of theirs does."""
    ours = Money(posting.amount_minor, posting.currency)
    words = f"our books say {ours} for {_what(posting)}; no line of {statement} or of any other statement does"
    return Difference(Cause.MISSING_IN_STATEMENT, 0, posting.amount_minor, posting.currency, words, ours=(posting,))


def imbalance(*, statement: str, total_minor: int, lines_minor: int, currency: str) -> Difference:
    """The statement does not add up by its own arithmetic, and a person accepted that."""
    total, lines = Money(total_minor, currency), Money(lines_minor, currency)
    words = f"{statement} says {total} in total; its own lines add up to {lines}"
    return Difference(Cause.AMOUNT_DIFFERS, total_minor, lines_minor, currency, words)


def percent(part_minor: int, base_minor: int) -> str:
    """A rate as people say it: the roundest one that gives this part of this base, `12 %`, `9.5 %`, else `11.996 %`."""
    if not base_minor:
        return "no base"
    part, base = abs(part_minor), abs(base_minor)
    rate = divide(part * RATE_SCALE, base, Rounding.HALF_EVEN)
    for step in (1_000, 500, 100, 10):
        round_rate = divide(rate, step, Rounding.HALF_EVEN) * step
        if divide(base * round_rate, RATE_SCALE, Rounding.HALF_EVEN) == part:
            rate = round_rate
            break
    whole, fraction = divmod(rate, 1_000)
    return f"{whole}.{fraction:03d}".rstrip("0").rstrip(".") + " %"


def _differs(pair: Pair, context: Context, rates: set[tuple[str, str]]) -> Difference:
    line = pair.lines[0]
    off = abs(pair.theirs_minor - pair.ours_minor)
    family = FAMILY[line.line_type]
    theirs, ours = Money(pair.theirs_minor, line.currency), Money(pair.ours_minor, line.currency)
    words = f"{_what(line)}: theirs {theirs}, ours {ours}"
    if family in _COMMISSION:
        words += _rates(pair, line, context)
    if off <= ROUNDING_MINOR and (family in _COMMISSION or line.line_type in TAXES):
        cause = Cause.ROUNDING
    elif family in _COMMISSION and (line.line_type not in TAXES or (line.order_line_id, line.reference) in rates):
        cause = Cause.COMMISSION_RATE_DIFFERS
    elif line.line_type in TAXES:
        cause = Cause.TAX
    else:
        cause = Cause.AMOUNT_DIFFERS
    return Difference(cause, pair.theirs_minor, pair.ours_minor, line.currency, words, line, pair.lines, pair.ours)


def _rates(pair: Pair, line: Line, context: Context) -> str:
    base = context.base_of(line)
    if line.line_type in TAXES or not base:
        return ""
    on = Money(base, line.currency)
    return f"; {percent(pair.theirs_minor, base)} against the agreed {percent(pair.ours_minor, base)} of {on}"


def _alone(line: Line, context: Context) -> Difference:
    theirs = Money(line.amount_minor, line.currency)
    other = context.in_other_currency(line)
    if other is not None:
        cause, why = Cause.FX, f"our books have it as {Money(other.amount_minor, other.currency)}"
    elif context.is_twin(line):
        cause, why = Cause.DUPLICATE_LINE, "the same amount for the same thing stands on another line already"
    elif line.line_type is LineType.UNRECOGNISED:
        cause, why = Cause.FEE_UNKNOWN, f"“{line.type}” is a kind of line we do not know"
    elif FAMILY[line.line_type] in _BY_FAMILY:
        cause, why = _BY_FAMILY[FAMILY[line.line_type]], "our books know nothing of it"
    else:
        cause, why = Cause.MISSING_IN_BOOKS, "our books know nothing of it"
    words = f"{_what(line)}, line {line.external_id}: theirs {theirs}; {why}"
    return Difference(cause, line.amount_minor, 0, line.currency, words, line, (line,))


def _what(one: Line | Ours) -> str:
    name = one.type if isinstance(one, Line) else str(one.line_type)
    where = one.order_line_id or one.order_id or one.reference
    return f"{name} of {where}" if where else name
