"""What an offer must be, as data; and the plain way to hold one record against it. plan.py asks the same of a frame of any length."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property

from entrepot.blueprint.owning import CONDITIONS
from entrepot.bulk.mapping import digest_of
from entrepot.kernel.money import Money, exponent

WHOLE = r"^[0-9]{1,9}$"
MONEY = {".": r"^([0-9]{1,12})(?:\.([0-9]+))?$", ",": r"^([0-9]{1,12})(?:,([0-9]+))?$"}  # by the decimal sign
GTIN = r"^(?:[0-9]{8}|[0-9]{12,14})$"
EVERY = "*"
_SMALL = {n: n + 32 for n in range(ord("A"), ord("Z") + 1)}
VALUE_MAX = 200  # letters of a value that a reject repeats


class Kind(StrEnum):
    """What a rule asks. All but REQUIRED and UNLESS are content with an empty field."""

    REQUIRED = "required"
    UNLESS = "unless"  # required where `other` is empty
    ONE_OF = "one-of"
    LONGEST = "longest"  # at most `high` letters
    BEGINS = "begins"
    ENDS = "ends"  # with one of `values`, which are in small letters
    WHOLE = "whole"  # a whole number from `low` to `high`
    GTIN = "gtin"
    AMOUNT = "amount"  # a decimal above zero
    SCALE = "scale"  # no more digits than the currency has
    LIMITS = "limits"  # of the category
    BELOW = "below"  # an amount below that of `other`
    SHARE = "share"  # an amount of at least `low` per cent of that of `other`


Within = tuple[tuple[str, tuple[str, ...]], ...]  # field → one of these words; all of them; none: everywhere


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `message` may name {value} and {limit}; `corrects`: who can mend it. `within`: where it counts, by the words of fields."""

    code: str
    field: str
    kind: Kind
    message: str
    corrects: str = "seller"
    values: tuple[str, ...] = ()
    within: Within = ()
    other: str = ""
    low: int = 0
    high: int = 0


@dataclass(frozen=True)
class Rulebook:
    """All rules for one account. `limits`: category → lowest and highest price in minor units of `currency`."""

    rules: tuple[Rule, ...]
    currency: str
    currencies: tuple[str, ...]
    limits: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)
    decimal: str = "."

    @cached_property
    def hash(self) -> str:
        """The version of everything a verdict depends on, except the words of the row itself."""
        return digest_of([asdict(one) for one in self.rules] + [self.currency, self.currencies, dict(self.limits), self.exponents, self.decimal])  # fmt: skip

    @cached_property
    def exponents(self) -> dict[str, int]:
        return {name: exponent(name) for name in self.currencies}

    def limit(self, category: str) -> tuple[int | None, int | None]:
        return self.limits.get(category) or self.limits.get(EVERY) or (None, None)


@dataclass(frozen=True, slots=True)
class Reject:
    """Why one row is not taken, for the one who mends it."""

    row: int
    sku: str
    field: str
    code: str
    value: str
    message: str
    corrects: str


UNREADABLE = Rule(
    "unreadable", "", Kind.REQUIRED, "The row cannot be read: a quote is open, or it holds what is no text."
)
COLUMNS = Rule("columns", "", Kind.REQUIRED, "The row has another number of cells than the header.")
REPEATED = Rule("sku-repeated", "sku", Kind.REQUIRED, "The SKU {value} stands {limit} times in the file; none of these rows is taken.")  # fmt: skip


def offer_rules(
    currency: str,
    *,
    also: Sequence[str] = (),
    limits: Mapping[str, tuple[int | None, int | None]] | None = None,
    categories: Sequence[str] = (),
    required: Mapping[str, Sequence[str]] | None = None,
    decimal: str = ".",
    more: Sequence[Rule] = (),
) -> Rulebook:
    """The rules every offer file is held against. `categories`: the list; none: any. `required`: field → categories that need it.

    `more`: of one account, as its plan declares them (demands.py).
    """
    listed = (Rule("category", "category", Kind.ONE_OF, "“{value}” is no category here.", values=tuple(categories)),)
    currencies = (currency, *sorted(also))
    return Rulebook(
        (
            Rule("required", "sku", Kind.REQUIRED, "The SKU is missing."),
            Rule("too-long", "sku", Kind.LONGEST, "The SKU has more than 40 letters.", high=40),
            Rule("gtin", "gtin", Kind.GTIN, "“{value}” is no GTIN: 8, 12, 13 or 14 digits, the last one checks the others."),
            Rule("required", "title", Kind.UNLESS, "A title is needed where no GTIN names the product.", other="gtin"),
            Rule("too-long", "title", Kind.LONGEST, "The title has more than 250 letters.", high=250),
            *(listed if categories else ()),
            *(
                Rule("required", name, Kind.REQUIRED, f"This category needs the {name}.", within=(("category", tuple(where)),) if where else ())
                for name, where in sorted((required or {}).items())
            ),
            Rule("condition", "condition", Kind.ONE_OF, f"“{{value}}” is no condition: {', '.join(CONDITIONS)}.", values=CONDITIONS),
            Rule("required", "price", Kind.REQUIRED, "The price is missing."),
            Rule("amount", "price", Kind.AMOUNT, "“{value}” is no price above zero."),
            Rule("scale", "price", Kind.SCALE, "“{value}” has more digits than the currency knows."),
            Rule("limits", "price", Kind.LIMITS, "“{value}” is outside {limit}, what this category allows."),
            Rule("amount", "sale_price", Kind.AMOUNT, "“{value}” is no price above zero."),
            Rule("scale", "sale_price", Kind.SCALE, "“{value}” has more digits than the currency knows."),
            Rule("not-below", "sale_price", Kind.BELOW, "The sale price {value} is not below the price.", other="price"),
            Rule("limits", "sale_price", Kind.LIMITS, "“{value}” is outside {limit}, what this category allows."),
            Rule("currency", "currency", Kind.ONE_OF, f"“{{value}}” is not sold in here: {', '.join(currencies)}.", values=currencies),
            Rule("required", "quantity", Kind.REQUIRED, "The quantity is missing."),
            Rule("quantity", "quantity", Kind.WHOLE, "“{value}” is no quantity from 0 to 999999999.", high=999_999_999),
            Rule("lead-time", "lead_days", Kind.WHOLE, "“{value}” is no number of days from 0 to 60.", high=60),
            Rule("image", "image", Kind.BEGINS, "“{value}” is no address of an image: https://…", values=("https://",)),
            *more,
        ),
        currency,
        currencies,
        limits or {},
        decimal,
    )  # fmt: skip


def broken(book: Rulebook, record: Mapping[str, str]) -> list[Rule]:
    """The rules a record breaks, in the order of the book: the single-record check."""
    return [rule for rule in book.rules if not _holds(book, rule, record)]


def amount(book: Rulebook, text: str, currency: str) -> int | None:
    """In minor units; None for what is no exact amount of the currency."""
    found = re.fullmatch(MONEY[book.decimal], text)
    digits = book.exponents.get(currency)
    if found is None or digits is None:
        return None
    fraction = (found[2] or "").rstrip("0")
    return int(found[1] + fraction.ljust(digits, "0")) if len(fraction) <= digits else None


def words(book: Rulebook, rule: Rule, record: Mapping[str, str], times: int = 0) -> str:
    """The message about one record."""
    limit = limit_words(book, record["category"]) if rule.kind is Kind.LIMITS else str(times)
    return rule.message.format(value=record.get(rule.field, "")[:VALUE_MAX], limit=limit)


def limit_words(book: Rulebook, category: str) -> str:
    parts = zip(("at least", "at most"), book.limit(category), strict=True)
    return ", ".join(f"{how} {Money(minor, book.currency)}" for how, minor in parts if minor is not None)


def reject(book: Rulebook, rule: Rule, record: Mapping[str, str], row: int, times: int = 0) -> Reject:
    value = record.get(rule.field, "")[:VALUE_MAX]
    return Reject(row, record.get("sku", ""), rule.field, rule.code, value, words(book, rule, record, times), rule.corrects)  # fmt: skip


def check_digit_fits(digits: str) -> bool:
    """GS1: weights 3 and 1 from the right, the sum a multiple of ten."""
    return sum(int(digit) * (3 if n % 2 else 1) for n, digit in enumerate(reversed(digits))) % 10 == 0


def _holds(book: Rulebook, rule: Rule, record: Mapping[str, str]) -> bool:
    text = record[rule.field]
    if any(record[name] not in words for name, words in rule.within):
        return True
    if rule.kind is Kind.REQUIRED:
        return bool(text)
    if rule.kind is Kind.UNLESS:
        return bool(text or record[rule.other])
    return not text or _fits(book, rule, text, record)


def _fits(book: Rulebook, rule: Rule, text: str, record: Mapping[str, str]) -> bool:
    match rule.kind:
        case Kind.ONE_OF:
            return text in rule.values
        case Kind.LONGEST:
            return len(text) <= rule.high
        case Kind.BEGINS:
            return text.startswith(rule.values)
        case Kind.ENDS:
            return _small(text).endswith(rule.values)
        case Kind.WHOLE:
            return bool(re.fullmatch(WHOLE, text)) and rule.low <= int(text) <= rule.high
        case Kind.GTIN:
            return bool(re.fullmatch(GTIN, text)) and check_digit_fits(text)
        case Kind.AMOUNT:
            return bool(re.fullmatch(MONEY[book.decimal], text)) and bool(re.search("[1-9]", text))
    return _priced(book, rule, text, record)


def _small(text: str) -> str:
    """Latin letters made small; no other, so that every way of reading agrees."""
    return text.translate(_SMALL)


def _priced(book: Rulebook, rule: Rule, text: str, record: Mapping[str, str]) -> bool:
    """What asks for the amount itself; content where there is none, which other rules tell."""
    currency = record["currency"]
    minor = amount(book, text, currency)
    if rule.kind is Kind.SCALE:
        readable = re.fullmatch(MONEY[book.decimal], text) is not None and currency in book.exponents
        return minor is not None or not readable
    if rule.kind is Kind.BELOW:
        other = amount(book, record[rule.other], currency)
        return minor is None or other is None or minor < other
    if rule.kind is Kind.SHARE:
        other = amount(book, record[rule.other], currency)
        return minor is None or other is None or minor * 100 >= other * rule.low
    if not minor or currency != book.currency:  # zero is told as no amount
        return True
    low, high = book.limit(record["category"])
    return (low is None or minor >= low) and (high is None or minor <= high)
