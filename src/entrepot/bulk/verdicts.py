"""The rules as they are written, compiled to polars: what rules.py asks of one record, asked of all rows of a frame."""

from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING

from entrepot.bulk.rules import EVERY, GTIN, MONEY, WHOLE, Kind, Rule, Rulebook

if TYPE_CHECKING:
    import polars as pl


def typed(book: Rulebook) -> "list[pl.Expr]":
    """Amounts and numbers beside the texts, null where there is no exact one; and how many digits the currency has."""
    import polars as pl

    digits = pl.col("currency").replace_strict(
        list(book.exponents), list(book.exponents.values()), default=None, return_dtype=pl.UInt8
    )
    whole = (
        pl.when(pl.col(n).str.contains(WHOLE)).then(pl.col(n)).cast(pl.Int32, strict=False).alias(f"{n}_number")
        for n in ("quantity", "lead_days")
    )
    amounts = (_minor(book, name, digits).alias(f"{name}_minor") for name in ("price", "sale_price"))
    return [*amounts, digits.alias("digits"), *whole]


def _minor(book: Rulebook, name: str, digits: "pl.Expr") -> "pl.Expr":
    """Exact minor units, null for what is no exact amount."""
    import polars as pl

    parts = pl.col(name).str.extract_groups(MONEY[book.decimal])
    fraction = parts.struct.field("2").fill_null("").str.strip_chars_end("0")
    padded = parts.struct.field("1") + pl.concat_str(fraction, pl.lit("000000")).str.slice(0, digits)
    return pl.when(fraction.str.len_chars() <= digits).then(padded).cast(pl.Int64, strict=False)


def holds(book: Rulebook, rule: Rule) -> "pl.Expr":
    """Whether a row keeps a rule; never null."""
    import polars as pl

    text, empty = pl.col(rule.field), pl.col(rule.field) == ""
    if rule.kind is Kind.REQUIRED:
        return where(rule, ~empty)
    if rule.kind is Kind.UNLESS:
        return where(rule, ~empty | (pl.col(rule.other) != ""))
    return where(rule, empty | _fits(book, rule, text).fill_null(value=True))


def where(rule: Rule, holds: "pl.Expr") -> "pl.Expr":
    """A verdict, which counts only where the rule does."""
    import polars as pl

    return pl.any_horizontal(holds, *(~pl.col(name).is_in(words) for name, words in rule.within))


def _fits(book: Rulebook, rule: Rule, text: "pl.Expr") -> "pl.Expr":
    import polars as pl

    match rule.kind:
        case Kind.ONE_OF:
            return text.is_in(rule.values)
        case Kind.LONGEST:
            return text.str.len_chars() <= rule.high
        case Kind.BEGINS:
            return pl.any_horizontal([text.str.starts_with(one) for one in rule.values])
        case Kind.ENDS:
            small = text.str.replace_many(list(ascii_uppercase), list(ascii_lowercase))
            return pl.any_horizontal([small.str.ends_with(one) for one in rule.values])
        case Kind.WHOLE:
            number = text.cast(pl.Int64, strict=False)
            return text.str.contains(WHOLE) & number.is_between(rule.low, rule.high).fill_null(value=False)
        case Kind.GTIN:
            return text.str.contains(GTIN) & _check_digit_fits(text).fill_null(value=False)
        case Kind.AMOUNT:
            return text.str.contains(MONEY[book.decimal]) & text.str.contains("[1-9]")
    return _priced(book, rule, text)


def _priced(book: Rulebook, rule: Rule, text: "pl.Expr") -> "pl.Expr":
    import polars as pl

    minor = pl.col(f"{rule.field}_minor")
    if rule.kind is Kind.SCALE:
        return minor.is_not_null() | ~text.str.contains(MONEY[book.decimal]) | pl.col("digits").is_null()
    if rule.kind is Kind.BELOW:
        return minor < pl.col(f"{rule.other}_minor")
    if rule.kind is Kind.SHARE:
        return minor * 100 >= pl.col(f"{rule.other}_minor") * rule.low
    low, high = (_by_category(book, place) for place in (0, 1))
    inside = (minor >= low).fill_null(value=True) & (minor <= high).fill_null(value=True)
    return (pl.col("currency") != book.currency) | (minor == 0).fill_null(value=True) | inside


def _by_category(book: Rulebook, place: int) -> "pl.Expr":
    """The lowest or the highest price of each row's category."""
    import polars as pl

    own = {name: limit[place] for name, limit in book.limits.items() if name != EVERY}
    other = pl.lit(book.limit(EVERY)[place], pl.Int64)
    if not own:
        return other
    return pl.col("category").replace_strict(list(own), list(own.values()), default=other, return_dtype=pl.Int64)


def _check_digit_fits(text: "pl.Expr") -> "pl.Expr":
    import polars as pl

    number = text.cast(pl.Int64, strict=False)
    digits = [(number // 10**n) % 10 * (3 if n % 2 else 1) for n in range(14)]
    return pl.sum_horizontal(digits) % 10 == 0
